"""A validation split for data that have none: cut off the training split, by seed."""

from collections.abc import Mapping, Sequence
from typing import Any

from scripts.study.errors import StudyError

Columns = Mapping[str, Sequence[Any]]


def cut_off(
    columns: Columns, share: float, seed: int, classes: Sequence[str]
) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Return what stays of a training split, and the validation split: `share` of its examples.

    Both have each class in the same proportion, as far as whole examples allow (scikit-learn's
    stratified shuffle split), and keep the order of the data. The same seed cuts the same examples.

    Args:
        columns: text columns and `label`, class indices from 0, of equal lengths.
        share: above 0 and below 1; the number of examples is rounded up.
        seed: of the cut.
        classes: names of the classes, for messages.

    Raises `StudyError` where a class has fewer than two examples, or a split would lack a class.
    """
    # Not at the top: it takes a second, and most studies have a validation split.
    from sklearn.model_selection import train_test_split

    labels = columns["label"]
    counts = {index: labels.count(index) for index in sorted(set(labels))}
    for index, count in counts.items():
        if count < 2:
            raise StudyError(
                f"splits.validation_share: class {classes[index]} has one example in the training"
                " split, which cannot be in both parts; add examples, or leave it out"
            )
    held = -(-len(labels) * share // 1)
    if not len(counts) <= held <= len(labels) - len(counts):
        raise StudyError(
            f"splits.validation_share: {share} of {len(labels)} examples leaves one part with fewer"
            f" examples than the {len(counts)} classes"
        )
    kept, cut = train_test_split(
        range(len(labels)), test_size=share, stratify=labels, random_state=seed
    )
    return _take(columns, sorted(kept)), _take(columns, sorted(cut))


def _take(columns: Columns, indices: Sequence[int]) -> dict[str, list[Any]]:
    return {name: [values[i] for i in indices] for name, values in columns.items()}
