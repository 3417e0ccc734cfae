"""Interaction plots: a panel a pair, a line a level, the means of the grid's points."""

from dataclasses import replace
from itertools import product
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from scripts.views import gallery, interactions
from scripts.views.results import Results, load
from tests.fabricate import fabricate
from tests.fabricate_runs import study

NAMES = ["learning_rate", "weight_decay", "dropout", "adam_beta1", "adam_beta2"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return load(fabricate(tmp_path_factory.mktemp("interactions"), study()))


def grid_of(results: Results, levels: int, names: list[str], tests: Any = ()) -> Results:
    """Return results whose grid is a factorial; the score is a sum, and so has no interaction."""
    one = results.stage("grid").iloc[:1]
    values = [round(0.01 * (level + 1), 2) for level in range(levels)]
    runs = pd.concat([
        one.assign(**dict(zip(names, point, strict=True)), objective=sum(point))
        for point in product(values, repeat=len(names))
    ], ignore_index=True)  # fmt: skip
    table = pd.DataFrame(tests, columns=["term", "share", "p_holm"])
    return replace(results, runs=runs, interactions=table)


def lines(figure: Figure, panel: int = 0) -> list[list[float]]:
    drawn = [line for line in figure.axes[panel].lines if line.get_marker() != "None"]
    return [[float(y) for y in line.get_ydata()] for line in drawn]  # type: ignore[union-attr]


def test_a_line_is_the_mean_over_all_else(results: Results) -> None:
    figure = interactions.figure(grid_of(results, 2, NAMES[:3]))
    assert len(figure.axes) == 3
    for panel in range(3):
        first, second = lines(figure, panel)
        # 0.01 to 0.02 by either of the two, and 0.015 on average by the third.
        assert first == pytest.approx([0.035, 0.045])
        assert second == pytest.approx([0.045, 0.055])


def test_the_largest_interaction_comes_first_with_its_test(results: Results) -> None:
    tests = [
        {"term": "learning_rate:weight_decay", "share": 0.01, "p_holm": 1.0},
        {"term": "weight_decay:dropout", "share": 0.2, "p_holm": 0.0123},
        {"term": "learning_rate:dropout", "share": 0.02, "p_holm": None},
    ]
    figure = interactions.figure(grid_of(results, 2, NAMES[:3], tests))
    titles = [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes]
    assert titles == [
        *("20.0% of the spread, p = 0.012", "2.0% of the spread"),
        "1.0% of the spread, p = 1.000",
    ]
    legends = [axes.get_legend() for axes in figure.axes]
    shown = [
        {axes.get_xlabel(), legend.get_title().get_text()}
        for axes, legend in zip(figure.axes, legends, strict=True)
        if legend
    ]
    assert shown[0] == {"weight_decay", "dropout"}


def test_many_pairs_and_levels_stay_readable(results: Results) -> None:
    figure = interactions.figure(grid_of(results, 2, NAMES))
    assert len([axes for axes in figure.axes if axes.axison]) == interactions.PANELS
    figure = interactions.figure(grid_of(results, 20, NAMES[:2]))
    assert len(lines(figure)) == interactions.LINES
    assert len(figure.axes[0].get_xticks()) == 5
    assert figure.axes[0].get_title(loc="left") + figure.axes[0].get_title() == "not tested"


@pytest.mark.parametrize("names", [NAMES[:1], []])
def test_less_than_two_hyperparameters_have_words(results: Results, names: list[str]) -> None:
    figure = interactions.figure(grid_of(results, 2, names))
    assert "none can interact" in figure.texts[0].get_text()


def test_points_that_diverged_leave_gaps(results: Results) -> None:
    grid = grid_of(results, 3, NAMES[:2])
    runs = grid.runs.copy()
    lost = runs.index[0]
    runs.loc[lost, "status"], runs.loc[lost, "objective"] = "diverged", float("nan")
    drawn = lines(interactions.figure(replace(grid, runs=runs)))
    assert sum(value != value for line in drawn for value in line) == 1


def test_the_report_shows_it() -> None:
    (picture,) = (one for one in gallery.PICTURES if one.name == "interactions")
    assert "Parallel lines are no interaction" in picture.caption()
