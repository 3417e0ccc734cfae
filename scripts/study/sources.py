"""Where a study's model and data come from: found and pinned before anything is trained."""

import glob
import importlib.util
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.study.errors import StudyError
from scripts.study.reading import show
from scripts.study.urls import has_secret, masked

FORMATS = ("json", "csv", "parquet", "text")
PACKAGE = "package:"
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
            "spark", "sql", "cache")  # fmt: skip
_ALL_OPTIONS = ("field", "delimiter", "quotechar", "column_names", "encoding")
_HUB = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
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


def is_local(path: str) -> bool:
    """Return whether a model's or data set's `path` means a folder here, not a name of the hub."""
    return path.startswith((".", "/", "~")) or os.path.isdir(path)


def package_folder(path: str) -> Path:
    """Return the folder that `package:NAME/FOLDER` means; the package is found, not imported."""
    name, _, folder = path.removeprefix(PACKAGE).partition("/")
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or ".." in folder.split("/"):
        raise StudyError(f"model.path: {show(path)} is not of the form package:NAME/FOLDER")
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # of what is no package, such as __main__
        spec = None
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise StudyError(
            f"model.path: {show(path)}: the Python package {name} is not installed; "
            "pip install it, or name another model"
        )
    return Path(next(iter(places))) / folder


def model_folder(path: str) -> Path | None:
    """Return the local folder of the model `path`, or None where it is a model of the hub."""
    if path.startswith(PACKAGE):
        return package_folder(path)
    return Path(os.path.expanduser(path)) if is_local(path) else None


def check_model(model: Mapping[str, Any]) -> None:
    """Raise `StudyError` unless the model is there, or is pinned on the hub."""
    path = model["path"]
    _check_secrets("model.path", path)
    folder = model_folder(path)
    if folder is None:
        _check_pinned("model", path, model.get("revision"))
        return
    if model.get("revision") is not None:
        raise StudyError(
            f"model.revision: {show(model['revision'])} is for models of the hub; "
            f"{show(path)} is a folder (null removes the key)"
        )
    if not os.path.isdir(folder):
        raise StudyError(f"model.path: {show(path)}: no such folder ({show(str(folder))})")
    if {"{", "}"} & set(str(folder)):
        raise StudyError(
            f"model.path: {show(path)} has a brace in it, which Snakemake takes for a wildcard;"
            " rename the folder"
        )
    if not any(folder.glob("*.safetensors")):
        raise StudyError(f"model.path: {show(path)}: the folder holds no .safetensors file")


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
        raise StudyError(
            "dataset.path: missing; a data set of the hub, a local folder, json, csv, parquet "
            "or text (or give dataset.generated)"
        )
    path = dataset["path"]
    for where, text in _texts(dataset):
        if "://" in text:
            _check_url(where, text)
    for key in _ALL_OPTIONS:
        if key in dataset and key not in _OPTIONS.get(path, ()):
            raise StudyError(f"dataset.{key}: {show(dataset[key])} does not go with path: {path}")
    if path in _READERS:
        raise StudyError(
            f"dataset.path: {show(path)} is a reader of datasets that Snaketune does not use; a"
            " data set of the hub, a local folder, json, csv, parquet or text"
        )
    if path in FORMATS:
        _check_delimiter(dataset)
        _check_files(dataset)
    elif is_local(path):
        if not os.path.isdir(path):
            raise StudyError(f"dataset.path: {show(path)}: no such folder")
        _refuse_revision(dataset)
    else:
        _check_pinned("dataset", path, dataset.get("revision"))
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


def local_data_files(dataset: Mapping[str, Any]) -> list[Path]:
    """Return the data files of this machine that `dataset` names, sorted, patterns expanded.

    Of a folder whose files `datasets` finds by itself they are all that are in it.
    """
    path, files = dataset.get("path", ""), dataset.get("data_files")
    folder = dataset.get("data_dir")
    if path not in FORMATS:
        if not is_local(path):
            return []
        folder = os.path.join(path, folder or "")
    elif folder is not None and is_address(folder):
        return []
    found: set[Path] = set()
    if files is None and folder is not None:
        found.update(
            file
            for file in Path(folder).rglob("*")
            if file.is_file()
            and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        )
    for _, pattern in patterns(files):
        found.update(_matches(pattern, folder))
    return sorted(found)


def _check_pinned(key: str, path: str, revision: object) -> None:
    """Names of the hub are pinned: what is behind a branch may change between two runs."""
    if not _HUB.fullmatch(path) or ".." in path:
        raise StudyError(f"{key}.path: {show(path)} is neither a folder nor a name of the hub")
    if revision is None:
        raise StudyError(
            f"{key}.revision: missing; {show(path)} is no folder here, and a name of the hub "
            "needs a full commit (40 digits from 0 to f)"
        )


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
    folder, files = dataset.get("data_dir"), dataset.get("data_files")
    if folder is not None and not is_address(folder) and not os.path.isdir(folder):
        raise StudyError(f"dataset.data_dir: {show(folder)}: no such folder in {Path.cwd()}")
    if files is None and folder is None:
        raise StudyError(f"dataset.data_files: missing; path: {dataset['path']} needs files")
    for where, pattern in patterns(files):
        if is_address(pattern):
            continue
        found = _matches(pattern, folder)
        if not found:
            raise StudyError(f"{where}: {show(pattern)}: no such file in {Path.cwd()}")
        for path in found:
            if not os.access(path, os.R_OK):
                raise StudyError(f"{where}: {show(str(path))}: may not be read")


def _check_delimiter(dataset: Mapping[str, Any]) -> None:
    delimiter = dataset.get("delimiter")
    if delimiter is None:
        return
    if delimiter == dataset.get("quotechar", '"'):
        raise StudyError(f"dataset.delimiter: {show(delimiter)} is the quote character too")
    if not delimiter.isascii():
        raise StudyError(f"dataset.delimiter: {show(delimiter)} is not an ASCII character")


def _check_url(where: str, url: str) -> None:
    """Refuse secrets, and of the hub what is no commit: behind a branch are other data tomorrow."""
    _check_secrets(where, url)
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


def _check_secrets(where: str, url: str) -> None:
    """Refuse secrets: the config goes into study.json, the report and Snakemake's log."""
    if "://" in url and has_secret(url):
        raise StudyError(
            f"{where}: {show(masked(url))} came with a user, a password or a token; download the"
            " file, and name the copy"
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


def _matches(pattern: str, folder: str | None) -> list[Path]:
    """Return the files that one entry of data_files means; none for a URL.

    A file of that very name is meant, whatever other names it is a pattern of.
    """
    if is_address(pattern):
        return []
    full = os.path.join(folder, pattern) if folder else pattern
    names = [full] if os.path.isfile(full) else glob.glob(full, recursive=True)
    return [Path(name) for name in names if os.path.isfile(name)]
