"""Plain CSV files looked through before `datasets` reads them.

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

_CURE = 'dataset.quotechar: "" reads a file that quotes nothing'


def columns(file: Path, options: Mapping[str, Any], name: str) -> list[str]:
    """Return the columns of a CSV file; raise `StudyError` for what cannot be read.

    `options` are those of the study's `dataset`: encoding, delimiter, quotechar, column_names.
    `name` is what messages call the file. A row with more cells than columns is refused.
    """
    found = list(options.get("column_names") or ())
    text = decoded(file, name, options)
    for line, row in rows(io.StringIO(text, newline=""), options, f"dataset: {name},"):
        found = found or row
        if len(row) > len(found):
            raise StudyError(
                f"dataset: {name}, line {line}: {len(row)} cells where there are {len(found)}"
                " columns; put quotes around a text with the delimiter in it"
            )
    return found


def decoded(file: Path, name: str, options: Mapping[str, Any]) -> str:
    """Return a file's text; raise `StudyError` that names the line where it is of no encoding."""
    content, encoding = file.read_bytes(), options.get("encoding") or "utf-8"
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
    stream: Iterable[str], options: Mapping[str, Any], name: str, cure: str = _CURE
) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank with the line that it begins in.

    Raises `StudyError`, which begins with `name` and ends with `cure`, where quotes are not those
    of a CSV file.
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
                f" doubled, and {cure}"
            ) from None
        if row is None:
            return
        if row:
            yield line, row
