"""A study's data set: loaded by `datasets`, brought to one form, checked and fingerprinted."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.study.errors import StudyError, out_of_memory
from scripts.training import labels
from scripts.training.hub import COMMIT
from scripts.training.plain_files import plain_files
from scripts.training.tokens import UNLABELLED

if TYPE_CHECKING:
    from datasets import Dataset

SPLITS = ("train", "validation", "test")


def load(dataset: Mapping[str, Any], split: str, wanted: Sequence[str] = ()) -> "Dataset":
    """Return one split as `datasets.load_dataset` gives it.

    `dataset` holds the keyword arguments of `load_dataset`; `split` may be sliced (`train[:96]`).
    `wanted` names the columns that are used: of CSV files these alone are read, as they are
    written.
    """
    import datasets

    datasets.disable_progress_bars()
    arguments = {key: value for key, value in dataset.items() if value is not None}
    base, files = split.partition("[")[0], arguments.get("data_files")
    if isinstance(files, Mapping):
        files = files.get(base)
        if files is not None:
            # Alone, so that a mistake in another split is not taken for one in this.
            arguments["data_files"] = {base: files}
    path = arguments["path"]
    try:
        # Local files are read anew each time: a cache in the user's home could answer with what
        # the file held before.
        with tempfile.TemporaryDirectory() as cache:
            plain = plain_files(arguments, base, wanted, Path(cache))
            if plain is not None:
                return datasets.load_dataset(
                    split=split, cache_dir=cache, keep_in_memory=True, **plain
                )
        loaded = datasets.load_dataset(split=split, **arguments)
        _check_revision(loaded, path, arguments.get("revision"))
        return loaded
    except StudyError:
        raise
    except Exception as error:  # datasets raises many kinds for a wrong file, column or name
        if out_of_memory(error):
            raise
        # "An error occurred while generating" says less than its cause; an empty file says nothing.
        reason = str(error.__cause__ or error) or "is a file empty?"
        if "corresponds to no data" in reason:
            reason = "it holds no example"
        raise StudyError(
            f"dataset: {path!r}, split {split!r}{f' ({files})' if files else ''} cannot be loaded:"
            f" {' '.join(reason.split())[:300]}"
        ) from None


def _check_revision(loaded: "Dataset", path: str, revision: str | None) -> None:
    """Refuse another revision: where the hub does not answer, datasets takes any that it kept.

    The folder that it keeps a data set in has the revision's name.
    """
    folders = {part for file in loaded.cache_files for part in Path(file["filename"]).parts}
    found = {part for part in folders if COMMIT.fullmatch(part)}
    if revision is not None and found and revision not in found:
        raise StudyError(
            f"dataset.revision: {revision} of {path!r} could not be had from the hub, and what is"
            f" kept here is {', '.join(sorted(found))}; run again once the hub answers"
        )


def standardise(
    loaded: Mapping[str, "Dataset"], columns: Mapping[str, Any], names: Sequence[str] | None
) -> tuple[dict[str, dict[str, list[Any]]], list[str]]:
    """Return the splits as columns `text_a`, `text_b`, `label`, and the names of the classes.

    Args:
        loaded: the splits by role (train, validation, test).
        columns: `text` (one or two column names) and `label`.
        names: class names by index, or None to take them from the data.

    Labels become class indices from 0; a test split without labels has -1 everywhere. Whole
    numbers are indices already where the classes have other names (`labels.classes`). Raises
    `StudyError` that names split, row and column.
    """
    texts, label = columns["text"], columns["label"]
    for role, data in loaded.items():
        for column in [*texts, label]:
            if column not in data.column_names and not (role == "test" and column == label):
                raise StudyError(
                    f"columns: {column!r} is not in the {role} split; it has "
                    + ", ".join(data.column_names)
                )
        if len(data) == 0:
            raise StudyError(f"splits.{role}: the split has no examples")
    cells = {
        role: _cells(data, role, label)
        for role, data in loaded.items()
        if label in data.column_names
    }
    train = loaded["train"]
    # Cells of a CSV file are texts, whatever they say.
    if train.info.builder_name == "csv" and all(
        isinstance(cell, str | None) for column in cells.values() for cell in column
    ):
        cells = labels.from_cells(cells, names)
    own = getattr(train.features[label], "names", None)
    classes, index = labels.classes(cells["train"], label, names, own)
    splits: dict[str, dict[str, list[Any]]] = {}
    for role, data in loaded.items():
        splits[role] = {
            key: _texts(_cells(data, role, column), role, column)
            for key, column in zip(("text_a", "text_b"), texts, strict=False)
        }
        found = cells.get(role, [UNLABELLED] * len(data))
        splits[role]["label"] = labels.indices(found, role, label, index)
    present = set(splits["train"]["label"])
    if len(present) < 2:
        only = classes[next(iter(present))]
        raise StudyError(f"columns.label: {label!r} has one class only in the train split ({only})")
    for number, name in enumerate(names or ()):
        if number not in present:
            raise StudyError(
                f"labels[{number}]: no example of the train split is {name!r}; leave it out, since"
                " metrics are means over all that are listed (numbers count from 0 without a gap)"
            )
    return splits, classes


def _cells(data: "Dataset", role: str, column: str) -> list[Any]:
    """Return a column; text that is no UTF-8 is found only when it is read."""
    try:
        return list(data[column])
    except UnicodeDecodeError:
        for row in range(len(data)):
            try:
                data[row][column]
            except UnicodeDecodeError as error:
                raise StudyError(
                    f"columns: row {row + 1} of the {role} split is not utf-8 in {column!r}"
                    f" ({error.reason})"
                ) from None
        raise


def _texts(values: Sequence[Any], role: str, column: str) -> list[str]:
    for row, value in enumerate(values):
        if not isinstance(value, str):
            raise StudyError(
                f"columns.text: row {row + 1} of the {role} split has {labels.told(value)} in"
                f" {column!r}; a text is needed"
            )
    return list(values)


def fingerprint(splits: Mapping[str, Mapping[str, Sequence[Any]]], classes: Sequence[str]) -> str:
    """Return a sha256 over every text and label of every split: equal data, equal fingerprint."""
    digest = hashlib.sha256()

    def add(text: str) -> None:
        content = text.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "big") + content)

    for name in classes:
        add(name)
    for role in SPLITS:
        if role not in splits:
            continue
        add(role)
        for key in ("text_a", "text_b", "label"):
            for value in splits[role].get(key, ()):
                add(str(value))
    return digest.hexdigest()
