"""Which class each label means: a class of the config, of the data set, or found in training."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from scripts.study.errors import StudyError
from scripts.study.reading import show
from scripts.training.tokens import UNLABELLED

# As many as a config may list. A column of more is not one of classes.
MOST = 1000
# A number as it is usually written: 01 is a name.
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,15})")
_NUMBER = re.compile(rf"{_WHOLE.pattern}(\.\d+)?")


def told(value: object) -> str:
    """Return a cell as a message quotes it."""
    return "nothing" if value is None or value != value else show(value)


def bare(name: object) -> str:
    """Return the name of a class as a message lists it: without quotes, shortened, on one line."""
    return show(str(name)).strip("'\"")


def from_cells(
    cells: Mapping[str, Sequence[str | None]], names: Sequence[str] | None
) -> dict[str, list[Any]]:
    """Return the labels in CSV files, by split and cell: numbers, or names as they are written.

    With `names` of classes what is no name and reads as a number is one. Without them all are
    numbers where every one is, of all splits, and names else; so are true and false, unless they
    are written in several ways.
    """
    written = {cell for column in cells.values() for cell in column if cell is not None}
    numbers = {cell: number for cell in written if (number := _read(cell)) is not None}
    meant: dict[str, Any]
    if names:
        meant = {cell: numbers.get(cell, cell) for cell in written} | {name: name for name in names}
    elif len(numbers) == len(written):
        meant = dict(numbers)
        ways = sorted({cell.strip() for cell in written})
        # In the order of false and true, which the metrics of two classes go by.
        if all(isinstance(number, bool) for number in numbers.values()) and (
            [_read(way) for way in ways] == sorted(set(numbers.values()))
        ):
            meant = {cell: cell.strip() for cell in written}
    else:
        meant = {cell: cell for cell in written}
    return {
        role: [None if cell is None else meant[cell] for cell in column]
        for role, column in cells.items()
    }


def _read(cell: str) -> float | int | bool | None:
    """Return the number that a cell says, or whether it is true; None where it is a text."""
    text = cell.strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if not _NUMBER.fullmatch(text):
        return None
    if _WHOLE.fullmatch(text):
        return int(text)
    value = float(text)
    return int(value) if value.is_integer() else value


def classes(
    values: Sequence[Any],
    label: str,
    names: Sequence[str] | None,
    own: Sequence[str] | None = None,
) -> tuple[list[str], dict[Any, int]]:
    """Return the class names, and the index of each name and of each number that stands for one.

    Args:
        values: the column `label` of the train split.
        label: its name.
        names: those of the config. Where all of them are whole numbers, numbers are names.
        own: those of the data set, whose numbers are indices.

    Without either, what is found in `values` is the names, sorted.
    """
    known: list[str] = list(names or own or ())
    found: Sequence[Any] = range(len(known))
    if not known:
        found = _found(values, label)
        known = [str(value) for value in found]
    elif own is None and all(_WHOLE.fullmatch(name) for name in known):
        found = [int(name) for name in known]
    index: dict[Any, int] = {name: number for number, name in enumerate(known)}
    return known, index | {value: number for number, value in enumerate(found)}


def _found(values: Sequence[Any], label: str) -> list[Any]:
    first: dict[type, tuple[int, Any]] = {}
    seen = set()
    for row, value in enumerate(values, start=1):
        found = _class(value, label, row)
        if found is not None:
            seen.add(found)
            first.setdefault(type(found), (row, found))
    if len(first) > 1:
        (row, one), (other, two), *_ = first.values()
        raise StudyError(
            f"columns.label: row {other} of the train split has {told(two)} in {label!r} where row"
            f" {row} has {told(one)}; classes are words or whole numbers, not both"
        )
    if not seen:
        raise StudyError(f"columns.label: no example of the train split has a class in {label!r}")
    if len(seen) > MOST:
        raise StudyError(
            f"columns.label: {label!r} has {len(seen):,} classes in the train split, more than"
            f" {MOST:,}; is it the column of the class?"
        )
    return sorted(seen)


def _class(value: Any, label: str, row: int) -> str | int | None:
    """Return a label as a class; a missing one beside them makes fractions of whole numbers."""
    if value is None or value == "" or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str | int):
        return value
    raise StudyError(
        f"columns.label: row {row} of the train split has {told(value)} in {label!r}; a class is"
        " needed, a word or a whole number"
    )


def indices(values: Sequence[Any], role: str, label: str, index: Mapping[Any, int]) -> list[int]:
    """Return the class index of each label of a split; -1 where a test split has none at all."""
    none = [one for one in (None, UNLABELLED, str(UNLABELLED)) if one not in index]
    if role == "test" and all(value in none or value != value for value in values):
        return [UNLABELLED] * len(values)
    found = []
    for row, value in enumerate(values, start=1):
        number = index.get(value) if isinstance(value, str | int | float) else None
        if number is None:
            known = ", ".join(dict.fromkeys(bare(name) for name in index))
            raise StudyError(
                f"columns.label: row {row} of the {role} split has {told(value)} in {label!r};"
                f" it should be a class of the train split or of labels: {known[:200]}"
            )
        found.append(number)
    return found
