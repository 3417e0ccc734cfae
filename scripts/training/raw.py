"""Local CSV and JSON files looked through before `datasets` reads them.

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

# How compressed files begin, which `datasets` unpacks: gzip, zip, bzip2, xz, zstandard, LZ4.
_COMPRESSED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd",
               b"\x04\x22\x4d\x18")  # fmt: skip


def check(path: str, file: Path, options: Mapping[str, Any]) -> None:
    """Raise `StudyError` where a file cannot be read as it is meant.

    `path` is the study's `dataset.path`, of which csv and json are looked at, and `options` are its
    other keys: encoding, delimiter, quotechar, column_names.
    """
    if path not in ("csv", "json"):
        return
    content = file.read_bytes()
    if content.startswith(_COMPRESSED):
        return
    text = _decoded(content, file, options.get("encoding") or "utf-8")
    if path == "csv":
        _check_rows(text, file, options)
    elif text.strip() and text.lstrip()[0] not in "[{":
        raise StudyError(f"dataset: {file}: a JSON file of examples begins with {{ or [")


def _decoded(content: bytes, file: Path, encoding: str) -> str:
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise StudyError(
            f"dataset: {file}, line {line}: not {encoding} ({error.reason}); save the whole file in"
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


def _check_rows(text: str, file: Path, options: Mapping[str, Any]) -> None:
    width = len(options.get("column_names") or ())
    for line, row in rows(io.StringIO(text, newline=""), options, f"dataset: {file},"):
        width = width or len(row)
        if len(row) > width:
            raise StudyError(
                f"dataset: {file}, line {line}: {len(row)} cells where there are {width} columns;"
                " put quotes around a text with the delimiter in it"
            )
