"""The files of a data set as plain ones on this machine, looked through before they are read."""

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.study.errors import StudyError
from scripts.study.reading import show
from scripts.study.sources import FORMATS, is_local, matches
from scripts.training import raw


def plain_files(
    arguments: Mapping[str, Any], base: str, wanted: Sequence[str], cache: Path
) -> dict[str, Any] | None:
    """Return arguments of `load_dataset` that read the split `base` from files of this machine.

    What is on a server or compressed is brought to the folder `cache`. CSV and JSON files are
    checked (`scripts.training.raw`). Returns None for a data set of the hub, and for a folder in a
    format that has no checks.

    Args:
        arguments: those of the study's `dataset`.
        base: the split, without a slice.
        wanted: the columns that the study uses. Of CSV files these alone are read, as texts.
        cache: an empty folder.
    """
    import datasets

    path = arguments["path"]
    if path not in FORMATS and not is_local(path):
        return None
    given = {key: arguments[key] for key in ("name", "data_dir") if key in arguments}
    files = arguments.get("data_files")
    if files is not None:
        given["data_files"] = _literal(files, arguments.get("data_dir"))
    builder = datasets.load_dataset_builder(path, cache_dir=str(cache / "datasets"), **given)
    kind = type(builder).__module__.rpartition(".")[2]
    if kind not in FORMATS:
        return None
    named = builder.config.data_files or {}
    if base not in named:
        raise StudyError(
            f"splits: there is no split {base!r} in {path!r}; there is {', '.join(named) or 'none'}"
        )
    manager = datasets.DownloadManager(
        download_config=datasets.DownloadConfig(cache_dir=str(cache / "downloads"))
    )
    found: list[str] = []
    header: list[str] | None = None
    for name in named[base]:
        for file in manager.iter_files(manager.download_and_extract(str(name))):
            told = _short(str(name))
            columns = raw.check(kind, Path(file), arguments, told)
            twice = [name for name in wanted if (columns or []).count(name) > 1]
            if twice:
                raise StudyError(f"dataset: {told}: several columns are named {show(twice[0])}")
            if header is not None and columns != header:
                raise StudyError(
                    f"dataset: {told} has the columns {show(columns)}, and the files before it of"
                    f" the same split have {show(header)}"
                )
            header = columns
            found.append(file)
    keep = {key: arguments[key] for key in _OPTIONS if key in arguments}
    if kind == "csv" and header is not None:
        keep |= _csv_options(arguments, header, wanted)
    return {"path": kind, "data_files": {base: [glob.escape(file) for file in found]}, **keep}


# Of the study's `dataset`, what is said to the reader of a format.
_OPTIONS = ("field", "encoding", "delimiter", "quotechar", "column_names")


def _literal(files: object, folder: str | None) -> Any:
    """Return `data_files` with every pattern that means files of this machine as these files."""
    if isinstance(files, Mapping):
        return {key: _literal(value, folder) for key, value in files.items()}
    listed = [files] if isinstance(files, str) else list(files)  # type: ignore[call-overload]
    found: list[str] = []
    for one in listed:
        here = [glob.escape(str(path.absolute())) for path in sorted(matches(one, folder))]
        found += here or [one]
    return found


def _short(name: str) -> str:
    """Return a file's name as people know it: from the folder that the study runs in."""
    here = f"{Path.cwd()}/"
    return name.removeprefix(here)


def _csv_options(
    arguments: Mapping[str, Any], header: Sequence[str], wanted: Sequence[str]
) -> dict[str, Any]:
    """Return options of pandas' reader by which cells are what is written, and empty ones missing.

    By itself it takes words such as NA, None and null for missing cells, a text of digits for a
    number, and the first column for names of rows where there is a cell too many.
    """
    options: dict[str, Any] = {"keep_default_na": False, "na_values": [""], "index_col": False}
    there = [column for column in wanted if column in header]
    if there:
        options |= {"usecols": there, "converters": dict.fromkeys(there, _cell)}
    return options | raw.dialect(arguments)


def _cell(cell: str) -> str | None:
    return cell or None
