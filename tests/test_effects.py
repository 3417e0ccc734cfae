"""Effects of screened hyperparameters against truths known in advance."""

import itertools
import random
import statistics
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.analysis.effects import (
    RANKING_COLUMNS,
    choose,
    estimate_effects,
    noise_sd,
    ranking_rows,
)
from scripts.study.errors import StudyError
from scripts.study.hyperparameters import Value
from tests.analysis_runs import make_study, table

ONE_FACTOR: dict[str, dict[str, Any]] = {
    "learning_rate": {"screen": [1e-5, 2e-4]},
    "weight_decay": {"screen": [0.1]},
    "lr_scheduler_type": {"screen": ["cosine", "constant_with_warmup"]},
}
# Scores as validation sets give them: a share of few hundred examples.
SCORES = st.integers(0, 408).map(lambda right: right / 408)


def scored(scores: dict[tuple[str, Value], float], baseline: list[float]) -> Any:
    """Return a scoring function for one-factor runs."""

    def score(values: Mapping[str, Any], seed: int) -> float:
        for (name, level), value in scores.items():
            if values[name] == level:
                return value
        return baseline[seed - 42]

    return score


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_one_factor_at_a_time_reduces_to_run_minus_the_baselines_mean(data: Any) -> None:
    study = make_study(ONE_FACTOR)
    baseline = [data.draw(SCORES) for _ in range(3)]
    levels = [(name, level) for name, block in ONE_FACTOR.items() for level in block["screen"]]
    scores = {key: data.draw(SCORES) for key in levels}
    mean = statistics.mean(baseline)
    for effect in estimate_effects(study, table(study, scored(scores, baseline))):
        name = effect.hyperparameter
        own = {study["hyperparameters"][name]["baseline"]: mean}
        own |= {level: score for (key, level), score in scores.items() if key == name}
        assert effect.size == pytest.approx(max(own.values()) - min(own.values()), abs=1e-11)
        assert own[effect.best_level] - own[effect.worst_level] == pytest.approx(
            effect.size, abs=1e-11
        )


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.lists(SCORES, min_size=8, max_size=8))
def test_the_order_of_runs_does_not_matter(shuffler: random.Random, scores: list[float]) -> None:
    study = make_study(ONE_FACTOR)
    draws = iter(scores)
    frame = table(study, lambda values, seed: next(draws))
    order = list(range(len(frame)))
    shuffler.shuffle(order)
    shuffled = frame.iloc[order].reset_index(drop=True)
    assert estimate_effects(study, frame) == estimate_effects(study, shuffled)


FACTORS: dict[str, Any] = {
    "learning_rate": 2e-4,
    "weight_decay": 0.1,
    "train_batch_size": 64,
    "dropout": 0.3,
    "optim": "adafactor",
}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=5, max_size=5))
def test_planted_effects_come_out_of_a_half_fraction(planted: list[int]) -> None:
    # 2^(5-1): the fifth factor is high where the product of the other four is.
    terms = dict(zip(FACTORS, (step / 1000 for step in planted), strict=True))
    listed = []
    for signs in itertools.product((0, 1), repeat=4):
        high = [*signs, sum(signs) % 2]
        listed.append(
            {name: level for (name, level), on in zip(FACTORS.items(), high, strict=True) if on}
        )
    study = make_study(screen={"configurations": listed}, baseline={"seeds": 1})

    def score(values: Mapping[str, Any], seed: int) -> float:
        return 0.7 + sum(terms[name] for name, level in FACTORS.items() if values[name] == level)

    effects = estimate_effects(study, table(study, score))
    assert {effect.hyperparameter for effect in effects} == set(FACTORS)
    for effect in effects:
        term = terms[effect.hyperparameter]
        assert effect.size == pytest.approx(abs(term), abs=1e-11)
        assert effect.runs == 8
        if term:
            high = FACTORS[effect.hyperparameter]
            assert (effect.best_level if term > 0 else effect.worst_level) == high
    ordered = sorted(terms, key=lambda name: (-abs(terms[name]), name))
    assert [effect.hyperparameter for effect in effects] == ordered


def test_levels_that_only_change_together_are_not_estimated() -> None:
    study = make_study(
        {"warmup_ratio": {"screen": [0.1]}},
        screen={
            "configurations": [
                {"learning_rate": 1e-5, "weight_decay": 0.1},
                {"learning_rate": 2e-4, "weight_decay": 0.1},
            ]
        },
    )
    frame = table(study, lambda values, seed: 0.8 + 1000 * values["learning_rate"])
    effects = {effect.hyperparameter: effect for effect in estimate_effects(study, frame)}
    # The two rates differ by nothing else; neither compares with the baseline's.
    assert effects["learning_rate"].size == pytest.approx(0.19)
    assert (effects["learning_rate"].worst_level, effects["learning_rate"].best_level) == (
        1e-5, 2e-4,
    )  # fmt: skip
    assert effects["weight_decay"].size is None
    assert list(effects) == ["learning_rate", "warmup_ratio", "weight_decay"]
    rows = ranking_rows(list(effects.values()), ["learning_rate"], 0.01, 3)
    assert [row["estimable"] for row in rows] == [1, 1, 0]
    assert [row["chosen"] for row in rows] == [1, 0, 0]
    assert [row["noise_sd"] for row in rows] == [0.01] * 3
    assert {*rows[0]} == {*RANKING_COLUMNS}
    assert rows[2]["effect"] is None
    assert rows[2]["effect_to_noise"] is None


def test_equal_scores_everywhere_give_effects_of_zero_in_alphabetical_order() -> None:
    study = make_study(ONE_FACTOR)
    effects = estimate_effects(study, table(study, lambda values, seed: 0.1 + 0.2))
    assert [effect.size for effect in effects] == [0.0, 0.0, 0.0]
    assert [effect.hyperparameter for effect in effects] == sorted(ONE_FACTOR)
    sd = noise_sd(study, table(study, lambda values, seed: 0.1 + 0.2))
    assert sd == 0.0
    assert ranking_rows(effects, [], sd, 3)[0]["effect_to_noise"] is None


def test_equal_effects_are_ranked_by_name() -> None:
    study = make_study(ONE_FACTOR)
    scores: dict[tuple[str, Value], float] = {
        ("weight_decay", 0.1): 0.5, ("learning_rate", 1e-5): 0.7, ("learning_rate", 2e-4): 0.6,
    }  # fmt: skip
    frame = table(study, scored(scores, [0.6, 0.6, 0.6]))
    effects = estimate_effects(study, frame)
    assert [(effect.hyperparameter, effect.size) for effect in effects[:2]] == [
        ("learning_rate", 0.1), ("weight_decay", 0.1),
    ]  # fmt: skip


def test_a_minimised_objective_turns_best_and_worst_around() -> None:
    study = make_study(
        {"dropout": {"screen": [0.3]}}, objective={"metric": "loss", "direction": "minimize"}
    )
    frame = table(study, lambda values, seed: 0.5 + values["dropout"])
    (effect,) = estimate_effects(study, frame)
    assert (effect.worst_level, effect.best_level) == (0.3, 0.1)
    assert effect.size == pytest.approx(0.2)


def test_a_diverged_level_is_missing_but_counted() -> None:
    study = make_study({"learning_rate": {"screen": [1e-5, 2e-4]}, "dropout": {"screen": [0.9]}})
    frame = table(
        study,
        lambda values, seed: (
            None if values["learning_rate"] == 2e-4 or values["dropout"] == 0.9 else 0.8
        ),
    )
    rate, dropout = estimate_effects(study, frame)
    assert (rate.hyperparameter, rate.size, rate.runs, rate.diverged) == ("learning_rate", 0, 1, 1)
    assert (dropout.hyperparameter, dropout.size, dropout.runs, dropout.diverged) == (
        "dropout", None, 0, 1,
    )  # fmt: skip


def test_where_the_baseline_diverged_the_levels_still_compare_with_each_other() -> None:
    study = make_study({"learning_rate": {"screen": [1e-5, 2e-5]}, "dropout": {"screen": [0.3]}})
    frame = table(
        study,
        lambda values, seed: (
            0.9 if values["learning_rate"] == 1e-5 else 0.8 if values["learning_rate"] == 2e-5
            else 0.7 if values["dropout"] == 0.3 else None
        ),
    )  # fmt: skip
    rate, dropout = estimate_effects(study, frame)
    assert (rate.size, rate.worst_level, rate.best_level) == (0.1, 2e-5, 1e-5)
    assert dropout.size is None
    assert noise_sd(study, frame) is None


def test_all_diverged_ranks_by_name_and_the_rule_says_that_nothing_was_estimated() -> None:
    blocks = {name: block | {"grid": [1e-5, 2e-5]} for name, block in ONE_FACTOR.items()}
    study = make_study(blocks, grid={"enabled": True}, rank={"top": 2})
    effects = estimate_effects(study, table(study, lambda values, seed: None))
    names, rule = choose(study, effects)
    assert names == ["learning_rate", "lr_scheduler_type"]
    assert rule == (
        "the 2 largest effects on f1 among the 3 screened hyperparameters that every later stage"
        " has values for; equal effects by name; without an estimate, by name: learning_rate,"
        " lr_scheduler_type"
    )


def test_one_seed_has_effects_but_no_noise() -> None:
    study = make_study(ONE_FACTOR, baseline={"seeds": 1})
    frame = table(study, lambda values, seed: 0.8 + values["weight_decay"])
    assert noise_sd(study, frame) is None
    assert estimate_effects(study, frame)[0].size == pytest.approx(0.1)


def test_only_hyperparameters_that_every_later_stage_knows_are_chosen() -> None:
    blocks: dict[str, dict[str, Any]] = {name: dict(block) for name, block in ONE_FACTOR.items()}
    blocks["weight_decay"] |= {"grid": [0.0, 0.1], "search": {"low": 0.0, "high": 0.1}}
    blocks["learning_rate"] |= {"grid": [1e-5, 2e-5]}
    study = make_study(blocks, grid={"enabled": True}, optuna={"trials": 4}, rank={"top": 3})
    frame = table(study, lambda values, seed: 0.8 + 1000 * values["learning_rate"])
    names, rule = choose(study, estimate_effects(study, frame))
    assert names == ["weight_decay"]
    assert rule.endswith("; equal effects by name; 3 were asked for")


def test_named_hyperparameters_are_the_choice() -> None:
    study = make_study(
        grid={"enabled": True}, rank={"hyperparameters": ["weight_decay", "dropout"]}
    )
    names, rule = choose(study, [])
    assert names == ["weight_decay", "dropout"]
    assert rule == "named in the config (rank.hyperparameters)"
    study["rank"]["hyperparameters"] = ["weight_decay", "momentum"]
    with pytest.raises(StudyError, match=r"^rank\.hyperparameters: 'momentum' is not a hyperparam"):
        choose(study, [])


def test_where_none_is_left_out_all_are_chosen_screened_or_not() -> None:
    blocks: dict[str, dict[str, Any]] = {
        "learning_rate": {"grid": [1e-5, 2e-5], "screen": [1e-4]},
        "weight_decay": {"grid": [0.0, 0.1]},
        "dropout": {"grid": [0.0, 0.1]},
    }
    study = make_study(blocks, grid={"enabled": True}, rank={"top": 3})
    frame = table(study, lambda values, seed: 0.8 + values["learning_rate"])
    names, rule = choose(study, estimate_effects(study, frame))
    assert names == ["learning_rate", "dropout", "weight_decay"]
    assert rule == (
        "all 3 that every later stage has values for; not screened: dropout, weight_decay"
    )
    study["rank"]["top"] = 2
    names, rule = choose(study, estimate_effects(study, frame))
    assert names == ["learning_rate"]
    assert rule.endswith("2 were asked for")


def test_nothing_screened_needs_names() -> None:
    grids = {"dropout": {"grid": [0.0, 0.1]}, "weight_decay": {"grid": [0.0, 0.1]}}
    study = make_study(grids, grid={"enabled": True}, rank={"top": 1})
    assert estimate_effects(study, table(study, lambda values, seed: 0.8)) == []
    with pytest.raises(
        StudyError, match=r"nothing was screened, .*Optuna: dropout, weight_decay\)"
    ):
        choose(study, [])
    screened = make_study({"dropout": {"screen": [0.3]}}, grid={"enabled": True})
    effects = estimate_effects(screened, table(screened, lambda values, seed: 0.8))
    with pytest.raises(StudyError) as caught:
        choose(screened, effects)
    assert str(caught.value) == (
        "rank: no candidate was screened, so the top 2 cannot be chosen; name the hyperparameters"
        " under rank.hyperparameters (with values for grid and Optuna: none) or give them screen"
        " values"
    )
    assert choose(make_study(), [])[0] == []
