"""Whether a study's splits exist and share no example, as far as its config tells."""

import itertools
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from typing import Any

from scripts.study import sources
from scripts.study.errors import StudyError
from scripts.study.reading import show
from scripts.study.schema import unknown

Study = Mapping[str, Any]

# What makes a name of a file a pattern.
_PATTERN = set("*?[")


def check(study: Study) -> None:
    """Raise `StudyError` where a split does not exist, or two share examples."""
    splits = {name: study["splits"][name] for name in ("train", "validation", "test")}
    known = _known_splits(study["dataset"])
    for purpose, name in splits.items():
        if name is None:
            continue
        base = name.partition("[")[0]
        several = len([one for one in splits.values() if one]) > 1
        if base == "all" and (several or sources.is_here(study["dataset"].get("path", "json"))):
            raise StudyError(
                f"splits.{purpose}: {show(name)} means all splits at once, of which no example may"
                " serve two purposes; name one of them"
            )
        if known is not None and base not in known:
            text = unknown(f"splits.{purpose}", base, known, "split of the data")
            if purpose == "validation":
                text += "; splits.validation_share: 0.1 cuts one off the training split"
            raise StudyError(text)
    _check_files(study["dataset"], splits)
    for (first, one), (second, other) in itertools.combinations(splits.items(), 2):
        if one is not None and other is not None and _may_overlap(one, other):
            raise StudyError(
                f"splits.{second}: {show(other)} shares examples with splits.{first}, "
                f"{show(one)}; no example may serve two purposes"
            )


def _check_files(dataset: Mapping[str, Any], splits: Mapping[str, str | None]) -> None:
    """No file may serve two purposes under two names either."""
    files = dataset.get("data_files")
    if not isinstance(files, Mapping):
        return
    read = {
        name: _files(dataset, files.get(name.partition("[")[0], []))
        for name in filter(None, splits.values())
    }
    for (one, these), (other, those) in itertools.combinations(read.items(), 2):
        first, second = (name.partition("[")[0] for name in (one, other))
        both = [those[name] for name in _in_both(these, those)]
        # Slices of one split were compared before; those of the same files may share no example.
        apart = these.keys() == those.keys() and not _slices_may_overlap(one, other)
        if both and first != second and not apart:
            raise StudyError(
                f"dataset.data_files.{second}: {show(both[0])} is a file of {first} too; no"
                " example may serve two purposes"
            )


def _files(dataset: Mapping[str, Any], named: object) -> dict[str, str]:
    """Return the files that an entry of data_files names: each as it is known, and as it is shown.

    Those of this machine are known by their paths, others by their addresses, or as patterns.
    """
    own = sources.local_data_files({**dataset, "data_files": {"": named}})
    found = {str(path.resolve()): str(path) for path in own}
    elsewhere = not sources.is_here(dataset["path"])
    for _, name in sources.patterns({"": named}):
        if elsewhere or sources.is_address(name):
            found[name] = name
    return found


def _in_both(these: Collection[str], those: Collection[str]) -> list[str]:
    """Return the files of `those` that are of `these`, or by patterns may be, sorted."""
    # Files of this machine were looked for already, and are known by their whole paths.
    near, far = ([name for name in names if name[:1] != "/"] for names in (these, those))
    found = set(these) & set(those)
    if any(_PATTERN & set(name) for name in (*near, *far)):
        found.update(two for two in far if any(_may_mean(one, two) for one in near))
    return sorted(found)


def _may_mean(one: str, other: str) -> bool:
    """Tell whether of two names one may mean the other's files."""
    if not _PATTERN & {*one, *other}:
        return False
    deep = "**" in one + other or one.count("/") == other.count("/")
    return deep and (fnmatchcase(one, other) or fnmatchcase(other, one))


def _may_overlap(one: str, other: str) -> bool:
    """Return whether two splits may share examples; slices of one split may be disjoint."""
    same = one.partition("[")[0] == other.partition("[")[0]
    return same and _slices_may_overlap(one, other)


def _slices_may_overlap(one: str, other: str) -> bool:
    """Return whether the slices of two splits may, if both were of the same examples."""
    (start, stop), (other_start, other_stop) = _bounds(one), _bounds(other)
    return not (_not_after(stop, other_start) or _not_after(other_stop, start))


def _bounds(split: str) -> tuple[str, str]:
    """Return the start and stop of `train[:80%]` as text, empty where open."""
    start, _, stop = split.partition("[")[2].rstrip("]").partition(":")
    return start, stop


def _not_after(stop: str, start: str) -> bool:
    """Return whether a slice that ends at `stop` surely ends before one begins at `start`.

    Only counts in one unit and from one end can be compared without knowing the split's size.
    """
    if not stop or not start or (stop[-1] == "%") != (start[-1] == "%"):
        return False
    if stop.startswith("-") != start.startswith("-"):
        return False
    return int(stop.rstrip("%")) <= int(start.rstrip("%"))


def _known_splits(dataset: Mapping[str, Any]) -> list[str] | None:
    if "generated" in dataset:
        return list(sources.GENERATED_SPLITS)
    files = dataset.get("data_files")
    if files is None:
        return None
    return list(files) if isinstance(files, Mapping) else ["train"]
