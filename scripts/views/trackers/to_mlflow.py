"""A study in MLflow: an experiment with one run a training, and one for the study as a whole.

What was sent already is asked of MLflow itself. A run there is known by the tags `study`, `run` and
`digest`, which it is created with, and is done once its status is no longer RUNNING; one that was
interrupted is given what it lacks. Nothing that is there is ever changed but the tags of the same
training: one that came out otherwise is another run.
"""

import fcntl
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from scripts.study.errors import StudyError, disk_full
from scripts.study.files import remove, replacing
from scripts.study.names import spell
from scripts.study.urls import masked
from scripts.views.results import Results
from scripts.views.trackers import content
from scripts.views.trackers.extras import require
from scripts.views.trackers.mlflow_model import log_model

# Beside the studies, all of which one UI then shows; their names begin with a letter or a digit.
LOCAL = ".mlflow"
DATABASE = "mlflow.db"
# MLflow takes at most so many metrics in one call.
BATCH = 1_000
# Set before the import, which reads it: no usage statistics, no minutes of waiting for a server
# that is not there, no talk.
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
STATUS = {"complete": "FINISHED", "pruned": "KILLED", "diverged": "FAILED", "failed": "FAILED"}
# Of the run that shows the study as a whole; no training is called so, since each has its seed.
WHOLE = "study"


def send(results: Results, options: Mapping[str, Any]) -> str:
    """Send what MLflow lacks of the study; return what to tell the user. Raises `StudyError`.

    Args:
        results: the finished study.
        options: `tracking.mlflow` of the config.
    """
    for key, value in ENVIRONMENT.items():
        os.environ.setdefault(key, value)
    require("mlflow")
    from mlflow.exceptions import MlflowException

    home = results.folder.parent / LOCAL
    uri = store(options, home)
    name = options["experiment"] or str(results.study["study"])
    local = uri == _local(home)
    place = _artifacts(home) if local else None
    try:
        with _alone(home) if local else nullcontext():
            return _send(results, uri, name, place)
    except Exception as error:
        # MLflow lets errors of its database library pass, and that those of a database's driver.
        by_database = type(error).__module__.startswith("sqlalchemy.")
        if not (by_database or isinstance(error, MlflowException | OSError | ImportError)):
            raise
        # Behind the database's own words its library shows the statement, over many lines.
        said = str(error).partition("[SQL:")[0] if by_database else str(error)
        reason = " ".join(said.split()).replace(uri, masked(uri))[:300]
        raise StudyError(f"tracking.mlflow: {masked(uri)}: {reason}; {_cure(error)}") from None


def _cure(error: Exception) -> str:
    """Return what the user can do about an error of MLflow, its database or that one's driver."""
    then = "`snakemake track` sends the rest"
    if isinstance(error, ImportError):
        return f"install the package beside MLflow, then {then}"
    if disk_full(error):
        return f"make room, then {then}"
    if re.search(r"\btable \S+ already exists", str(error)):
        return "this store was never made to its end: delete it, or name another"
    if "db upgrade" in str(error):
        return f"do so, then {then}"
    return f"what was sent stays; see that the store can be reached, then {then}"


def store(options: Mapping[str, Any], home: Path) -> str:
    """Return the URI of the config, else of MLflow's own variable, else of the store in `home`."""
    given = options["uri"] or os.environ.get("MLFLOW_TRACKING_URI")
    return str(given) if given else _local(home)


def _local(home: Path) -> str:
    return f"sqlite:///{(home / DATABASE).resolve()}"


def _artifacts(home: Path) -> str:
    return (home / "artifacts").resolve().as_uri()


def open_ui(results: Results, options: Mapping[str, Any], port: int) -> None:
    """Become MLflow's UI, which this machine alone can reach; of a server only tell the address."""
    require("mlflow")
    uri = store(options, results.folder.parent / LOCAL)
    if uri.startswith("http"):
        print(f"MLflow: {masked(uri)}")
        return
    print(f"MLflow: http://127.0.0.1:{port} (Ctrl-C ends it)", flush=True)
    # In the environment, since a database's URI may hold a password, which a command line tells.
    environment = {
        **ENVIRONMENT,
        **os.environ,
        "MLFLOW_BACKEND_STORE_URI": uri,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    server = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    os.execve(sys.executable, [sys.executable, *server, "--workers", "1"], environment)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Wait until no other study is sent to the store in `home`: two would make it at once."""
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _make(home)
        yield


def _make(home: Path) -> None:
    """Make the store in `home` where there is none, under another name until it is whole.

    MLflow makes it table by table, and goes on with none that was left half-made.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    database = home / DATABASE
    if database.is_symlink() and not database.exists():
        raise StudyError(
            f"{database}: a link to {database.readlink()}, where there is nothing; bring the store"
            " back, or delete the link for a new one"
        )
    if not database.exists():
        remove(database)  # what was left half-made
        with replacing(database) as temporary:
            made = SqlAlchemyStore(f"sqlite:///{temporary.resolve()}", _artifacts(home))
            made.engine.dispose()


def _send(results: Results, uri: str, name: str, place: str | None) -> str:
    from mlflow import MlflowClient

    client = MlflowClient(uri, registry_uri=uri)
    experiment = _experiment(client, name, uri, place)
    study = str(results.study["study"])
    known = _known(client, experiment, study)
    total, new, resumed = len(results.every_run), 0, 0
    for number, run in enumerate(content.runs(results), start=1):
        found = known.pop((run.name, run.digest), None)
        if found is None:
            new += 1
            _complete(client, _create(client, experiment, run), run, resumed=False)
        elif found.info.status == "RUNNING":
            resumed += 1
            _complete(client, found, run, resumed=True)
        _retag(client, found, run.tags)
        if number % 100 == 0:
            print(f"mlflow: {number} of {total} runs", flush=True)
    whole = content.whole(results)
    found = known.pop((WHOLE, whole.digest), None)
    if found is None or found.info.status != "FINISHED":
        _send_whole(client, experiment, found, whole)
    words = f"mlflow: {new} of {total} runs sent, {resumed} completed, the rest was there"
    if known:
        words += f"; {len(known)} of earlier states of this study stay there"
    return f"{words} (experiment {name!r} at {masked(uri)})"


def _experiment(client: Any, name: str, uri: str, place: str | None) -> str:
    """Return the id of the experiment; where it is not there, it is made, artifacts at `place`."""
    found = client.get_experiment_by_name(name)
    if found is None:
        # The kind decides which half of MLflow's UI opens: that of trainings, not of prompts.
        kind = {"mlflow.experimentKind": "custom_model_development"}
        return str(client.create_experiment(name, artifact_location=place, tags=kind))
    if found.lifecycle_stage != "active":
        raise StudyError(
            f"tracking.mlflow.experiment: {name!r} is deleted in {masked(uri)}; restore it"
            f" (`mlflow experiments restore -x {found.experiment_id}`) or name another"
        )
    return str(found.experiment_id)


def _known(client: Any, experiment: str, study: str) -> dict[tuple[str, str], Any]:
    """Return the study's runs in the experiment by name and digest."""
    known: dict[tuple[str, str], Any] = {}
    token = None
    while True:
        page = client.search_runs(
            [experiment], f"tags.study = '{study}'", max_results=1_000, page_token=token
        )
        for run in page:
            known.setdefault((run.data.tags.get("run"), run.data.tags.get("digest")), run)
        token = page.token
        if not token:
            return known


def _create(client: Any, experiment: str, run: content.Run) -> Any:
    return client.create_run(
        experiment,
        start_time=round(1_000 * run.started),
        run_name=run.name,
        tags={**run.tags, "run": run.name, "digest": run.digest},
    )


def _complete(client: Any, entity: Any, run: content.Run, *, resumed: bool) -> None:
    """Log what the run lacks, then close it.

    Times are counted from the run's start in MLflow, so that a metric sent again has the same.
    """
    from mlflow.entities import Metric, Param

    run_id, begin = entity.info.run_id, entity.info.start_time
    there = {
        name: {point.step for point in client.get_metric_history(run_id, name)}
        for name in (run.metrics if resumed else ())
    }
    params = [
        Param(name, value)
        for name, value in run.spelled.items()
        if not resumed or name not in entity.data.params
    ]
    metrics = [
        Metric(name, point.value, begin + round(1_000 * point.after), point.step)
        for name, points in run.metrics.items()
        for point in points
        if point.step not in there.get(name, ())
    ]
    if "objective" not in run.metrics:
        # MLflow's parallel coordinates offer metrics that every run has: one diverged run would
        # take the objective from all.
        metrics.insert(0, Metric("objective", math.nan, begin, 0))
    if params:
        client.log_batch(run_id, params=params)
    for start in range(0, len(metrics), BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + BATCH])
    client.set_terminated(run_id, STATUS[run.status], end_time=begin + round(1_000 * run.seconds))


def _retag(client: Any, entity: Any, tags: Mapping[str, str]) -> None:
    """Tell a run that is there of the stages that it has joined since."""
    for name, value in tags.items() if entity is not None else ():
        if entity.data.tags.get(name) != value:
            client.set_tag(entity.info.run_id, name, value)


def _send_whole(client: Any, experiment: str, found: Any, whole: content.Whole) -> None:
    """Send the run of the study as a whole, or what it lacks: documents, figures, the model.

    It has no `objective`, so that no plot takes it for a training.
    """
    from mlflow.entities import Metric, Param

    if found is None:
        tags = {"study": whole.study, "stage": WHOLE, "run": WHOLE, "digest": whole.digest}
        note = {"mlflow.note.content": whole.words}
        found = client.create_run(experiment, run_name=whole.study, tags={**tags, **note})
    run_id = found.info.run_id
    client.log_batch(
        run_id,
        params=[Param(name, spell(value)) for name, value in whole.params.items()],
        metrics=[
            Metric(name, value, found.info.start_time, 0) for name, value in whole.numbers.items()
        ],
    )
    sizes = _sizes(client, run_id, {name.rpartition("/")[0] for name in whole.files})
    for name, path in whole.files.items():
        # One that was being copied when the sending was interrupted is shorter.
        if sizes.get(name) != path.stat().st_size:
            client.log_artifact(run_id, str(path), name.rpartition("/")[0] or None)
    if whole.model is not None:
        log_model(client, found, whole)
    client.set_terminated(run_id, "FINISHED")


def _sizes(client: Any, run_id: str, folders: set[str]) -> dict[str, int]:
    """Return the sizes in bytes of the run's artifacts in `folders`, by their path."""
    return {
        file.path: file.file_size
        for folder in folders
        for file in client.list_artifacts(run_id, folder or None)
        if not file.is_dir
    }
