"""Reading and writing the files of a study: whole or not at all, and the same bytes every time."""

import csv
import glob
import hashlib
import io
import json
import math
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from scripts.study.errors import StudyError

# What helps where a file of a study is damaged: but for a few it is made again.
CURE = "delete the file and run snakemake again"
# Of a study that is finished no job is left, before which Snakemake would write study.json.
STUDY_CURE = "`snakemake --forcerun report`, with the study's config, makes it again"
# What `replacing` calls a file that is not written to its end.
_TEMPORARY = re.compile(
    r"\..+\.(json|jsonl|csv|parquet|safetensors|png|svg|html|md|txt|db)\.[a-z0-9_]{8}"
)


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Give a temporary name beside `path` to write to; it becomes `path` where that succeeds."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:80]}.")
    os.close(descriptor)
    try:
        yield Path(temporary)
        # mkstemp makes files private to the user; a study on a shared disk is read by colleagues.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def sweep(folder: Path, seconds: float = 3600.0) -> None:
    """Remove the temporary files under `folder` that writers which were killed left behind.

    Those younger than `seconds` stay: whoever writes them may still be at work.
    """
    before = time.time() - seconds
    for path in folder.rglob(".*"):
        if _TEMPORARY.fullmatch(path.name):
            with suppress(OSError):
                if path.is_file() and path.stat().st_mtime < before:
                    path.unlink()


def remove(path: Path) -> None:
    """Remove a file, if there is one, and what a killed process left half-written of it."""
    for one in (path, *path.parent.glob(f".{glob.escape(path.name)}.*")):
        one.unlink(missing_ok=True)


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write `content` under a temporary name beside `path`, then rename: never half a file."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path | str, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def json_text(value: object) -> str:
    """Return `value` as canonical JSON: sorted keys, two spaces, no NaN, a newline at the end."""
    return json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def write_json(path: Path | str, value: object) -> None:
    """Write `value` as canonical JSON, whole or not at all."""
    write_text(path, json_text(value))


def read_text(path: Path | str) -> str:
    """Return the UTF-8 text in `path`; raise `StudyError` naming the file where there is none."""
    try:
        with open(path, newline="", encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        cure = _cure(path, "run snakemake again to make it")
        raise StudyError(f"{path}: no such file; {cure}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: cannot be read ({error})") from None


def _cure(path: Path | str, usual: str = CURE) -> str:
    return STUDY_CURE if Path(path).name == "study.json" else usual


def read_json(path: Path | str, cure: str | None = None) -> Any:
    """Return the JSON value in `path`; raise `StudyError` naming the file where there is none.

    `cure` is what the message tells to do about it, None for what helps with most files.
    """
    text = read_text(path)
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise StudyError(f"{path}: not valid JSON ({error}); {cure or _cure(path)}") from None


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_object(path: Path | str, *keys: str, cure: str | None = None) -> dict[str, Any]:
    """Return the JSON object in `path`; raise `StudyError` where it is another or lacks a key."""
    value = read_json(path, cure)
    missing = [key for key in keys if not isinstance(value, dict) or key not in value]
    if missing or not isinstance(value, dict):
        what = f"{', '.join(missing)} missing" if missing else "no JSON object"
        raise StudyError(f"{path}: {what}; {cure or _cure(path)}")
    return value


def _refuse_constant(name: str) -> None:
    """Refuse NaN and infinity, which Python reads but JSON does not have."""
    raise ValueError(f"{name} is no JSON value")


def cell(value: object) -> str:
    """Return a CSV cell: floats by repr (so that they read back exactly), None and NaN empty."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return repr(float(value)) if isinstance(value, float) else str(value)


def write_csv(
    path: Path | str, columns: Sequence[str], rows: Iterable[Mapping[str, object]]
) -> None:
    """Write `rows` (mappings by column name; missing cells stay empty) with LF line ends."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(row.get(column)) for column in columns] for row in rows)
    write_text(path, stream.getvalue())
