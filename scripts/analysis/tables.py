"""Tables of a study, read back from the CSV files that its commands write."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from scripts.study.errors import StudyError

CURE = "delete it and run snakemake again"


def read_table(path: Path, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Return a CSV file's table, which has `columns` at least.

    Raises `StudyError` that names the file where it is missing, cannot be read, lacks a column, or
    ends in the middle of a line.
    """
    try:
        content = path.read_bytes()
        table = pd.read_csv(path)
    except FileNotFoundError:
        raise StudyError(f"{path}: no such file; run snakemake again to make it") from None
    except (OSError, pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: not a readable CSV file ({error}); {CURE}") from None
    for column in columns:
        if column not in table:
            raise StudyError(f"{path}: the column {column!r} is missing; {CURE}")
    if content[-1:] != b"\n":
        raise StudyError(f"{path}: its last line is cut off; {CURE}")
    return table
