"""Score the texts of a CSV, TSV or JSON Lines file with a study's final model.

The input has the study's text columns; others are ignored. The output (CSV, or JSON Lines where it
is named so) has a row for each example: its index from 0, the predicted class by number and name,
and the probability of every class. It is written whole or not at all.
"""

import argparse
import io
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.study.errors import StudyError, command
from scripts.study.files import write_csv, write_text
from scripts.study.options import positive
from scripts.study.reading import show
from scripts.training import raw

LINES = (".jsonl", ".ndjson", ".json")
TABLES = {".csv": ",", ".tsv": "\t"}


def read(path: Path, columns: Sequence[str], options: Mapping[str, Any]) -> list[list[str]]:
    """Return the texts of each example in the file at `path`.

    `options` may hold how the study's own CSV files are written: `delimiter`, `quotechar`,
    `encoding` and, where they have no header line, `column_names`. Raises `StudyError` that names
    file and line of the first row that is not an example.
    """
    kind = path.suffix.lower()
    if kind not in (*LINES, *TABLES):
        known = ", ".join((*TABLES, *LINES))
        raise StudyError(f"{path}: the name of the input should end in one of {known}")
    # How the study's own file is written says how one of the same kind is.
    same = kind == ".csv" or options.get("delimiter") == TABLES.get(kind)
    written = options if kind in TABLES and same else {}
    encoding = written.get("encoding", "utf-8")
    try:
        text = path.read_bytes().decode(encoding).removeprefix("\ufeff")
    except FileNotFoundError:
        raise StudyError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: not {encoding.upper()} text ({error})") from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error})") from None
    stream = io.StringIO(text, newline="")
    if kind in LINES:
        rows = _lines(stream, path, columns)
    else:
        dialect = {"delimiter": TABLES[kind], **written}
        cells = raw.rows(stream, dialect, f"{path}:", "JSON Lines need no quotes of that kind")
        rows = _table(cells, path, columns, written.get("column_names"))
    found = list(rows)
    if not found:
        raise StudyError(f"{path}: holds no example")
    return found


def _lines(stream: Iterator[str], path: Path, columns: Sequence[str]) -> Iterator[list[str]]:
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        if path.suffix.lower() == ".json" and number == 1 and line.lstrip().startswith("["):
            raise StudyError(
                f"{path}: a list; what is scored is JSON Lines: one object with {_names(columns)} a"
                " line, without brackets and commas around them"
            )
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise StudyError(f"{path}: line {number}: not valid JSON ({error})") from None
        if not isinstance(row, dict):
            raise StudyError(f"{path}: line {number}: not a JSON object with {_names(columns)}")
        yield [_text(row.get(column), path, number, column) for column in columns]


def _table(
    rows: Iterator[tuple[int, list[str]]],
    path: Path,
    columns: Sequence[str],
    names: list[str] | None,
) -> Iterator[list[str]]:
    """Yield the texts of each row; a row may span several lines, and is named by its first.

    Where the first does not name the columns, and the study's own files have no header line, it is
    an example, and `names` are those of the columns.
    """
    line, header = next(rows, (1, []))
    if names and header and not set(columns) <= set(header):
        rows, header = itertools.chain([(line, header)], rows), names
    missing = [column for column in columns if column not in header]
    if missing:
        raise StudyError(
            f"{path}: line {line}: no column {_names(missing)}; the header has {show(header)}"
        )
    twice = [column for column in columns if header.count(column) > 1]
    if twice:
        raise StudyError(f"{path}: line {line}: several columns are named {_names(twice)}")
    places = [header.index(column) for column in columns]
    for number, row in rows:
        if len(row) != len(header):
            known = "the header" if header is not names else "dataset.column_names of the study"
            raise StudyError(
                f"{path}: line {number}: {len(row)} cells, but {known} has {len(header)}"
            )
        # An empty cell is a missing text, as it is when a study reads its data.
        cells = zip(columns, (row[place] or None for place in places), strict=True)
        yield [_text(cell, path, number, column) for column, cell in cells]


def _text(value: object, path: Path, number: int, column: str) -> str:
    if not isinstance(value, str):
        found = "missing" if value is None else f"{json.dumps(value)[:80]}, not a text"
        raise StudyError(f"{path}: line {number}: {column} is {found}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise StudyError(f"{path}: line {number}: {column} holds half a character") from None
    return value


def _names(columns: Sequence[str]) -> str:
    return " and ".join(columns)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.predict", description=__doc__)
    parser.add_argument("--model", required=True, type=Path, help="results/<study>/model")
    parser.add_argument("--input", required=True, type=Path, help="texts: .csv, .tsv or .jsonl")
    parser.add_argument("--output", required=True, type=Path, help="the file to write")
    parser.add_argument("--precision", choices=["auto", "bf16", "fp32"], help="or the study's")
    parser.add_argument("--batch-size", type=positive, help="or the study's")
    parser.add_argument("--threads", type=positive, default=1)
    options = parser.parse_args()
    both = options.input, options.output
    if all(map(os.path.exists, both)) and os.path.samefile(*both):
        raise StudyError(f"--output: {options.output} is the input; name another file")
    # Not at the top: a mistake in the command is answered at once.
    import torch

    from scripts.training.classifier import load, probabilities

    torch.set_num_threads(options.threads)
    classifier = load(options.model)
    facts = classifier.facts
    texts = read(options.input, facts["text_columns"], facts["csv"])
    found = probabilities(classifier, texts, options.precision, options.batch_size)
    rows: list[dict[str, Any]] = [
        {
            "index": index,
            "predicted": int(row.argmax()),
            "label": classifier.labels[int(row.argmax())],
            **{f"probability_{number}": float(value) for number, value in enumerate(row)},
        }
        for index, row in enumerate(found)
    ]
    if options.output.suffix.lower() in LINES:
        lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows]
        write_text(options.output, "".join(lines))
    else:
        write_csv(options.output, list(rows[0]), rows)
    print(f"predict: {len(rows)} examples, {options.output}")


if __name__ == "__main__":
    command(main)
