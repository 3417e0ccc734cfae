"""What trackers are sent of a study: its runs, read one at a time, and its final configuration.

Names of metrics have a prefix, by which all three trackers group their charts: `train/` by
optimiser step, `validation/` by epoch, `test/` once. Every run has every hyperparameter, so that
parallel coordinates leave none out.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from scripts.study.errors import StudyError
from scripts.study.files import file_sha256
from scripts.study.hyperparameters import HYPERPARAMETERS, Value
from scripts.study.names import spell
from scripts.views.final import final
from scripts.views.results import METRICS, Results

# Columns of history.csv by the name that trackers show.
BY_STEP = {
    "train/loss": "train_loss",
    "train/learning_rate": "learning_rate",
    "train/gradient_norm": "gradient_norm",
}
BY_EPOCH = {f"validation/{name}": "validation_loss" if name == "loss" else name for name in METRICS}
# Of a longer run, this many evenly spaced steps are sent: no chart shows more, and history.csv
# keeps them all.
MAX_STEPS = 1_000


class Point(NamedTuple):
    """A metric's value at a step, `after` so many seconds of training.

    No file says when a step was taken: all steps of a run are taken to last equally long.
    """

    step: int
    value: float
    after: float


@dataclass(frozen=True)
class Run:
    """A run as trackers show it.

    `metrics` has points by name, finite ones only, in the order of the steps; of `validation/` a
    step is an epoch. `tags` tells the stages, which may change when a study
    grows; all else is settled once the run is trained. `started` is in seconds since 1970.
    """

    study: str
    name: str
    params: Mapping[str, Value]
    seed: int
    status: str
    metrics: Mapping[str, Sequence[Point]]
    tags: Mapping[str, str]
    started: float
    seconds: float

    @cached_property
    def digest(self) -> str:
        """Return a hash of all that is settled: the same training has the same digest.

        How long it took is no part of it, which differs each time that it is done.
        """
        settled = {
            name: [(point.step, point.value) for point in points]
            for name, points in self.metrics.items()
            if name != "seconds"
        }
        text = json.dumps([dict(self.params), self.seed, self.status, settled])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def identity(self) -> str:
        """Return an id for trackers that want one: from study, name and digest alone."""
        name = hashlib.sha256(f"{self.study}\0{self.name}".encode()).hexdigest()[:12]
        return f"{name}-{self.digest}"

    @cached_property
    def spelled(self) -> dict[str, str]:
        """Return the hyperparameters as text, in the spelling of the runs' names."""
        return {name: spell(value) for name, value in self.params.items()}

    @cached_property
    def last(self) -> dict[str, float]:
        """Return each metric's last value."""
        return {name: points[-1].value for name, points in self.metrics.items()}


@dataclass(frozen=True)
class Whole:
    """The study as a whole: its final configuration, the pictures and documents, the model.

    `files` are paths by the name that they are shown under, of those that exist. `model` is the
    folder of the final model, None where there is none; it scores the columns `text`, cut to
    `max_length` tokens, into `labels`.
    """

    study: str
    words: str
    params: Mapping[str, Value]
    numbers: Mapping[str, float]
    files: Mapping[str, Path]
    model: Path | None
    text: Sequence[str]
    max_length: int
    labels: Sequence[str]

    @cached_property
    def model_digest(self) -> str | None:
        """Return a hash of the model's files, None without a model."""
        if self.model is None:
            return None
        files = sorted(path for path in self.model.rglob("*") if path.is_file())
        return _digest({str(path.relative_to(self.model)): path for path in files})

    @cached_property
    def digest(self) -> str:
        """Return a hash of all that is shown."""
        text = json.dumps([self.words, dict(self.params), dict(self.numbers), self.model_digest])
        return hashlib.sha256((text + _digest(self.files)).encode()).hexdigest()[:16]

    @cached_property
    def identity(self) -> str:
        """Return an id for trackers that want one: from study and digest alone."""
        return f"{hashlib.sha256(self.study.encode()).hexdigest()[:12]}-{self.digest}"


def runs(results: Results) -> Iterator[Run]:
    """Yield every run of the study, the confirmation's last, each read when it is asked for."""
    tests = _tests(results)
    for row in results.every_run.to_dict(orient="records"):
        name = str(row["run"])
        seconds = 0.0 if pd.isna(row["seconds"]) else float(row["seconds"])
        history = _history(results.history(name), seconds)
        last = max((points[-1].step for points in history.values()), default=0)
        # First, since MLflow's parallel coordinates begin with the first metric.
        once = {"objective": row["objective"], "best_epoch": row["best_epoch"], "seconds": seconds}
        metrics: dict[str, Sequence[Point]] = {
            key: [Point(last, float(value), seconds)]
            for key, value in {**once, **tests.get(name, {})}.items()
            if _finite(value)
        }
        metrics |= history
        tags = {
            "study": str(results.study["study"]),
            "stage": str(row["stage"]),
            "stages": str(row["stages"]),
            "status": str(row["status"]),
            "seed": str(row["seed"]),
            "objective": results.metric,
        }
        if _finite(row["trial"]):
            tags["trial"] = str(int(row["trial"]))
        yield Run(
            study=str(results.study["study"]),
            name=name,
            params={key: _plain(row[key]) for key in HYPERPARAMETERS},
            seed=int(row["seed"]),
            status=str(row["status"]),
            metrics=metrics,
            tags=tags,
            started=_ended(results.folder / "runs" / name / "metrics.json") - seconds,
            seconds=seconds,
        )


def whole(results: Results) -> Whole:
    """Return what is shown of the study as a whole."""
    recommended = final(results)
    noise = results.noise
    numbers = {"baseline/mean": noise.mean, "baseline/sd": noise.sd}
    folder = results.folder
    files = {f"figures/{path.name}": path for path in sorted(folder.glob("figures/*.png"))}
    for name in ("report.html", "study.json", "best.json", "verdict.json", "summary/runs.csv"):
        if (folder / name).is_file():
            files[name] = folder / name
    model = folder / "model"
    return Whole(
        study=str(results.study["study"]),
        words=recommended.words,
        params=dict(recommended.values),
        numbers={key: value for key, value in numbers.items() if value is not None},
        files=files,
        model=model if (model / "config.json").is_file() else None,
        text=list(results.study["columns"]["text"]),
        max_length=int((recommended.values or results.baseline)["max_seq_length"]),
        labels=[str(label) for label in results.info.get("labels", ())],
    )


def _history(frame: pd.DataFrame, seconds: float) -> dict[str, Sequence[Point]]:
    """Return the points of history.csv, a row a step, by the name that trackers show."""
    found: dict[str, Sequence[Point]] = {}
    if frame.empty:
        return found
    # Counted from the end, so that the last step is always among them.
    thin = frame.iloc[:: -(len(frame) // MAX_STEPS + 1)][::-1]
    epochs = frame.dropna(subset=[column for column in BY_EPOCH.values() if column in frame])
    for columns, rows, step in ((BY_STEP, thin, "step"), (BY_EPOCH, epochs, "epoch")):
        after = (seconds * rows["step"] / frame["step"].iloc[-1]).tolist()
        for name, column in columns.items():
            values = rows[column].tolist() if column in rows else []
            points = [
                Point(int(at), float(value), passed)
                for at, value, passed in zip(rows[step].tolist(), values, after, strict=False)
                if _finite(value)
            ]
            if points:
                found[name] = points
    return found


def _ended(path: Path) -> float:
    """Return when the run that left this file ended, in seconds since 1970."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        raise StudyError(f"{path}: no such file; run snakemake again to make it") from None


def _tests(results: Results) -> dict[str, dict[str, float]]:
    """Return the test split's metrics by run, of the runs that were evaluated on it."""
    if results.fresh.empty:
        return {}
    columns = {f"test/{name}": f"test_{name}" for name in METRICS}
    return {
        str(row["run"]): {key: row[column] for key, column in columns.items() if column in row}
        for row in results.fresh.to_dict(orient="records")
    }


def _finite(value: Any) -> bool:
    return value is not None and not pd.isna(value) and math.isfinite(float(value))


def _plain(value: Any) -> Value:
    """Return a table's value as Python's own."""
    return value.item() if hasattr(value, "item") else value


def _digest(files: Mapping[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(f"{name}\0{file_sha256(path)}\0".encode())
    return digest.hexdigest()[:16]
