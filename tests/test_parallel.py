"""Axes of parallel coordinates: scales, ticks, places beside the scale, and the plot's data."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scripts.views.density import COLUMNS, FAINTEST, ROWS, density
from scripts.views.parallel import MAX_PATHS, figure
from scripts.views.payload import payload, safe_json
from scripts.views.results import Results, load
from scripts.views.scales import (
    axes,
    hyperparameter_axis,
    objective_axis,
    spread,
    within_fence,
)
from scripts.views.words import number
from tests.fabricate import fabricate
from tests.fabricate_many import fabricate_many
from tests.fabricate_runs import study


def at(axis: dict[str, Any], size: int) -> list[tuple[float, str]]:
    """Return every run's place and text, as the page reads them."""
    if "levels" not in axis:
        places = [place / 10_000 for place in axis["place"]]
        return list(zip(places, axis["texts"], strict=True))
    level = axis["level"]
    return [tuple(axis["levels"][n]) for n in ([level] * size if level == 0 else level)]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return load(fabricate(tmp_path_factory.mktemp("study")))


def test_a_searched_log_axis_is_logarithmic() -> None:
    axis = hyperparameter_axis("learning_rate", [1e-5, 3e-5, 9e-5], log=True)
    assert axis.log
    assert axis.position(3e-5) == pytest.approx(0.5)


def test_a_wide_span_is_logarithmic_without_being_told() -> None:
    assert hyperparameter_axis("learning_rate", [1e-5, 1e-3]).log
    assert not hyperparameter_axis("learning_rate", [1e-5, 1e-4]).log


def test_a_space_that_is_uniform_from_0_is_linear() -> None:
    assert not hyperparameter_axis("weight_decay", [1e-5, 0.1, 0.3], log=False).log


def test_zero_has_a_place_below_a_log_scale() -> None:
    axis = hyperparameter_axis("adam_epsilon", [1e-8, 1e-6])
    assert axis.places == {}
    axis = hyperparameter_axis("weight_decay", [0.0, 1e-4, 1e-1])
    assert axis.position(0.0) == 0.0 < axis.position(1e-4) < axis.position(1e-1) == 1.0
    assert (0.0, "0") in axis.ticks


def test_one_value_is_constant_and_in_the_middle() -> None:
    axis = hyperparameter_axis("dropout", [0.1, 0.1])
    assert axis.constant
    assert axis.position(0.1) == 0.5


def test_categories_that_share_a_prefix_stay_apart() -> None:
    axis = hyperparameter_axis("optim", ["adamw_torch", "adagrad", "adafactor"])
    assert len({axis.position(name) for name in axis.categories}) == 3
    assert [label for _, label in axis.ticks] == ["adamw_torch", "adafactor", "adagrad"]


def test_ticks_of_few_levels_are_the_levels() -> None:
    axis = hyperparameter_axis("train_batch_size", [16, 32, 64, 32])
    assert [label for _, label in axis.ticks] == ["16", "32", "64"]


@pytest.mark.parametrize("values", [[1e-5 * 1.3**i for i in range(12)], list(range(0, 90, 7))])
def test_ticks_do_not_overlap(values: list[float]) -> None:
    axis = hyperparameter_axis("learning_rate", values)
    places = [place for place, _ in axis.ticks]
    assert all(b - a >= 0.055 for a, b in itertools.pairwise(places))


def test_an_outlier_does_not_crush_the_objective(results: Results) -> None:
    axis = objective_axis(results, results.runs)
    assert axis.position(0.741) == axis.places["outlier"] < axis.start
    assert axis.position(math.nan) == axis.places["diverged"]
    assert axis.position(0.85) == axis.places["outlier"]
    assert axis.position(0.93) - axis.position(0.90) > 0.2


def test_an_outlier_on_the_good_side_stays() -> None:
    values = [0.8, 0.801, 0.802, 0.803, 0.804, 0.99]
    assert within_fence(values, 1) == values
    assert within_fence(values, -1) == values[:-1]


def test_ties_everywhere_are_no_outliers() -> None:
    values = [0.7] * 9 + [0.9]
    assert within_fence(values, -1) == values


def test_runs_at_one_value_are_fanned_out_in_order() -> None:
    fanned = spread([0.5, 0.5, 0.5, 0.1], [3, 1, 2, 4])
    assert fanned[1] < fanned[2] < fanned[0]
    assert fanned[3] == 0.1
    many = spread([0.5] * 1000, list(range(1000)))
    assert max(many) - min(many) <= 0.05 + 1e-9


def test_every_value_has_a_position(results: Results) -> None:
    for axis in axes(results, results.runs):
        column = axis.name if axis.name in results.runs else "objective"
        for value in results.runs[column]:
            assert 0 <= axis.position(value) <= 1


def test_the_plot_reads_every_run_once(results: Results) -> None:
    data = json.loads(safe_json(payload(results)))
    size = len(results.runs)
    assert data["runs"] == results.runs["run"].tolist()
    assert data["axes"][-1]["objective"]
    assert data["aside"] == []
    assert sum(rank == 1 for rank in data["rank"]) == 2  # the best and its tie
    # one pruned, two diverged, and two further seeds of the baseline do not compete
    assert sum(rank == 0 for rank in data["rank"]) == 5
    assert sorted(data["standing"]) == list(range(1, size + 1))
    for axis in data["axes"]:
        assert len(at(axis, size)) == size
        assert ("levels" in axis) != ("texts" in axis)
    assert any(axis.get("level") == 0 for axis in data["axes"])
    low, high = data["band"]
    assert low < data["mean"] < high


def test_fresh_seeds_stand_aside(tmp_path: Path) -> None:
    """They are in the plot's data, after the search's runs, and neither ranked nor best."""
    results = load(fabricate(tmp_path, study(confirm=(2, 3))))
    assert len(results.repeats) == 9
    assert "confirm" not in set(results.stage("all")["stage"])
    data = payload(results)
    assert [data["stages"][at] for at in data["aside"]] == ["confirm"]
    assert data["runs"] == [*results.runs["run"], *results.repeats["run"]]
    assert data["rank"][-9:] == [0] * 9
    assert sum(rank == 1 for rank in data["rank"]) == 2
    assert all(stages == data["aside"] for stages in data["stage"][-9:])
    assert sorted(data["standing"]) == list(range(1, len(data["runs"]) + 1))


def test_best_and_worst_swap_for_a_loss(tmp_path: Path) -> None:
    results = load(fabricate(tmp_path, study(metric="loss")))
    data = payload(results)
    best = data["rank"].index(1)
    assert results.runs["loss"].min() == results.runs["loss"][best]
    axis = objective_axis(results, results.runs)
    assert axis.places["diverged"] == 1.0


def test_values_are_read_from_levels_or_texts(results: Results) -> None:
    data = payload(results)
    by_title = {axis["title"]: axis for axis in data["axes"]}
    size = len(results.runs)
    shown = [text for _, text in at(by_title["train_batch_size"], size)]
    assert shown == results.runs["train_batch_size"].astype(str).tolist()
    assert [text for _, text in at(by_title["dropout"], size)] == ["0.1"] * size


def test_numbers_have_their_other_scale(results: Results) -> None:
    by_title = {axis["title"]: axis for axis in payload(results)["axes"]}
    rate = by_title["learning_rate"]
    size = len(results.runs)
    assert rate["log"] is not rate["other"]["log"]
    places = [place for place, _ in at(rate["other"] | {"texts": rate.get("texts")}, size)]
    rates = results.runs["learning_rate"]
    assert places == pytest.approx((rates - rates.min()) / (rates.max() - rates.min()), abs=1e-4)
    for name in ("lr_scheduler_type", "dropout", "F1", "label_smoothing_factor"):
        assert "other" not in by_title[name]  # categories, one value, the objective, 0 and one more


def test_values_too_near_to_tell_apart_keep_their_texts(results: Results) -> None:
    """A place is rounded: the text is the run's own all the same."""
    decays = [0.3, 1e-6, 2e-6]
    few = Results(**{**results.__dict__, "runs": results.runs.head(3).assign(weight_decay=decays)})
    axis = next(axis for axis in payload(few)["axes"] if axis["title"] == "weight_decay")
    assert at(axis, 3) == [(1.0, "0.3"), (0.0, "1e-6"), (0.0, "2e-6")]


def test_many_values_are_places_with_texts(tmp_path: Path) -> None:
    results = load(fabricate_many(tmp_path, 200))
    axis = payload(results)["axes"][0]
    places = at(axis, 200)
    assert axis["title"] == "learning_rate"
    assert axis["place"][:2] == [round(10_000 * places[0][0]), round(10_000 * places[1][0])]
    assert [text for _, text in places] == [number(v, 6) for v in results.runs["learning_rate"]]


def test_density_is_the_mean_of_the_lines_at_a_pixel() -> None:
    places = np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
    mean, strength = density(places, np.array([2.0, 4.0, 9.0]), 0.0, 1.0)
    assert mean.shape == strength.shape == (ROWS, COLUMNS)
    low, high = np.flatnonzero(strength[:, 0])
    assert low < 5
    assert high == ROWS - 1
    assert (mean[low, 0], mean[high, 0]) == (3, 9)
    assert strength[low, 0] == 1 > strength[high, 0] == FAINTEST
    # in each column of pixels every line is once, however steep
    assert ((strength > 0).sum(axis=0) <= 2).all()
    wide, _ = density(np.tile([0.0, 0.5, 1.0], (2, 1)), np.ones(2), -0.1, 1.1)
    assert wide.shape == (ROWS, 2 * COLUMNS)


def test_a_picture_of_thousands_of_runs_is_drawn_in_means(tmp_path: Path) -> None:
    results = load(fabricate_many(tmp_path, MAX_PATHS + 1))
    drawn = figure(results, "all").axes[0]
    assert len(drawn.images) == 3  # those that did not finish, the others, the scale of colours
    assert sum(len(lines.get_paths()) for lines in drawn.collections) <= 10
    few = figure(load(fabricate_many(tmp_path / "few", MAX_PATHS)), "all").axes[0]
    assert len(few.images) == 1


def test_json_is_safe_in_a_script_element() -> None:
    text = safe_json({"a": "</script><!-- & \u2028 \u2029"})
    assert not set(text) & {"<", ">", "&", "\u2028", "\u2029"}
    assert json.loads(text) == {"a": "</script><!-- & \u2028 \u2029"}


def test_an_empty_table_has_an_axis(results: Results) -> None:
    nothing = pd.DataFrame({"objective": pd.Series([], dtype=float)})
    assert objective_axis(results, nothing).low < objective_axis(results, nothing).high
