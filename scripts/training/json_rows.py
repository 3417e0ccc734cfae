"""JSON files of examples, read as they are written and handed to `datasets` as Parquet.

What reads JSON there guesses the kind of each column in pieces of 10 MB: where one text of a piece
is a number, all others of it get quotes, and texts that look like dates become dates. Here a column
holds one kind, and what does not fit is named by its line.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.study.errors import StudyError
from scripts.study.reading import show

_SPACE = " \t\r\n"


class Examples:
    """The examples of one split, from one file or several: what the columns `wanted` hold.

    Of other columns only the names are kept, which a message about a missing column lists. All are
    wanted where none is named.
    """

    def __init__(self, wanted: Sequence[str]) -> None:
        self._wanted = wanted
        self._cells: dict[str, list[Any]] = {}
        self._first: dict[str, tuple[str, Any]] = {}
        self._rows = 0
        self._files: list[str] = []

    def add(self, text: str, name: str, field: str | None) -> None:
        """Add those of a file's `text`; `field` is the key that they lie under, if any.

        Raises `StudyError` that names the file, as `name`, the line and the column.
        """
        self._files.append(name)
        for where, row in _rows(text, name, field):
            for column in row:
                if column not in self._cells:
                    self._cells[column] = [None] * self._rows if self._is_wanted(column) else []
            for column, cells in self._cells.items():
                if self._is_wanted(column):
                    value = _plain(row.get(column))
                    self._check(column, value, f"{name}, {where}")
                    cells.append(value)
            self._rows += 1

    def _is_wanted(self, column: str) -> bool:
        return not self._wanted or column in self._wanted

    def _check(self, column: str, value: Any, where: str) -> None:
        if value is None:
            return
        first, other = self._first.setdefault(column, (where, value))
        if _kind(value) != _kind(other):
            raise StudyError(
                f"dataset: {where}: {column!r} has {show(value)}, {_kind(value)}, and in {first} it"
                f" has {_kind(other)}; a column holds one kind"
            )
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise StudyError(
                f"dataset: {where}: {column!r} has {show(value)}, a number beyond 64 bits; put it"
                " in quotes"
            )
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                raise StudyError(
                    f"dataset: {where}: {column!r} holds half a character (a lone \\ud800 to"
                    " \\udfff), which no file can keep; correct the text"
                ) from None

    def write(self, path: Path, told: Mapping[str, Any]) -> None:
        """Write them to a Parquet file; raise `StudyError` where there are none.

        `told` are the features of columns that the README of a folder has. Others are found by
        what is in them.
        """
        import datasets

        if not self._rows:
            raise StudyError(f"dataset: {', '.join(self._files)}: no example in it")
        none = [None] * self._rows
        # Of more than 2 GB of text in one column, a plain string cannot count the bytes.
        text = datasets.Value("large_string")
        parts = []
        for column, cells in self._cells.items():
            feature = told.get(column) if cells else None
            if feature is None and isinstance(self._first.get(column, (None, None))[1], str):
                feature = text
            features = datasets.Features({column: feature}) if feature is not None else None
            parts.append(datasets.Dataset.from_dict({column: cells or none}, features=features))
        datasets.concatenate_datasets(parts, axis=1).to_parquet(str(path))


def _plain(value: Any) -> Any:
    """Return 5.0 as 5, since beside fractions large numbers would change; NaN is a missing cell."""
    if not isinstance(value, float):
        return value
    if math.isnan(value):
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _kind(value: object) -> str:
    """Return what a JSON value is, in words."""
    if isinstance(value, bool):
        return "true or false"
    kinds = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return kinds[type(value)]


def _rows(text: str, name: str, field: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each example with where it is: one a line, or all in one list."""
    for line, value in _values(text, name):
        if field is not None:
            if not isinstance(value, dict) or field not in value:
                known = ", ".join(value) if isinstance(value, dict) else show(value)
                raise StudyError(f"dataset.field: {field!r} is not in {name}; it has {known}")
            value = value[field]
            if isinstance(value, dict):
                value = _by_row(value, name, field)
        if not isinstance(value, list):
            yield f"line {line}", _example(value, f"{name}, line {line}")
            continue
        for number, one in enumerate(value, start=1):
            yield f"example {number}", _example(one, f"{name}, example {number}")


def _example(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise StudyError(
            f"dataset: {where}: {show(value)} is no example, which names its columns:"
            ' {"text": "...", "label": 0}'
        )
    return value


def _by_row(columns: dict[str, Any], name: str, field: str) -> list[dict[str, Any]]:
    """Return as examples what is a list, or as pandas writes it a mapping, for each column."""
    if all(isinstance(cells, dict) for cells in columns.values()):
        rows = {tuple(cells) for cells in columns.values()}
        if len(rows) == 1:
            columns = {column: list(cells.values()) for column, cells in columns.items()}
    lengths = {len(cells) if isinstance(cells, list) else -1 for cells in columns.values()}
    if len(lengths) != 1 or -1 in lengths:
        raise StudyError(
            f"dataset.field: {field!r} of {name} is neither a list of examples nor a list of equal"
            " length for each column"
        )
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


class _Twice(ValueError):
    """A key that stands in one mapping twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _Twice(f"the key {show(twice)} stands there twice")
    return found


def _values(text: str, name: str) -> Iterator[tuple[int, Any]]:
    """Yield each JSON value of a text with the line that it begins in, from 1."""
    decoder = json.JSONDecoder(object_pairs_hook=_once)
    line, end = 1, 0
    while True:
        start = end
        while start < len(text) and text[start] in _SPACE:
            start += 1
        line += text.count("\n", end, start)
        if start == len(text):
            return
        try:
            value, end = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            raise StudyError(
                f"dataset: {name}, line {error.lineno}: not valid JSON ({error.msg})"
            ) from None
        except (RecursionError, ValueError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else "a huge number"
            if isinstance(error, _Twice):
                reason = str(error)
            raise StudyError(f"dataset: {name}, line {line}: not valid JSON ({reason})") from None
        yield line, value
        line += text.count("\n", start, end)
