"""The files in `optuna/` that a search goes by, read and checked: space, warm start and batches.

They are what a command wrote, so a mistake in one is damage: every check ends in a `StudyError`
that names the file, what is wrong with it, and the cure.
"""

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from scripts.study import blocks, optuna_options
from scripts.study.errors import StudyError
from scripts.study.files import json_text, read_json, read_text
from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.study.reading import show
from scripts.study.trial import STATUSES, Trial, epoch_values

SPACE_KEYS = ("seed", "objective", "batch_size", "sampler", "pruner", "space", "baseline")
WARM_START_COLUMNS = ("run", "stage", "objective")
_BATCH_KEYS = ("batch", "seed", "pruning", "trials")
_PRUNING_KEYS = ("pruner", "direction", "earlier")
_DIRECTIONS = ("maximize", "minimize")


def read_space(path: Path) -> dict[str, Any]:
    """Return space.json as `scripts.search_space` writes it: the keys `SPACE_KEYS`."""
    _check_there(path)
    document = read_json(path)
    with _checking(path):
        _keys(document, SPACE_KEYS, "the file")
        _whole(document["seed"], 0, "seed")
        _whole(document["batch_size"], 1, "batch_size")
        objective = _keys(document["objective"], ("metric", "direction"), "objective")
        _one_of(objective["direction"], _DIRECTIONS, "objective.direction")
        _check_options(document["sampler"], optuna_options.sampler, "sampler")
        _check_options(document["pruner"], optuna_options.pruner, "pruner")
        _check_values(document["baseline"], "baseline")
        _check_blocks(document["baseline"], _mapping(document["space"], "space"))
    return cast(dict[str, Any], document)


def read_batch(path: Path) -> dict[str, Any]:
    """Return batch-<number>.json as `scripts.ask` writes it, for the number in its name.

    Each of its trials has every hyperparameter, with a value of its kind and range.
    """
    document = read_json(path)
    with _checking(path):
        _keys(document, _BATCH_KEYS, "the file")
        number = int(path.stem.rpartition("-")[2])
        if document["batch"] != number:
            raise StudyError(f"batch is {document['batch']!r}, not {number}")
        _whole(document["seed"], 0, "seed")
        if document["pruning"] is not None:
            _check_pruning(document["pruning"])
        for index, entry in enumerate(_list(document["trials"], "trials")):
            where = f"trials[{index}]"
            _whole(_keys(entry, ("trial", "hyperparameters"), where)["trial"], 1, f"{where}.trial")
            _check_values(entry["hyperparameters"], f"trial {entry['trial']}")
    return cast(dict[str, Any], document)


def read_warm_start(path: Path, space: Mapping[str, Any]) -> list[Trial]:
    """Return the runs in warm-start.csv as trials in the search space, with `run` and `stage`."""
    _check_there(path)
    table = csv.DictReader(io.StringIO(read_text(path), newline=""))
    with _checking(path):
        try:
            columns, rows = list(table.fieldnames or ()), list(table)
        except csv.Error as error:
            raise StudyError(f"not a table ({error})") from None
        if columns != [*WARM_START_COLUMNS, *sorted(space)]:
            raise StudyError(f"its columns are {show(columns)}, not those of its search space")
        return [_started(row, space, line) for line, row in enumerate(rows, start=2)]


def _check_there(path: Path) -> None:
    """Raise `StudyError` for a missing file of those that a plain run leaves missing.

    Nothing waits for it once all trials were asked for.
    """
    if not path.exists():
        raise StudyError(
            f"{path}: no such file; run snakemake with the file's name behind its options"
            f" (-- {path}), then again"
        )


def _started(row: Mapping[str, Any], space: Mapping[str, Any], line: int) -> Trial:
    try:
        value = float(row["objective"])
        values = {name: HYPERPARAMETERS[name].canonical(row[name]) for name in space}
    except (TypeError, ValueError, StudyError) as error:
        raise StudyError(f"line {line}: {error}") from None
    if not math.isfinite(value) or None in row:
        raise StudyError(f"line {line}: not a run with a finite objective")
    told = {"run": row["run"], "stage": row["stage"], "warm_start": True}
    return Trial(values, "complete", [value], told)


def read_scores(path: Path) -> tuple[str, list[float], str]:
    """Return what metrics.json at `path` says of a trial: status, objective by epoch, its failure.

    What diverged or failed has no scores. All else in the file is checked where tables are made.
    """
    document = read_json(path)
    try:
        status = document["status"]
        _one_of(status, STATUSES, "status")
        lost = status in ("diverged", "failed")
        values = [] if lost else epoch_values(document)
        if not lost and not values:
            raise StudyError(f"a {status} run without a score")
    except (KeyError, TypeError, OverflowError, StudyError) as error:
        raise StudyError(
            f"{path}: not the metrics of a run ({error}); delete the folder {path.parent} and run"
            " snakemake again"
        ) from None
    return status, values, str(document.get("failure", "no reason"))


@contextmanager
def _checking(path: Path) -> Iterator[None]:
    """Name the file and the cure in an error about what is in it."""
    try:
        yield
    except StudyError as error:
        raise StudyError(f"{path}: {error}; delete the file and run snakemake again") from None


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise StudyError(f"{where} is {show(value)}, not a mapping")
    return value


def _list(value: object, where: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise StudyError(f"{where} is {show(value)}, not a list")
    return value


def _keys(value: object, keys: Sequence[str], where: str) -> dict[str, Any]:
    found = dict(_mapping(value, where))
    if found.keys() != set(keys):
        raise StudyError(f"{where} has the keys {', '.join(found) or '-'}, not {', '.join(keys)}")
    return found


def _whole(value: object, least: int, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise StudyError(f"{where} is {show(value)}, not a whole number >= {least}")


def _one_of(value: object, known: Sequence[str], where: str) -> None:
    if value not in known:
        raise StudyError(f"{where} is {show(value)}, not one of {', '.join(known)}")


def _check_options(
    value: object, resolve: Callable[[Mapping[str, Any]], dict[str, Any]], where: str
) -> None:
    """Raise `StudyError` unless `value` is a sampler or pruner as `resolve` would give it."""
    block = _keys(value, ("name", "options"), where)
    if not isinstance(block["name"], str):
        raise StudyError(f"{where}.name is {show(block['name'])}, not a text")
    _mapping(block["options"], f"{where}.options")
    _check_spelling(resolve(block), block, where)


def _check_values(values: object, where: str) -> None:
    """Raise `StudyError` unless `values` has every hyperparameter in the study's one spelling."""
    found = _mapping(values, where)
    if found.keys() != HYPERPARAMETERS.keys():
        wrong = sorted(found.keys() ^ HYPERPARAMETERS.keys())
        raise StudyError(f"{where}: {', '.join(wrong)} missing or unknown")
    for name, spec in HYPERPARAMETERS.items():
        right = spec.canonical(found[name])
        if type(right) is not type(found[name]):
            raise StudyError(f"{where}: {name} is {show(found[name])}, not {show(right)}")


def _check_spelling(right: object, found: object, where: str) -> None:
    """Raise `StudyError` unless the two are the same JSON, in which 32 is not 32.0 or true."""
    if json_text(right) != json_text(found):
        raise StudyError(f"{where} is {show(found)}, not {show(right)}")


def _check_blocks(baseline: Mapping[str, Any], space: Mapping[str, Any]) -> None:
    """Raise `StudyError` unless each searched hyperparameter has a search block as in a config."""
    unknown = sorted(space.keys() - HYPERPARAMETERS.keys())
    if unknown or not space:
        raise StudyError(f"space: {', '.join(unknown) or 'nothing'} is no hyperparameter")
    for name, block in space.items():
        known = {"low", "high", "log", "step", "choices"}
        if not _mapping(block, f"space.{name}").keys() <= known or not isinstance(
            block.get("choices", []), list
        ):
            raise StudyError(f"space.{name} is {show(block)}, not a search block")
        whole = blocks.hyperparameters({name: {"baseline": baseline[name], "search": block}})
        _check_spelling(whole[name]["search"], block, f"space.{name}")


def _check_pruning(value: object) -> None:
    pruning = _keys(value, _PRUNING_KEYS, "pruning")
    _check_options(pruning["pruner"], optuna_options.pruner, "pruning.pruner")
    _one_of(pruning["direction"], _DIRECTIONS, "pruning.direction")
    for index, entry in enumerate(_list(pruning["earlier"], "pruning.earlier")):
        where = f"pruning.earlier[{index}]"
        _one_of(_keys(entry, ("status", "values"), where)["status"], STATUSES, f"{where}.status")
        for number in _list(entry["values"], f"{where}.values"):
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise StudyError(f"{where}.values holds {show(number)}, not a number")
