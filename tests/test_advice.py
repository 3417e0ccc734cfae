"""Advice: each rule where it applies, none where it does not, and input that says nothing."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts import insights
from scripts.analysis.advice import advise
from scripts.analysis.regions import largest_gap, region_of
from scripts.study.hyperparameters import defaults
from scripts.views import further
from scripts.views.results import load
from tests import fabricate, fabricate_runs
from tests.analysis_runs import full_study, make_study, write_study

SEARCH = {"low": 1e-5, "high": 1e-3, "log": True}
STUDY = make_study({"learning_rate": {"search": SEARCH},
                    "dropout": {"search": {"low": 0.0, "high": 0.4}}},
                   optuna={"trials": 30, "batch_size": 4})  # fmt: skip
CHOSEN = ["learning_rate", "dropout"]


def runs(scored: Sequence[tuple[Mapping[str, Any], float | None]]) -> pd.DataFrame:
    """Return runs of Optuna that scored so, after three seeds of the baseline around 0.7."""
    rows: list[dict[str, Any]] = [
        {"run": f"baseline-seed{seed}", "stage": "baseline", "seed": seed, "status": "complete",
         "objective": 0.65 + 0.01 * (seed - 42), **defaults()} for seed in (42, 43, 44)
    ]  # fmt: skip
    rows += [
        {"run": f"optuna-{at:04d}", "stage": "optuna", "seed": 42, "objective": score,
         "status": "diverged" if score is None else "complete", **defaults(), **values}
        for at, (values, score) in enumerate(scored, start=1)
    ]  # fmt: skip
    frame = pd.DataFrame(rows).astype({"objective": "float64"})
    return frame.assign(stages=frame["stage"], loss=0.5)


def spread_out(peak: float, amount: int = 30) -> list[tuple[dict[str, Any], float | None]]:
    """Return trials all over the space, the best at a learning rate of `peak`."""
    rates = np.geomspace(1e-5, 1e-3, amount)
    drops = 0.4 * ((np.arange(amount) * 0.618) % 1)
    return [
        ({"learning_rate": float(rate), "dropout": round(float(drop), 6)},
         0.9 - 0.1 * abs(float(np.log10(rate / peak))) - 0.3 * abs(float(drop) - 0.2))
        for rate, drop in zip(rates, drops, strict=True)
    ]  # fmt: skip


def rules(frame: pd.DataFrame, epochs: Sequence[float] = (), study: Mapping[str, Any] = STUDY,
          interactions: Any = ()) -> dict[str, dict[str, Any]]:  # fmt: skip
    found = advise(study, frame, CHOSEN, lambda run: epochs, interactions, 0.0025)
    return {entry["rule"]: entry for entry in found["advice"]}


def test_there_is_no_advice_where_no_rule_applies() -> None:
    assert rules(runs(spread_out(1e-4)), [0.7, 0.9, 0.9]) == {}


@pytest.mark.parametrize(("peak", "words"), [(1e-5, "lower"), (1e-3, "higher")])
def test_the_best_on_the_edge_of_the_range(peak: float, words: str) -> None:
    entry = rules(runs(spread_out(peak)))["edge"]
    assert f"try {words} values" in entry["advice"]
    assert entry["hyperparameters"] == ["learning_rate"]
    assert entry["figures"]["best"] > entry["figures"]["best_inside"]


def test_an_end_that_nothing_lies_beyond_is_no_edge() -> None:
    trials = [(values, 0.9 - values["dropout"]) for values, _ in spread_out(1e-4)]
    trials = [(values | {"learning_rate": 1e-4}, score) for values, score in trials]
    found = rules(runs(trials))
    assert "edge" not in found
    assert found["gap"]["hyperparameters"] == ["learning_rate"]


def test_a_few_runs_and_a_gap_are_under_sampling() -> None:
    trials = spread_out(1e-4)
    few = rules(runs(trials[:6] + trials[20:]))
    # Sixteen trials, and the baseline, which lies in the space too.
    assert few["under-sampled"]["figures"] == {"configurations": 17, "wanted": 20}
    assert 0.3 < few["gap"]["figures"]["share"] < 0.6


def test_runs_that_change_something_else_too_fill_a_gap() -> None:
    trials = spread_out(1e-4)
    others = [(values | {"weight_decay": 0.1}, score) for values, score in trials[6:20]]
    found = rules(runs(trials[:6] + others + trials[20:]))
    assert found["under-sampled"]["figures"]["configurations"] == 17
    assert "gap" not in found


def test_names_that_were_all_tried_are_no_small_sample() -> None:
    names = ("linear", "cosine", "polynomial", "constant_with_warmup", "inverse_sqrt")
    blocks = {"lr_scheduler_type": {"grid": list(names)}}
    study = make_study(blocks, optuna={"trials": 0}, grid={"enabled": True})
    tried = [({"lr_scheduler_type": name}, 0.7 + at / 100) for at, name in enumerate(names)]

    def said(count: int) -> dict[str, dict[str, Any]]:
        chosen = ["lr_scheduler_type"]
        found = advise(study, runs(tried[:count]), chosen, lambda run: (), (), 0.0025)
        return {entry["rule"]: entry for entry in found["advice"]}

    assert "under-sampled" not in said(5)
    few = said(3)["under-sampled"]
    assert few["figures"] == {"configurations": 3, "wanted": 5}
    assert few["advice"].endswith("it has only 5; add values to the grid")
    study["grid"]["enabled"] = False
    assert said(3)["under-sampled"]["advice"].endswith("it has only 5; add trials")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=12), st.booleans())
def test_the_largest_gap_is_at_least_its_fair_share(values: list[float], log: bool) -> None:
    gap = largest_gap(values, 0.01, 1.0, log)
    assert gap is not None
    low, high, share = gap
    assert 1 / (len(values) + 1) - 1e-9 <= share <= 1
    assert not [value for value in values if low < value < high]


def test_runs_that_were_still_improving() -> None:
    frame = runs(spread_out(1e-4))
    entry = rules(frame, [0.7, 0.8, 0.9])["still improving"]
    assert "5 of the 5 best runs were still improving" in entry["advice"]
    assert entry["figures"]["gain_in_last_epoch"] == pytest.approx(0.1)
    # Less than the sd of the baseline's seeds is no improvement.
    assert "still improving" not in rules(frame, [0.7, 0.895, 0.9])
    assert "still improving" not in rules(frame, [0.9])


def test_a_loss_improves_downwards() -> None:
    study = {**STUDY, "objective": {"metric": "loss", "direction": "minimize"}}
    frame = runs([(values, 1 - score) for values, score in spread_out(1e-3) if score is not None])
    found = rules(frame, [0.9, 0.7, 0.5], study)
    assert {"edge", "still improving"} <= found.keys()
    assert "still improving" not in rules(frame, [0.5, 0.7, 0.9], study)


def test_a_region_that_diverges_is_named() -> None:
    trials = [(v, None if v["learning_rate"] > 5e-4 else s) for v, s in spread_out(1e-4)]
    entry = rules(runs(trials))["diverged"]
    assert entry["hyperparameters"] == ["learning_rate"]
    assert "learning_rate >= 0.0005" in entry["advice"]
    assert entry["figures"]["diverged"] == entry["figures"]["runs_in_region"]
    scattered = [(v, None if at in (3, 17, 28) else s) for at, (v, s) in
                 enumerate(spread_out(1e-4))]  # fmt: skip
    assert "no value in common" in rules(runs(scattered))["diverged"]["advice"]


def test_a_name_may_be_the_region() -> None:
    values = pd.Series(["sgd", "nadam", "sgd", "radam"], name="optim")
    region = region_of(values, pd.Series([True, False, True, False]))
    assert region is not None
    assert (region.words, region.diverged, region.runs) == ("optim sgd", 2, 2)
    assert region_of(values, pd.Series([True, True, False, False])) is None


def test_two_that_trade_off_are_named_with_their_levels(tmp_path: Path) -> None:
    study = full_study() | {"optuna": {"trials": 0, "batch_size": 4}}
    blocks = study["hyperparameters"]
    for name, values in (("learning_rate", [1e-5, 5e-5, 2e-4]), ("train_batch_size", [16, 32, 64])):
        blocks[name]["grid"] = values
    blocks["dropout"] |= {"grid": [0.0, 0.1]}
    chosen = ["learning_rate", "train_batch_size", "dropout"]

    def score(values: Mapping[str, Any], seed: int) -> float:
        # A large step wants a large batch.
        rate = [1e-5, 5e-5, 2e-4].index(values["learning_rate"])
        batch = [16, 32, 64].index(values["train_batch_size"])
        return 0.8 - 0.05 * abs(rate - batch) + 0.0001 * (seed % 3) + 0.01 * values["dropout"]

    path = write_study(tmp_path, study, score, chosen)
    assert "trade off" in insights.insights(path)
    document = json.loads((tmp_path / "summary/advice.json").read_text())
    (entry,) = [one for one in document["advice"] if one["rule"] == "trade-off"]
    assert entry["hyperparameters"] == ["learning_rate", "train_batch_size"]
    assert "1e-05 at train_batch_size 16" in entry["advice"]
    assert "0.0002 at train_batch_size 64" in entry["advice"]
    assert entry["figures"]["p_holm"] < 0.05


def test_an_interaction_that_leaves_the_best_where_it_is_is_no_trade_off() -> None:
    row = {"term": "learning_rate:dropout", "kind": "interaction", "stands_out": 1, "f": 9.0,
           "p_holm": 0.01, "share": 0.2}  # fmt: skip
    points = [(1e-4, 0.0, 0.8), (1e-4, 0.2, 0.9), (1e-3, 0.0, 0.5), (1e-3, 0.2, 0.8)]
    frame = runs([({"learning_rate": lr, "dropout": drop}, s) for lr, drop, s in points])
    frame["stages"] = ["grid" if one == "optuna" else one for one in frame["stage"]]
    assert "trade-off" not in rules(frame, interactions=[row])
    frame.loc[frame["objective"] == 0.5, "objective"] = 0.95
    assert "trade-off" in rules(frame, interactions=[row])


@pytest.mark.parametrize("scored", [lambda v, s: None, lambda v, s: 0.5])
@pytest.mark.parametrize("chosen", [["learning_rate", "train_batch_size"], ["optim"]])
def test_degenerate_studies_are_answered(scored: Any, chosen: list[str], tmp_path: Path) -> None:
    study = full_study() | {"baseline": {"seeds": 1}}
    study["objective"] = {"metric": "loss", "direction": "minimize"}
    study["hyperparameters"]["optim"] |= {"grid": ["sgd"], "search": {"choices": ["sgd", "nadam"]}}
    path = write_study(tmp_path, study, scored, chosen)
    insights.insights(path)
    document = json.loads((tmp_path / "summary/advice.json").read_text())
    found = {entry["rule"] for entry in document["advice"]}
    assert found <= {"under-sampled", "gap", "diverged"}


def test_the_report_shows_advice_with_its_figures_and_rules(tmp_path: Path) -> None:
    results = load(fabricate.fabricate(tmp_path, fabricate_runs.study()))
    advice = further.advice(results)
    assert any("lower end of what was tried" in words for words, _ in advice)
    assert all(figures for _, figures in advice)
    assert len(further.advice_rules(results)) == 6
