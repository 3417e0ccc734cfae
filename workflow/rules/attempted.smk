# A changed data set or model is tried before Snakemake removes what the study has of the old one: a
# mistake in the config would cost it, and all trainings that were made of it.
import subprocess
import tempfile


def tried(job):
    """Tell whether a job makes data or model of the study, of which there are some, anew.

    What is generated is checked with the config, and may not be there yet.
    """
    names = {"fetch_model"} if GENERATED else {"fetch_model", "prepare"}
    return job.rule.name in names and any(map(os.path.exists, job.output))


def try_sources():
    """End with its message where a job fails that would make data or model of the study anew."""
    # With conda the jobs have an environment of their own.
    if workflow.deployment_settings.deployment_method:
        return
    for job in filter(tried, workflow.dag.needrun_jobs()):
        with tempfile.TemporaryDirectory(prefix="snaketune-") as scratch:
            if job.rule.name == "prepare":
                words = ["--source", job.params.source, "--output", scratch]
            else:
                words = ["--model", job.params.model, "--output", f"{scratch}/model"]
            command = [sys.executable, "-m", f"scripts.{job.rule.name}", *words]
            done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            end_unlocked(done.stderr.rpartition("snaketune: ")[2].strip())
