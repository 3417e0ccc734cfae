"""The files of a data set as plain ones on this machine, looked through before they are read."""

import glob
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from scripts.study.errors import StudyError
from scripts.study.reading import show
from scripts.study.sources import FORMATS, is_here, start
from scripts.training import raw
from scripts.training.json_rows import Examples

# Of the options of a reader those that the checks know. With others, which the README of a folder
# may give, files are read as they say, without checks.
_KNOWN = {
    "csv": {"sep", "delimiter", "quotechar", "names", "column_names", "encoding", "features"},
    "json": {"encoding", "field", "features"},
}


def plain_files(
    arguments: Mapping[str, Any], base: str, wanted: Sequence[str], cache: Path
) -> dict[str, Any] | None:
    """Return arguments of `load_dataset` that read the split `base` from files of this machine.

    What is on a server or compressed is brought to the folder `cache`. CSV files are checked
    (`scripts.training.raw`), JSON files brought to one kind a column (`json_rows`); a folder in
    none of `FORMATS` is read as it is. Returns None for a data set of the hub.

    Args:
        arguments: those of the study's `dataset`.
        base: the split, without a slice.
        wanted: the columns that the study uses. Of CSV and JSON files these alone are read, of CSV
            files as texts.
        cache: an empty folder.
    """
    import datasets

    path = arguments["path"]
    if not is_here(path):
        return None
    given = dict(arguments)
    if "data_files" in given:
        given["data_files"] = _literal(given["data_files"], start(arguments))
    builder = datasets.load_dataset_builder(cache_dir=str(cache / "datasets"), **given)
    kind = type(builder).__module__.rpartition(".")[2]
    if kind not in FORMATS:
        return given
    named = dict(builder.config.data_files or {})
    if base not in named:
        cures = {
            "test": "; splits.test: null where there is none",
            "validation": "; splits.validation_share: 0.1 cuts one off",
        }
        raise StudyError(
            f"splits: there is no split {base!r} in {path!r}; there is"
            f" {', '.join(map(str, named)) or 'none'}{cures.get(base, '')}"
        )
    options = _options(builder)
    checked = options.keys() <= _KNOWN.get(kind, set())
    manager = datasets.DownloadManager(
        download_config=datasets.DownloadConfig(cache_dir=str(cache / "downloads"))
    )
    found, examples = list[str](), Examples(wanted)
    first, used = "", list[str]()
    for name in map(str, named[base]):
        for file in manager.iter_files(manager.download_and_extract(name)):
            told = name.removeprefix(f"{Path.cwd()}/")
            if kind == "json" and checked:
                examples.add(raw.decoded(Path(file), told, options), told, options.get("field"))
            elif kind == "csv" and checked:
                own = _used(told, raw.columns(Path(file), _said(options), told), wanted)
                if first and own != used:
                    raise StudyError(
                        f"dataset: {told} has the columns {show(own)} of those that are used, and"
                        f" {first}, of the same split, {show(used)}; they need the same ones in the"
                        " same order"
                    )
                first, used = told, own
            found.append(file)
    if kind == "json" and checked:
        written = cache / "examples.parquet"
        examples.write(written, options.get("features") or {})
        return {"path": "parquet", "data_files": {base: glob.escape(str(written))}}
    if kind == "csv" and checked:
        options |= _csv_options(options, used, set(used) == set(wanted))
    return {"path": kind, "data_files": {base: [glob.escape(file) for file in found]}, **options}


def _literal(files: object, home: str) -> Any:
    """Return `data_files` with each name that a file has taken for that file, and no pattern."""
    if isinstance(files, Mapping):
        return {key: _literal(value, home) for key, value in files.items()}
    if isinstance(files, str):
        return glob.escape(files) if os.path.isfile(os.path.join(home, files)) else files
    return [_literal(one, home) for one in files]  # type: ignore[attr-defined]


def _options(builder: Any) -> dict[str, Any]:
    """Return what a reader was told, by the study or by the README of a folder."""
    import datasets

    blank = type(builder.config)()
    common = {field.name for field in fields(datasets.BuilderConfig)}
    options = {
        field.name: getattr(builder.config, field.name)
        for field in fields(builder.config)
        if field.name not in common
        and getattr(builder.config, field.name) != getattr(blank, field.name)
    }
    if builder.info.features is not None:
        options["features"] = builder.info.features
    return options


def _said(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a reader's options as a study's `dataset` has them."""
    own = {"delimiter": options.get("sep"), "column_names": options.get("names")}
    own |= {key: options.get(key) for key in ("quotechar", "encoding")}
    return {key: value for key, value in own.items() if value is not None}


def _used(name: str, columns: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return the columns of a CSV file that are used, in its order; refuse two of one name."""
    used = [column for column in columns if column in wanted]
    for column in used:
        if used.count(column) > 1:
            raise StudyError(f"dataset: {name}: several columns are named {show(column)}")
    return used


def _csv_options(options: Mapping[str, Any], used: Sequence[str], alone: bool) -> dict[str, Any]:
    """Return options of pandas' reader by which cells are what is written, and empty ones missing.

    By itself it takes words such as NA, None and null for missing cells, a text of digits for a
    number, and the first column for names of rows where there is a cell too many. The columns
    `used` are read `alone`, or with all others, which a message about a missing one lists.
    """
    own: dict[str, Any] = {"keep_default_na": False, "na_values": [""], "index_col": False}
    # Kinds of columns that a README names are its affair. Rows may have fewer cells than names.
    if used and "features" not in options:
        own["converters"] = dict.fromkeys(used, _cell)
        if alone and "names" not in options:
            own["usecols"] = list(used)
    return own | raw.dialect(_said(options))


def _cell(cell: str) -> str | None:
    return cell or None
