# A changed data set or model is tried before Snakemake removes what the study has of the old one: a
# mistake in the config would cost it, and all trainings that were made of it.
import subprocess
import tempfile


def command_of(job, scratch):
    """Return the words that run a job into the folder `scratch`; none if it cannot be tried."""
    if job.rule.name == "fetch_model":
        return ["--model", job.params.model, "--output", f"{scratch}/model.json"]
    # What is generated is checked with the config, and may not be there yet.
    if job.rule.name == "prepare" and not GENERATED:
        return ["--source", job.params.source, "--output", scratch]
    return []


def try_sources():
    """End with its message where a job fails that would make data or model of the study anew."""
    # With conda the jobs have an environment of their own.
    if workflow.deployment_settings.deployment_method:
        return
    for job in list(workflow.dag.needrun_jobs()):
        if not any(os.path.exists(path) for path in job.output):
            continue
        with tempfile.TemporaryDirectory(prefix="snaketune-") as scratch:
            if words := command_of(job, scratch):
                command = [sys.executable, "-m", f"scripts.{job.rule.name}", *words]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    end_unlocked(done.stderr.rpartition("snaketune: ")[2].strip())
