# The study that the config describes, checked before any rule is read, and where its files lie.
import atexit
import contextlib
import gc
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(workflow.current_basedir.join("../..").get_path_or_uri(False)))

from scripts.study import (
    integrity,
    locks,
    model_sources,
    plan,
    reading,
    sources,
    trackers,
)
from scripts.study.code import ROOT, fingerprint
from scripts.study.config import resolve
from scripts.study.documents import read_chosen, read_finalists
from scripts.study.errors import StudyError
from scripts.study.files import json_text, read_json, sweep, write_json
from scripts.study.model_files import present
from scripts.study.names import parse_run, planned_pattern

# Rules call `python -m scripts.<rule>`: the Python that runs Snakemake, wherever it lies.
os.environ.update(
    PATH=os.path.dirname(sys.executable) + os.pathsep + os.getenv("PATH", "")
)
# A plan of thousands of runs is millions of objects, and nearly none of them garbage. What runs the
# jobs looks for it again (see the Snakefile), though less often than Python does by itself.
gc.disable()
gc.set_threshold(200_000, 20, 100)
# Batches of trials are chained through files, and Snakemake follows such a chain by recursion.
sys.setrecursionlimit(20_000)

# The options of the command line, without their values.
TYPED = {word.partition("=")[0] for word in sys.argv}
# Options that change no result and must always be there.
FREEING = {"--unlock", "--cleanup-metadata"}
# Options that are about what the jobs run in, whether they run in it or not.
ABOUT_CONDA = {
    "--conda-create-envs-only",
    "--list-conda-envs",
    "--conda-cleanup-envs",
    "--containerize",
    "--archive",
    "--lint",
}


def end_with(error):
    """End with a mistake's one message: it is no failure of the workflow, so without a traceback."""
    print(f"snaketune: {error}", file=sys.stderr)
    sys.stderr.flush()
    os._exit(1)


if Path.cwd().resolve() != ROOT:
    end_with(
        f"started in {Path.cwd()}; start snakemake in the project's folder, {ROOT}, where its"
        " rules and scripts lie and results/ is written"
    )

try:
    # Snakemake has merged the files already; reading them once more finds duplicate keys.
    for path in workflow.configfiles:
        reading.read(path)
    # DVC's stages name a config that has no overlay twice.
    named = dict.fromkeys(str(path) for path in workflow.configfiles)
    source = ", ".join(named) or "config"
    # Snakemake has laid these over the files.
    source += " and --config" * bool(workflow.config_settings.config)
    STUDY = resolve(config, source)
    # Not once more for every job; nor by what frees a study, or has Snakemake forget a file.
    if workflow.is_main_process and not FREEING & TYPED:
        integrity.check(f"results/{STUDY['study']}")
        for line in integrity.lost(Path("results", STUDY["study"], "model")):
            print(f"snaketune: {line}", file=sys.stderr)
except StudyError as error:
    if any(
        isinstance(value, dict) for value in workflow.config_settings.config.values()
    ):
        error = f"{error}\n  What --config gives inside a block is text to Snakemake: give it in a file"
    end_with(error)

S = f"results/{STUDY['study']}"
# With less free space than this, a failure is taken for that of a full disk (bytes).
ROOM = 10_000_000
# By name, since ancient() marks the very object that it is given, for every rule that names it.
STUDY_FILE = f"{S}/study.json"
SEED = STUDY["seed"]
BASELINE = plan.baseline_values(STUDY)
# Where no job runs in it, the file is none of a job's: Snakemake would keep all of it with every output,
# which is most of its records, and parse it again for each job in its report.
CONDA = workflow.deployment_settings.deployment_method or ABOUT_CONDA & TYPED
ENVIRONMENT = "../../environment.yml" if CONDA else None


wildcard_constraints:
    batch=r"\d\d\d\d+",
    trial=r"\d\d\d\d+",
    length=r"\d+",


def metrics(runs):
    """Return the metrics.json of each run, given as runs or names."""
    return [f"{S}/runs/{getattr(run, 'name', run)}/metrics.json" for run in runs]


def or_end(read, *arguments):
    """Return what `read` returns; end with its one message where the file is not what it should be."""
    try:
        return read(*arguments)
    except StudyError as error:
        end_unlocked(error)


def end_unlocked(error):
    """End with one message, and without a lock that a person would have to remove."""
    with contextlib.suppress(Exception):
        workflow.persistence.unlock()
    end_with(error)


def chosen():
    """Return the hyperparameters that grid and Optuna vary.

    Only a choice left to the ranking depends on data, and needs the checkpoint.
    """
    if STUDY["rank"]["hyperparameters"] is not None:
        return STUDY["rank"]["hyperparameters"]
    checkpoints.rank.get()
    return or_end(read_chosen, STUDY, Path(S))


def hold_study():
    """End where another Snakemake works on this study, else keep others from it until the end.

    Snakemake's own locks do not last: whoever ends in this folder, with whatever study, removes all.
    """
    lock = Path(".snakemake", f"snaketune-{STUDY['study']}.lock")
    if holder := locks.hold(lock):
        end_unlocked(
            f"{S}: {holder} works on this study already (it holds {lock}); wait for its end, or give"
            " yours another name"
        )


def need_trackers():
    """End where the study is to be sent to a tracker that is not installed: now, not at its end."""
    # With conda the jobs have an environment of their own.
    if workflow.deployment_settings.deployment_method or not TRACKED:
        return
    if any(job.rule.name == "tracked" for job in workflow.dag.needrun_jobs()):
        or_end(trackers.require_installed, STUDY)


def keep_study():
    """Write study.json where it is not what the config says."""
    try:
        same = read_json(STUDY_FILE) == STUDY
    except StudyError:
        same = False
    if not same:
        write_json(STUDY_FILE, STUDY)


def tell_of_full_disk():
    """Say so where there is hardly any room left for results."""
    disk = os.statvfs("results" if os.path.isdir("results") else ".")
    free = disk.f_bavail * disk.f_frsize
    if free < ROOM or (disk.f_files and not disk.f_favail):
        left = f"{free / 1e6:.1f} MB" if free < ROOM else "no file more"
        print(
            f"snaketune: the disk of {os.path.abspath(S)} is full ({left} left); make room and run"
            " the same command again",
            file=sys.stderr,
        )


def literal(text):
    """Return a param that is this text: in one that is no function, {x} is a wildcard to Snakemake."""
    return lambda wildcards: text


def slice_of(*keys):
    """Return a param, what the study says under `keys`: a change of it reruns a rule."""
    return literal(json_text({key: STUDY[key] for key in keys}))
