"""Two configurations on the same examples: paired bootstrap and McNemar's test.

Predictions of n seeds on N examples of C classes are class probabilities of shape (n, N, C).
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.contingency_tables import mcnemar

from scripts.analysis.runfiles import refuse

RESAMPLES = 2000
# Resamples are drawn in chunks of about so many weights.
_CHUNK = 4_000_000
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Predicted:
    """Labels (N,) and class probabilities (n, N, C) of one configuration on its n seeds."""

    labels: Ints
    probabilities: Floats


def read(paths: Sequence[Path], split: str, examples: int) -> Predicted:
    """Return what predictions.csv of each path says of one split, which has `examples` examples.

    Raises `StudyError` for a file without them, or with other labels than the first file's.
    """
    labels: Ints | None = None
    found = []
    for path in paths:
        table = _table(path, split)
        if len(table) != examples:
            refuse(path, f"it has {len(table)} examples of the {split} split, not {examples}")
        if labels is None:
            labels = table[:, 0].astype(np.int64)
        elif not np.array_equal(labels, table[:, 0]):
            refuse(path, f"its labels of the {split} split are not those of {paths[0]}")
        found.append(table[:, 1:])
    assert labels is not None
    return Predicted(labels, np.stack(found))


def _table(path: Path, split: str) -> Floats:
    """Return the label and the probabilities of a split's examples, a row an example."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = csv.reader(stream)
            header = next(rows)
            if header[:4] != ["split", "index", "label", "predicted"] or len(header) < 6:
                refuse(path, f"its columns are {', '.join(header)}")
            kept = [[row[2], *row[4:]] for row in rows if row[0] == split]
            return np.array(kept, dtype=float).reshape(len(kept), len(header) - 3)
    except FileNotFoundError:
        refuse(path, "no such file")
    except (OSError, ValueError, IndexError, StopIteration, csv.Error) as error:
        refuse(path, f"not a table of predictions ({error})")


def mcnemar_exact(labels: Ints, first: Floats, second: Floats) -> dict[str, float | int]:
    """Return McNemar's exact two-sided test on the classes of mean probability over the seeds.

    `only_first` counts the examples that only the first configuration gets right.
    """
    right = [each.mean(axis=0).argmax(axis=-1) == labels for each in (first, second)]
    only_first, only_second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    table = [[int((right[0] & right[1]).sum()), only_first], [only_second, 0]]
    p = float(mcnemar(table, exact=True).pvalue) if only_first + only_second else 1.0
    return {"only_first": only_first, "only_second": only_second, "p": p}


def paired_bootstrap(
    metric: str,
    labels: Ints,
    first: Floats,
    second: Floats,
    seed: int,
    resamples: int = RESAMPLES,
) -> Floats:
    """Return differences of a metric, first minus second, over resampled seeds and examples.

    The same seeds and the same examples are drawn for both, with replacement: what is paired stays
    so. Returns an array of shape (resamples,), of the mean over seeds.
    """
    rng = np.random.default_rng(seed)
    seeds, examples = first.shape[0], len(labels)
    tables = [_counts(labels, one) for one in (*first, *second)]
    stacked = np.concatenate(tables, axis=1)
    width = tables[0].shape[1]
    found = []
    for start in range(0, resamples, size := max(1, _CHUNK // examples)):
        draws = min(size, resamples - start)
        drawn = rng.multinomial(examples, np.full(examples, 1 / examples), size=draws)
        sums = (drawn.astype(float) @ stacked).reshape(draws, 2, seeds, width)
        scores = score(metric, sums)
        differences = scores[:, 0] - scores[:, 1]
        chosen = rng.integers(seeds, size=(draws, seeds))
        found.append(np.take_along_axis(differences, chosen, axis=1).mean(axis=1))
    return np.concatenate(found)


def _counts(labels: Ints, probabilities: Floats) -> Floats:
    """Return what a metric needs of each example, which sums add up: shape (N, 3 C + 2).

    By class: rightly predicted, predicted, label; then 1, and the cross-entropy in nats.
    """
    classes = probabilities.shape[1]
    predicted = np.eye(classes)[probabilities.argmax(axis=1)]
    true = np.eye(classes)[labels]
    own = probabilities[np.arange(len(labels)), labels]
    loss = -np.log(np.maximum(own, np.finfo(float).tiny))
    return np.column_stack([predicted * true, predicted, true, np.ones(len(labels)), loss])


def score(metric: str, sums: Floats) -> Floats:
    """Return a metric from the sums of `_counts`, of shape (..., 3 C + 2).

    As in training: with two classes F1, precision and recall are those of class 1, with more their
    mean over classes, and where a denominator is 0 the value is 0.
    """
    total, loss = sums[..., -2], sums[..., -1]
    right, predicted, true = np.split(sums[..., :-2], 3, axis=-1)
    hits = right.sum(axis=-1)
    if metric == "loss":
        return loss / total
    if metric == "accuracy":
        return hits / total
    if metric == "matthews_correlation":
        covariance = hits * total - (predicted * true).sum(axis=-1)
        spread = (total**2 - (true**2).sum(axis=-1)) * (total**2 - (predicted**2).sum(axis=-1))
        return _ratio(covariance, np.sqrt(spread))
    denominator = {"f1": (predicted + true) / 2, "precision": predicted, "recall": true}[metric]
    by_class = _ratio(right, denominator)
    two = by_class.shape[-1] == 2
    return np.asarray(by_class[..., 1] if two else by_class.mean(axis=-1))


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    return np.divide(
        numerator, denominator, out=np.zeros_like(numerator), where=np.asarray(denominator) > 0
    )
