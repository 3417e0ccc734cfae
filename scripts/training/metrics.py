"""Classification metrics as local `evaluate` modules, so that no network is needed.

With two classes, F1, precision and recall are those of class 1 (scikit-learn's `binary`); with
more they are unweighted means over classes (`macro`). Where a denominator is 0 the value is 0.
"""

import tempfile
from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np

METRICS = ("accuracy", "f1", "precision", "recall", "matthews_correlation")


def confusion(predictions: Any, references: Any, classes: int) -> np.ndarray:
    """Return the confusion matrix (classes x classes, int64): rows labels, columns predicted."""
    cells = np.asarray(references) * classes + np.asarray(predictions)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(
        numerator, denominator, out=np.zeros(len(numerator)), where=np.asarray(denominator) != 0
    )


def _average(by_class: np.ndarray) -> float:
    return float(by_class[1] if len(by_class) == 2 else by_class.mean())


class _ConfusionMetric(evaluate.Metric):
    """A metric that depends on the confusion matrix alone; `compute` takes `classes`."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=(type(self).__doc__ or ""),
            citation="",
            inputs_description="",
            features=datasets.Features(
                {"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}
            ),
        )

    def _compute(self, predictions: Any, references: Any, classes: int) -> dict[str, float]:
        return {self.name: self.of(confusion(predictions, references, classes))}

    def of(self, matrix: np.ndarray) -> float:
        raise NotImplementedError


class Accuracy(_ConfusionMetric):
    """Share of examples whose predicted class is their label."""

    def of(self, matrix: np.ndarray) -> float:
        return float(np.trace(matrix) / matrix.sum())


class F1(_ConfusionMetric):
    """Harmonic mean of precision and recall."""

    def of(self, matrix: np.ndarray) -> float:
        return _average(_ratio(2 * np.diag(matrix), matrix.sum(axis=0) + matrix.sum(axis=1)))


class Precision(_ConfusionMetric):
    """Share of the examples predicted to be of a class that are."""

    def of(self, matrix: np.ndarray) -> float:
        return _average(_ratio(np.diag(matrix), matrix.sum(axis=0)))


class Recall(_ConfusionMetric):
    """Share of the examples of a class that are found."""

    def of(self, matrix: np.ndarray) -> float:
        return _average(_ratio(np.diag(matrix), matrix.sum(axis=1)))


class MatthewsCorrelation(_ConfusionMetric):
    """Correlation of predicted class and label (Gorodkin 2004 for more than two classes)."""

    def of(self, matrix: np.ndarray) -> float:
        matrix = matrix.astype(float)
        total = matrix.sum()
        labels, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
        covariance = np.trace(matrix) * total - labels @ predicted
        spread = np.sqrt((total**2 - labels @ labels) * (total**2 - predicted @ predicted))
        return float(covariance / spread) if spread > 0 else 0.0


_MODULES = {
    "accuracy": Accuracy,
    "f1": F1,
    "precision": Precision,
    "recall": Recall,
    "matthews_correlation": MatthewsCorrelation,
}


def score(predictions: Sequence[int], references: Sequence[int], classes: int) -> dict[str, float]:
    """Return every metric of `predictions` against `references` (class indices, equal lengths)."""
    scores: dict[str, float] = {}
    # evaluate makes a cache folder even when it keeps all in memory; it is not to lie in the home.
    with tempfile.TemporaryDirectory() as cache:
        for name, module in _MODULES.items():
            metric = module(keep_in_memory=True, cache_dir=cache, seed=0)
            result = metric.compute(predictions=predictions, references=references, classes=classes)
            scores[name] = next(iter(result.values()))
    return scores
