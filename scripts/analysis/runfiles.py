"""The files of one run, read and checked: run.json, metrics.json and benchmark.tsv.

A run that is not what the study plans must never reach a table, so every check ends in a
`StudyError` that names the file, the key, the value, what would be right, and the cure. The checks
are written by hand: a JSON Schema validator takes half a minute for the 10,000 runs that these
take two seconds for.
"""

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

from scripts.study.errors import StudyError
from scripts.study.hyperparameters import Value
from scripts.study.trial import STATUSES

SCHEMA_VERSION = 1

# Metrics of an epoch, in the order of the tables, with their least and largest possible value.
METRICS: dict[str, tuple[float, float]] = {
    "loss": (0.0, math.inf),
    "accuracy": (0.0, 1.0),
    "f1": (0.0, 1.0),
    "precision": (0.0, 1.0),
    "recall": (0.0, 1.0),
    "matthews_correlation": (-1.0, 1.0),
}
_OF_AN_EPOCH = {"train_loss": (0.0, math.inf), **METRICS}
# A correlation of 1 may come out a few units of the last place above it.
_SLACK = 1e-9


@dataclass(frozen=True)
class Expected:
    """What every run of a study has in common; `test`: whether the test split has labels."""

    metric: str
    direction: str
    precision: str
    fingerprint: str
    test: bool = False


@dataclass(frozen=True)
class Result:
    """What a run came to: the metrics are those after its last epoch.

    A diverged or failed run has no objective, no metrics and no best epoch, whatever it scored
    before. Failed is what ended with an error, or was killed (`scripts.attempt`).
    `test` holds the test split's metrics of a run that was evaluated on it.
    """

    status: str
    objective: float | None
    metrics: Mapping[str, float | None]
    best_epoch: int | None
    weights: str | None
    test: Mapping[str, float] | None = None


def refuse(path: Path, problem: str) -> NoReturn:
    """Raise the `StudyError` for a file of a run; the cure is to train the run again."""
    raise StudyError(f"{path}: {problem}; delete the folder {path.parent} and run snakemake again")


def read_run(
    path: Path,
    hyperparameters: Mapping[str, Value],
    seed: int,
    *,
    trial: bool = False,
    test: bool = False,
) -> None:
    """Check that run.json at `path` is what the config plans; raise `StudyError` otherwise.

    Of a trial the hyperparameters are what Optuna's batch proposes, and there may be `pruning`.
    `test` tells whether the run is evaluated on the test split.
    """
    document = _read_object(path)
    _check_inputs(
        path, document, hyperparameters, seed, "its Optuna batch" if trial else "the config"
    )
    known = {"hyperparameters", "seed", "test"} | ({"pruning"} if trial else set())
    if document.get("test", False) is not test:
        refuse(path, f"test is {_show(document.get('test', False))}, but the config has {test}")
    if not document.keys() <= known:
        refuse(path, f"the key {min(document.keys() - known)} does not belong in this run.json")


def read_metrics(
    path: Path,
    hyperparameters: Mapping[str, Value],
    seed: int,
    expected: Expected,
    *,
    trial: bool = False,
    test: bool = False,
) -> Result:
    """Return what metrics.json at `path` says of a run with these hyperparameters and seed.

    `trial` tells whether it is one of Optuna's, which alone may have failed; `test` whether the run
    is evaluated on the test split, where that has labels.
    Raises `StudyError` where the file is not of its format, or of another run, objective, data or
    precision than expected, or says something that cannot be.
    """
    document = _read_object(path)
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        refuse(path, f"schema_version is {_show(version)}, not {SCHEMA_VERSION}")
    status = document.get("status")
    if status not in STATUSES:
        refuse(path, f"status is {_show(status)}, not one of {', '.join(STATUSES)}")
    if status == "failed" and not trial:
        refuse(path, "status is 'failed', as of a trial of Optuna alone")
    _check_inputs(path, document, hyperparameters, seed, "run.json")
    objective = _object(path, document, "objective")
    for key, right in (("metric", expected.metric), ("direction", expected.direction)):
        if objective.get(key) != right:
            refuse(path, f"objective.{key} is {_show(objective.get(key))}, not the study's {right}")
    fingerprint = _object(path, document, "data").get("fingerprint")
    if fingerprint != expected.fingerprint:
        refuse(
            path,
            f"data.fingerprint is {_show(fingerprint)}, not {_show(expected.fingerprint)}"
            " as in data/info.json",
        )
    precision = document.get("precision")
    known = isinstance(precision, str) and expected.precision in ("auto", precision)
    if not known and status != "failed":
        refuse(path, f"precision is {_show(precision)}, not the study's {expected.precision}")
    weights = _object(path, document, "model").get("sha256")
    if not isinstance(weights, str | None):
        refuse(path, f"model.sha256 is {_show(weights)}, not a text")
    epochs = _check_epochs(path, document.get("epochs"), status, hyperparameters)
    scored = _check_test(path, document, test and expected.test and status == "complete")
    value = objective.get("value")
    if status in ("diverged", "failed"):
        if value is not None:
            refuse(path, f"objective.value is {_show(value)}, not null as in a {status} run")
        return Result(status, None, dict.fromkeys(METRICS), None, weights)
    last = epochs[-1]
    if not _is_number(value) or value != last[expected.metric]:
        refuse(
            path,
            f"objective.value is {_show(value)}, not the last epoch's {expected.metric}"
            f" {last[expected.metric]!r}",
        )
    sign = 1.0 if expected.direction == "maximize" else -1.0
    scores = [sign * epoch[expected.metric] for epoch in epochs]
    metrics = {name: float(last[name]) for name in METRICS}
    return Result(status, float(value), metrics, scores.index(max(scores)) + 1, weights, scored)


def read_seconds(path: Path) -> float | None:
    """Return the run's wall time in seconds from Snakemake's benchmark.tsv; None without one."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        refuse(path, f"cannot be read ({error})")
    lines = [line.split("\t") for line in text.splitlines()]
    if len(lines) < 2 or "s" not in lines[0] or len(lines[1]) != len(lines[0]):
        refuse(path, "not Snakemake's table with a column s (seconds) and a row below it")
    cell = lines[1][lines[0].index("s")]
    try:
        seconds = float(cell)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        refuse(path, f"column s is {_show(cell)}, not a number of seconds")
    return seconds


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a value")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a run's file, or refuse the file."""
    try:
        # Plain open: pathlib's own reader costs as much as parsing does.
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
    except FileNotFoundError:
        refuse(path, "no such file")
    except (OSError, UnicodeDecodeError) as error:
        refuse(path, f"cannot be read ({error})")
    if not text.strip():
        refuse(path, "the file is empty")
    try:
        document = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        refuse(path, f"not valid JSON ({error})")
    if not isinstance(document, dict):
        refuse(path, f"{_show(document)} is not a JSON object")
    return document


def _object(path: Path, document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the JSON object under `key`, or refuse the file."""
    value = document.get(key)
    if not isinstance(value, dict):
        refuse(path, f"{key} is {_show(value)}, not a JSON object")
    return value


def _check_inputs(
    path: Path,
    document: Mapping[str, Any],
    hyperparameters: Mapping[str, Value],
    seed: int,
    planner: str,
) -> None:
    """Refuse the file where its hyperparameters or its seed are not those of the plan."""
    found = _object(path, document, "hyperparameters")
    for name, value in hyperparameters.items():
        if not _same(found.get(name), value):
            problem = f"{_show(found[name])}" if name in found else "missing"
            refuse(path, f"hyperparameters.{name} is {problem}, but {planner} has {value!r}")
    if len(found) != len(hyperparameters):
        extra = sorted(set(found) - set(hyperparameters))[0]
        refuse(path, f"hyperparameters.{extra} is no hyperparameter of the study")
    if not _same(document.get("seed"), seed):
        refuse(path, f"seed is {_show(document.get('seed'))}, but {planner} has {seed}")


def _check_epochs(
    path: Path, epochs: Any, status: str, hyperparameters: Mapping[str, Value]
) -> list[dict[str, Any]]:
    """Return the epochs' metrics, or refuse the file where an epoch is missing or impossible."""
    if not isinstance(epochs, list):
        refuse(path, f"epochs is {_show(epochs)}, not a list")
    planned = int(hyperparameters["num_train_epochs"])
    least = {"complete": planned, "pruned": 1, "diverged": 0, "failed": 0}[status]
    if not least <= len(epochs) <= planned:
        right = str(planned) if least == planned else f"{least} to {planned}"
        refuse(path, f"epochs has {len(epochs)} entries, not {right} as a {status} run has")
    for number, epoch in enumerate(epochs, start=1):
        if not isinstance(epoch, dict) or not _same(epoch.get("epoch"), number):
            refuse(path, f"entry {number} of epochs is {_show(epoch)}, not epoch {number}")
        for name, (low, high) in _OF_AN_EPOCH.items():
            value = epoch.get(name)
            if value is None and status == "diverged":
                continue
            if not _is_number(value) or not low - _SLACK <= value <= high + _SLACK:
                right = f"from {low:g} to {high:g}" if math.isfinite(high) else f">= {low:g}"
                refuse(path, f"{name} of epoch {number} is {_show(value)}, not a number {right}")
    return epochs


def _check_test(path: Path, document: Mapping[str, Any], wanted: bool) -> dict[str, float] | None:
    """Return the test split's metrics; refuse the file where they are not as the plan wants.

    They may stand in the confirmation's runs only: nobody else looks at the test split.
    """
    if not wanted:
        if "test" in document:
            refuse(path, "it holds metrics of the test split, which this run is not to look at")
        return None
    found = _object(path, document, "test")
    for name, (low, high) in METRICS.items():
        value = found.get(name)
        if not _is_number(value) or not low - _SLACK <= value <= high + _SLACK:
            right = f"from {low:g} to {high:g}" if math.isfinite(high) else f">= {low:g}"
            refuse(path, f"test.{name} is {_show(value)}, not a number {right}")
    return {name: float(found[name]) for name in METRICS}


def _is_number(value: object) -> TypeGuard[float]:
    """Tell a finite JSON number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max  # false for whole numbers that no float holds, too


def _same(found: object, planned: object) -> bool:
    """Tell whether two JSON values are the same in value and type: 32 is not 32.0 or true."""
    return type(found) is type(planned) and found == planned


def _show(value: object) -> str:
    """Return a value as an error message shows it: cut, should it be long."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
