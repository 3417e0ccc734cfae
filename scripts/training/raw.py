"""Plain CSV and JSON files looked through before `datasets` reads them.

What reads them there bends a row that does not fit until it does: a cell too many shifts the
others, text behind a closing quote loses its quotes. Here that is a mistake, named by its line.
"""

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.study.errors import StudyError


def check(kind: str, file: Path, options: Mapping[str, Any], name: str) -> list[str] | None:
    """Return the columns of a CSV file, None of others; raise `StudyError` for what cannot be read.

    `kind` is the format; csv and json are looked at. `options` are those of the study's `dataset`:
    encoding, delimiter, quotechar, column_names. `name` is what messages call the file.
    """
    if kind not in ("csv", "json"):
        return None
    text = _decoded(file.read_bytes(), name, options.get("encoding") or "utf-8")
    if kind == "csv":
        return _columns(text, name, options)
    if text.strip() and text.lstrip()[0] not in "[{":
        raise StudyError(f"dataset: {name}: a JSON file of examples begins with {{ or [")
    return None


def _decoded(content: bytes, name: str, encoding: str) -> str:
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise StudyError(
            f"dataset: {name}, line {line}: not {encoding} ({error.reason}); save the whole file in"
            " one encoding, and name it in dataset.encoding where it is not utf-8"
        ) from None


def dialect(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study's `delimiter` and `quotechar` as Python's and pandas' readers take them.

    An empty `quotechar` says that nothing is quoted.
    """
    quote = options.get("quotechar", '"')
    return {
        "delimiter": options.get("delimiter", ","),
        "quotechar": quote or '"',
        "quoting": csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    }


def rows(
    stream: Iterable[str], options: Mapping[str, Any], name: str
) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank with the line that it begins in.

    Raises `StudyError`, which begins with `name`, where quotes are not those of a CSV file.
    """
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(stream, strict=True, **dialect(options))
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise StudyError(
                f"{name} line {line}: not valid CSV ({error}); a quote inside of a quoted text is"
                ' doubled, and dataset.quotechar: "" reads a file that quotes nothing'
            ) from None
        if row is None:
            return
        if row:
            yield line, row


def _columns(text: str, name: str, options: Mapping[str, Any]) -> list[str]:
    """Return the columns of a CSV file; raise `StudyError` for a row that has more cells."""
    columns = list(options.get("column_names") or ())
    for line, row in rows(io.StringIO(text, newline=""), options, f"dataset: {name},"):
        columns = columns or row
        if len(row) > len(columns):
            raise StudyError(
                f"dataset: {name}, line {line}: {len(row)} cells where there are {len(columns)}"
                " columns; put quotes around a text with the delimiter in it"
            )
    return columns
