"""A study as offline runs of Weights & Biases, ready for `wandb sync`. No network and no key.

A run's folder is written aside and renamed, so it is there whole or not at all, and its name ends
in an id that follows from study, run and what it holds: that is how a later sending knows what is
there. A key, should the environment have one, is neither needed nor written; `wandb sync` reads it.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from scripts.study.errors import StudyError
from scripts.views.results import Results
from scripts.views.trackers import content
from scripts.views.trackers.extras import require

SENDING = ".sending-"


def send(results: Results, options: Mapping[str, Any]) -> str:
    """Write what the study's folder `wandb` lacks; return what to tell the user.

    Args:
        results: the finished study.
        options: `tracking.wandb` of the config.
    """
    home = results.folder / "wandb"
    home.mkdir(exist_ok=True)
    for left in home.glob(f"{SENDING}*"):
        shutil.rmtree(left)
    # wandb's own folders lie in the user's home unless told otherwise. Artifacts wait for
    # `wandb sync` in the data folder.
    os.environ.update(
        WANDB_DATA_DIR=str((home / "data").resolve()),
        WANDB_CACHE_DIR=str((home / "cache").resolve()),
        WANDB_ERROR_REPORTING="false",
    )
    wandb = require("wandb")
    there = {path.name.rpartition("-run-")[2][16:] for path in home.glob("offline-run-*-*")}
    total, new = len(results.every_run), 0
    for run in content.runs(results):
        if run.identity not in there:
            new += 1
            given = {
                "id": run.identity,
                "name": run.name,
                "group": run.tags["stage"],
                "job_type": "train",
                "tags": [run.study, *run.tags["stages"].split(";"), run.status],
                "config": {**run.params, **run.tags, "seed": run.seed, "digest": run.digest},
            }
            _written(wandb, home, options, given, partial(_fill, run=run))
            if new % 100 == 0:
                print(f"wandb: {new} runs written", flush=True)
    whole = content.whole(results)
    if whole.identity not in there:
        given = {
            "id": whole.identity,
            "name": whole.study,
            "group": "study",
            "job_type": "study",
            "tags": [whole.study],
            "notes": whole.words,
            "config": {**whole.params, "study": whole.study, "digest": whole.digest},
        }
        _written(wandb, home, options, given, partial(_fill_whole, wandb=wandb, whole=whole))
    words = f"wandb: {new} of {total} runs written, the rest was there"
    return f"{words} (wandb sync {home}/offline-run-*)"


def _written(
    wandb: Any,
    home: Path,
    options: Mapping[str, Any],
    given: Mapping[str, Any],
    fill: Callable[[Any], None],
) -> None:
    """Write one offline run, filled by `fill`, under `home`."""
    with tempfile.TemporaryDirectory(prefix=SENDING, dir=home) as scratch:
        settings = wandb.Settings(
            console="off",
            silent=True,
            disable_code=True,
            disable_git=True,
            save_code=False,
            x_disable_machine_info=True,
            x_disable_meta=True,
            x_disable_stats=True,
        )
        try:
            run = wandb.init(
                mode="offline",
                dir=scratch,
                project=options["project"],
                entity=options["entity"],
                reinit="finish_previous",
                settings=settings,
                **given,
            )
            fill(run)
            run.finish()
        except (wandb.Error, OSError) as error:
            raise StudyError(
                f"tracking.wandb: {home}: {' '.join(str(error).split())[:300]}; what was written"
                " stays, and `snakemake track` writes the rest"
            ) from None
        (written,) = Path(scratch, "wandb").glob("offline-run-*")
        written.rename(home / written.name)


def _fill(open_run: Any, run: content.Run) -> None:
    """Log the run's metrics by step, by epoch and as a whole."""
    open_run.define_metric("step", hidden=True)
    open_run.define_metric("epoch", hidden=True)
    open_run.define_metric("train/*", step_metric="step")
    open_run.define_metric("validation/*", step_metric="epoch")
    rows: dict[tuple[str, int], dict[str, float]] = {}
    for name, points in run.metrics.items():
        axis = {"train": "step", "validation": "epoch"}.get(name.partition("/")[0])
        for point in points if axis else ():
            rows.setdefault((str(axis), point.step), {})[name] = point.value
    for (axis, step), row in rows.items():
        open_run.log({axis: step, **row})
    open_run.summary.update(run.last)


def _fill_whole(open_run: Any, wandb: Any, whole: content.Whole) -> None:
    """Log figures, documents and the final model."""
    open_run.summary.update(whole.numbers)
    figures = {name: path for name, path in whole.files.items() if path.suffix == ".png"}
    open_run.log({name.removesuffix(".png"): wandb.Image(str(p)) for name, p in figures.items()})
    documents = wandb.Artifact(f"{whole.study}-documents", type="study")
    for name, path in whole.files.items():
        if name not in figures:
            documents.add_file(str(path), name=name)
    open_run.log_artifact(documents)
    if whole.model is not None:
        model = wandb.Artifact(f"{whole.study}-model", type="model")
        # File by file: add_dir announces itself.
        for path in sorted(path for path in whole.model.rglob("*") if path.is_file()):
            model.add_file(str(path), name=str(path.relative_to(whole.model)))
        open_run.log_artifact(model)
