"""The metrics are scikit-learn's, and computing them touches nothing else."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from scripts.training.metrics import METRICS, confusion, score

Case = tuple[int, list[int], list[int]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    classes = draw(st.integers(2, 5))
    # Classes that never occur, on either side, are what zero denominators come from.
    answers = st.integers(0, draw(st.integers(0, classes - 1)))
    pairs = draw(st.lists(st.tuples(answers, st.integers(0, classes - 1)), min_size=1, max_size=40))
    if draw(st.booleans()):
        pairs = [(label, predicted) for predicted, label in pairs]
    return classes, [predicted for predicted, _ in pairs], [label for _, label in pairs]


def reference(classes: int, predictions: list[int], labels: list[int]) -> dict[str, float]:
    average = "binary" if classes == 2 else "macro"
    options = {"average": average, "zero_division": 0}
    if classes > 2:
        options["labels"] = list(range(classes))
    return {
        "accuracy": sklearn_metrics.accuracy_score(labels, predictions),
        "f1": sklearn_metrics.f1_score(labels, predictions, **options),
        "precision": sklearn_metrics.precision_score(labels, predictions, **options),
        "recall": sklearn_metrics.recall_score(labels, predictions, **options),
        "matthews_correlation": sklearn_metrics.matthews_corrcoef(labels, predictions),
    }


@pytest.mark.filterwarnings("ignore:A single label was found")
@settings(max_examples=25, deadline=None)
@given(cases())
def test_scores_are_those_of_scikit_learn(case: Case) -> None:
    classes, predictions, labels = case
    found = score(predictions, labels, classes)
    assert found == pytest.approx(reference(*case), abs=1e-12)
    assert tuple(found) == METRICS
    assert all(isinstance(value, float) for value in found.values())
    assert all(0 <= found[name] <= 1 for name in METRICS[:4])
    assert -1 <= found["matthews_correlation"] <= 1


def test_denominators_of_zero_give_zero() -> None:
    nothing = dict.fromkeys(METRICS, 0.0)
    assert score([0, 0, 0], [0, 0, 0], 2) == {**nothing, "accuracy": 1.0}
    assert score([0, 0], [1, 1], 2) == nothing
    # Of three classes one is met, and found: its share of the mean is a third.
    third = dict.fromkeys(("f1", "precision", "recall"), 1 / 3)
    assert score([2, 2], [2, 2], 3) == {**nothing, **third, "accuracy": 1.0}


def test_confusion_counts_labels_in_rows() -> None:
    matrix = confusion([1, 1, 2], [0, 1, 1], 3)
    assert matrix.tolist() == [[0, 1, 0], [0, 1, 1], [0, 0, 0]]


def test_a_perfect_and_a_wrong_answer() -> None:
    many = [index % 2 for index in range(1000)]
    assert set(score(many, many, 2).values()) == {1.0}
    assert score([1 - label for label in many], many, 2)["matthews_correlation"] == -1.0


def test_scoring_leaves_the_random_state_alone() -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    drawn = torch.rand(1).item(), np.random.rand()
    torch.manual_seed(1)
    np.random.seed(1)
    score([0, 1], [1, 1], 2)
    assert (torch.rand(1).item(), np.random.rand()) == drawn
