"""The grid's analysis of variance, held against statsmodels' own, and its limits."""

import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

from scripts.analysis import interactions

NAMES = ["weight_decay", "dropout", "adam_beta1"]


def factorial(levels: int, repeats: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    points = list(itertools.product(range(levels), repeat=len(NAMES))) * repeats
    frame = pd.DataFrame(points, columns=NAMES)
    scores = frame["dropout"] * frame["weight_decay"] * 0.1 + rng.normal(size=len(frame))
    return frame.assign(
        objective=scores, status="complete", run=[f"run-{at}" for at in range(len(frame))]
    )


NONE = factorial(2, 1, 0).head(0)


@pytest.mark.parametrize("missing", [0, 5])
def test_the_tests_are_those_of_a_type_two_analysis(missing: int) -> None:
    grid = factorial(3, 2, seed=missing).iloc[missing:]
    found = pd.DataFrame(interactions.rows(grid, NONE, NAMES)).set_index("term")
    formula = f"objective ~ ({' + '.join(f'C({name})' for name in NAMES)})**2"
    right = anova_lm(smf.ols(formula, data=grid).fit(), typ=2)
    for term, row in found.iterrows():
        other = right.loc[":".join(f"C({name})" for name in str(term).split(":"))]
        assert row["sum_of_squares"] == pytest.approx(other["sum_sq"], abs=1e-9)
        assert row["df"] == other["df"]
        assert row["f"] == pytest.approx(other["F"], abs=1e-5)
        assert row["p"] == pytest.approx(other["PR(>F)"], abs=1e-9)
    assert len(found) == len(right) - 1


def test_an_interaction_of_too_many_cells_has_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interactions, "MOST_CELLS", 3)
    found = interactions.rows(factorial(3, 1, seed=1), NONE, NAMES)
    assert [row["term"] for row in found] == NAMES
    assert all(row["noise_df"] == 27 - 1 - 6 for row in found)
