"""Whether a study's files are still what others were made of: results are never mixed with damage.

Snakemake records a checksum of every input of a job. What differs from it, and was not made anew
since, was changed by nobody whom the study knows: a disk, an editor, a copy of the wrong file.
"""

import json
import os
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from scripts.study.documents import FACTS, MODEL_CURE, read_facts
from scripts.study.errors import StudyError
from scripts.study.files import file_sha256

_ALGORITHM = "sha256:"
# People may write to it, and nothing is made of it any more.
_OWN = "/optuna/study.db"
# So many files are named at most.
_NAMED = 3


@dataclass(frozen=True)
class Altered:
    """A file that is not what it was, and the latest that was made of what it was."""

    path: str
    made: str


def check(folder: str, records: Path = Path(".snakemake")) -> None:
    """Raise `StudyError` where files under `folder` were altered, which it names."""
    found = altered(folder, records)
    if found:
        first, *others = found
        if link := _dead_link(Path(first.path)):
            raise StudyError(
                f"{link}: a link to {link.readlink()}, where there is nothing, and {first.made} was"
                f" made of {first.path}; bring that back, or delete the link and run snakemake"
                " again"
            )
        more = ", ".join(one.path for one in others[:_NAMED])
        more += f" and {len(others) - _NAMED} more" * (len(others) > _NAMED)
        rest = f"\n  the same holds for {more}" if more else ""
        # Without its run.json a run that is done stays done, and what reads it would miss it.
        name, _, file = first.path.rpartition("/")
        what = f"the folder {name}" if file == "run.json" else "it"
        raise StudyError(
            f"{first.path}: not what it was when {first.made} was made of it; put the file back, or"
            f" delete {what} and run snakemake again{rest}"
        )


def altered(folder: str, records: Path = Path(".snakemake")) -> list[Altered]:
    """Return the files under `folder` that were altered, sorted by path.

    Files that are missing, and those that a killed study left half-made, are no concern here:
    Snakemake makes them again. So is a file that was made again and not used yet.
    """
    metadata = dict(_names(records / "metadata", folder))
    latest: dict[str, tuple[float, str, str]] = {}
    for output, path in metadata.items():
        # The three files of a run have one job, which is looked at once.
        if "/runs/" in output and output.endswith((".csv", "/run.json")):
            continue
        when, checksums = _record(path)
        for name, checksum in checksums.items():
            used = name in metadata and not name.endswith(_OWN)
            if used and when >= latest.get(name, (0.0, "", ""))[0]:
                latest[name] = when, checksum, output
    unfinished = {name for name, _ in _names(records / "incomplete", folder)}
    return [
        Altered(name, made)
        for name, (when, checksum, made) in sorted(latest.items())
        if name not in unfinished
        and checksum.startswith(_ALGORITHM)
        and _differs(Path(name), checksum.removeprefix(_ALGORITHM))
        and _record(metadata[name])[0] <= when
    ]


def lost(model: Path) -> list[str]:
    """Return what to tell of a final model's folder that lacks files, a line each.

    Snakemake knows it by its card alone, since a study in which no run completed has nothing else
    there.
    """
    card = model / "README.md"
    if not card.exists() or all(path == card for path in model.iterdir()):
        return []
    try:
        files = read_facts(model, "files")["files"] if (model / FACTS).exists() else {}
    except StudyError as error:
        return [str(error)]
    missing = [model / name for name in (FACTS, *files) if not (model / name).is_file()]
    return [f"{path}: not there; {MODEL_CURE}" for path in missing]


def _differs(path: Path, checksum: str) -> bool:
    try:
        return file_sha256(path) != checksum
    except FileNotFoundError:
        # A link to nowhere is there, to Snakemake, and then is not: it ends in its own words.
        return _dead_link(path) is not None
    except OSError:
        return True


def _dead_link(path: Path) -> Path | None:
    """Return the link to nowhere that `path` is, or lies in; None where there is none."""
    places = (path, *path.parents)
    return next((place for place in places if place.is_symlink() and not place.exists()), None)


def _names(folder: Path, of: str) -> Iterator[tuple[str, Path]]:
    """Yield the outputs under `of` that Snakemake keeps a file for in `folder`, and that file."""
    for place, folders, files in os.walk(folder):
        # A name too long for one file is cut into folders, each marked with @.
        for other in [name for name in folders if not name.startswith("@")]:
            _refuse(Path(place, other))
        above = "".join(part[1:] for part in Path(place).relative_to(folder).parts)
        for file in files:
            try:
                name = urlsafe_b64decode(above + file).decode()
            except ValueError:
                continue
            if name.startswith(f"{of}/"):
                yield name, Path(place, file)


def _record(path: Path) -> tuple[float, dict[str, str]]:
    """Return from a record when its file was made, and the checksums of what it was made of.

    What is no JSON Snakemake passes over, so it says nothing here. Other JSON than a record, and
    what is no text, ends Snakemake with a traceback, so it is refused.
    """
    record: Any = None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        pass
    except (FileNotFoundError, ValueError, RecursionError):
        return 0.0, {}
    except OSError:
        pass
    if isinstance(record, dict):
        when, checksums = record.get("endtime"), record.get("input_checksums") or {}
        if isinstance(when, float | int | None) and isinstance(checksums, dict):
            return float(when or 0.0), {name: str(text) for name, text in checksums.items()}
    _refuse(path)


def _refuse(path: Path) -> NoReturn:
    raise StudyError(
        f"{path}: not what Snakemake records of a file; delete it and run snakemake again"
    )
