"""Where a study's data come from: found and pinned before anything is trained."""

import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.study.errors import StudyError
from scripts.study.pinned import check_pinned, check_secrets, is_local
from scripts.study.reading import show

FORMATS = ("json", "csv", "parquet")
# Other names of what these read.
_ALIKE = {"jsonl": "json", "ndjson": "json", "tsv": "csv", "pq": "parquet"}
_KINDS = "a data set of the hub, a local folder, json, csv or parquet"
GENERATED_COLUMNS = ("sentence1", "sentence2", "label")
GENERATED_SPLITS = ("train", "validation", "test")

_OPTIONS = {
    "json": ("field", "encoding"),
    "csv": ("delimiter", "quotechar", "column_names", "encoding"),
}
# Other readers that datasets has under a name of their own: whatever a revision says, they read
# local files, and some of them run code (pandas unpickles).
_READERS = ("pandas", "arrow", "conll", "imagefolder", "audiofolder", "videofolder", "meshfolder",
            "pdffolder", "niftifolder", "webdataset", "xml", "hdf5", "eval", "lance", "tsfile",
            "iceberg", "vortex", "mmcif", "pdb", "genbank", "fasta", "fastq", "harbor", "generator",
            "spark", "sql", "cache", "text")  # fmt: skip
_ALL_OPTIONS = ("field", "delimiter", "quotechar", "column_names", "encoding")
# A commit stands behind the name, not in one of a file; in an address of the hub, behind "resolve".
_PINNED = re.compile(r"hf://((datasets|spaces|models)/)?([^/@]+/)?[^/@]+@[0-9a-f]{40}(/|$)", re.I)
_HUB_PAGE = re.compile(r"https?://(www\.)?(huggingface\.co|hf\.co)(:\d+)?(?=/|$)", re.I)
_PINNED_PAGE = re.compile(r"/(resolve|raw)/[0-9a-f]{40}/")
_URL = re.compile(r"([A-Za-z0-9]+::)*[A-Za-z][A-Za-z0-9+.-]*://")


def is_address(name: str) -> bool:
    """Return whether a name of `data_files` is a URL, or a chain of them (`zip://a.csv::https://…`)."""
    return _URL.match(name) is not None


def is_here(path: str) -> bool:
    """Return whether a data set's `path` means files of this machine or addresses, and no hub's."""
    return path in FORMATS or is_local(path)


def check_dataset(dataset: Mapping[str, Any]) -> None:
    """Raise `StudyError` unless the data are generated, are there, or are pinned on the hub."""
    if "generated" in dataset:
        other = next((key for key in dataset if key != "generated"), None)
        if other is not None:
            raise StudyError(
                f"dataset.{other}: {show(dataset[other])} does not go with dataset.generated; "
                "null removes one of them"
            )
        return
    if "path" not in dataset:
        raise StudyError(f"dataset.path: missing; {_KINDS} (or give dataset.generated)")
    path = dataset["path"]
    for where, text in _texts(dataset):
        if "://" in text:
            _check_url(where, text)
    _check_format(path)
    for key in _ALL_OPTIONS:
        if key in dataset and key not in _OPTIONS.get(path, ()):
            raise StudyError(f"dataset.{key}: {show(dataset[key])} does not go with path: {path}")
    if path == "text":
        raise StudyError("dataset.path: text has no labels; write a CSV file with a column of them")
    if path in _READERS:
        raise StudyError(
            f"dataset.path: {show(path)} is a reader of datasets that Snaketune does not use;"
            f" {_KINDS}"
        )
    _check_expanded(dataset)
    if path in FORMATS:
        _check_delimiter(dataset)
        _check_files(dataset)
    elif is_local(path):
        if not os.path.isdir(path):
            raise StudyError(f"dataset.path: {show(path)}: no such folder")
        _refuse_revision(dataset)
        _check_there(dataset)
    else:
        check_pinned("dataset", path, dataset.get("revision"))
    for file in local_data_files(dataset):
        try:
            str(file).encode()
        except UnicodeEncodeError:
            raise StudyError(
                f"dataset: the name of the file {show(str(file))} is not UTF-8; rename it"
            ) from None
        if {"{", "}"} & set(str(file)):
            raise StudyError(
                f"dataset: the file {show(str(file))} has a brace in its name, which Snakemake"
                " takes for a wildcard; rename it"
            )


def start(dataset: Mapping[str, Any]) -> str:
    """Return the folder, or address, that `data_files` start in; empty for the current folder."""
    path = dataset.get("path", "")
    return os.path.join("" if path in FORMATS else path, dataset.get("data_dir") or "")


def local_data_files(dataset: Mapping[str, Any]) -> list[Path]:
    """Return the data files of this machine that `dataset` names, sorted, patterns expanded.

    Of a folder whose files `datasets` finds by itself they are all that are in it.
    """
    path, files = dataset.get("path", ""), dataset.get("data_files")
    folder = start(dataset)
    if not is_here(path) or is_address(folder):
        return []
    found: set[Path] = set()
    if files is None and folder:
        found.update(
            file
            for file in Path(folder).rglob("*")
            if file.is_file()
            and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        )
    for _, pattern in patterns(files):
        found.update(_matches(pattern, folder))
    return sorted(found)


def _refuse_revision(dataset: Mapping[str, Any]) -> None:
    for key in ("name", "revision"):
        if key in dataset:
            raise StudyError(
                f"dataset.{key}: {show(dataset[key])} is for data sets of the hub "
                "(null removes the key)"
            )


def _check_files(dataset: Mapping[str, Any]) -> None:
    """Check that every file named exists; relative paths start at the current directory."""
    _refuse_revision(dataset)
    if dataset.get("data_files") is None and dataset.get("data_dir") is None:
        raise StudyError(f"dataset.data_files: missing; path: {dataset['path']} needs files")
    _check_there(dataset)


def _check_there(dataset: Mapping[str, Any]) -> None:
    """Check that `data_dir` and every file of `data_files` are there."""
    folder = start(dataset)
    if is_address(folder):
        return
    if folder and not os.path.isdir(folder):
        home = Path(start({**dataset, "data_dir": None}) or Path.cwd())
        raise StudyError(f"dataset.data_dir: {show(dataset['data_dir'])}: no such folder in {home}")
    for where, pattern in patterns(dataset.get("data_files")):
        if is_address(pattern):
            continue
        found = _matches(pattern, folder)
        if not found:
            place = Path(folder or Path.cwd())
            raise StudyError(f"{where}: {show(pattern)}: no such file in {place}")
        for path in found:
            if not os.access(path, os.R_OK):
                raise StudyError(f"{where}: {show(str(path))}: may not be read")


def _check_expanded(dataset: Mapping[str, Any]) -> None:
    """Only a shell knows whose home `~` is; the data set's files are named in what is shared."""
    for where, text in _texts(dataset):
        if text.startswith("~"):
            raise StudyError(
                f"{where}: {show(text)} begins with ~, which is not expanded here; write the whole"
                f" path, {show(os.path.expanduser(text))}"
            )


def _check_format(path: str) -> None:
    """Say what to write where a file, or another name of its format, is named as the data set."""
    if os.path.isfile(path):
        end = path.rpartition(".")[2].lower()
        kind = _ALIKE.get(end, end)
        kind = kind if kind in FORMATS else "csv"
        raise StudyError(
            f"dataset.path: {show(path)} is a file; write path: {kind} and data_files: {{train:"
            f" {path}, …}}"
        )
    alike = _ALIKE.get(path.lower(), path.lower())
    if alike in FORMATS and path not in FORMATS and not os.path.isdir(path):
        tabs = ' and delimiter: "\\t"' if path.lower() == "tsv" else ""
        raise StudyError(f"dataset.path: {show(path)}: write path: {alike}{tabs}")


def _check_delimiter(dataset: Mapping[str, Any]) -> None:
    delimiter = dataset.get("delimiter", ",")
    if delimiter == dataset.get("quotechar", '"'):
        raise StudyError(f"dataset.delimiter: {show(delimiter)} is the quote character too")
    if not delimiter.isascii():
        raise StudyError(f"dataset.delimiter: {show(delimiter)} is not an ASCII character")


def _check_url(where: str, url: str) -> None:
    """Refuse secrets, and of the hub what is no commit: behind a branch are other data tomorrow."""
    check_secrets(where, url)
    for one in url.split("::"):
        address = one.lower()
        if _HUB_PAGE.match(address) and not _PINNED_PAGE.search(address):
            raise StudyError(
                f"{where}: {show(url)} names no commit; write resolve/ and 40 digits from 0 to f"
                " before the file's name, or give dataset.path and dataset.revision"
            )
        if address.startswith("hf://") and not _PINNED.match(address):
            raise StudyError(
                f"{where}: {show(url)} names no commit; write the name of the data set with"
                " @ and 40 digits from 0 to f behind it, or give dataset.path and dataset.revision"
            )


def _texts(dataset: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield all that may be an address, with its key in the config."""
    for key in ("path", "data_dir"):
        if key in dataset:
            yield f"dataset.{key}", str(dataset[key])
    yield from patterns(dataset.get("data_files"))


def patterns(files: object) -> Iterator[tuple[str, str]]:
    """Yield each file or pattern of data_files with its key in the config."""
    by_key: Mapping[str, object] = (
        {f"dataset.data_files.{split}": value for split, value in files.items()}
        if isinstance(files, Mapping)
        else {"dataset.data_files": files}
    )
    for key, value in by_key.items():
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, Sequence):
            yield from ((f"{key}[{index}]", str(item)) for index, item in enumerate(value))


def _matches(pattern: str, folder: str) -> list[Path]:
    """Return the files that one entry of data_files means; none for a URL.

    A file of that very name is meant, whatever other names it is a pattern of.
    """
    if is_address(pattern):
        return []
    full = os.path.join(folder, pattern)
    names = [full] if os.path.isfile(full) else glob.glob(full, recursive=True)
    return [Path(name) for name in names if os.path.isfile(name)]
