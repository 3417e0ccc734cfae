"""Screening designs: what they plan, what a ranking makes of them, and what is refused."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts import rank
from scripts.analysis import regression
from scripts.analysis.effects import Effect
from scripts.analysis.evidence import evidence
from scripts.analysis.screening import aliases, design_columns, effects_of
from scripts.study import designs, plan
from scripts.study.config import resolve
from scripts.study.designs import SIZES
from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.study.names import parse_run
from scripts.views import page
from scripts.views.results import load
from tests import fabricate, fabricate_runs
from tests.analysis_runs import make_study, table, write_study
from tests.configs import changed, message, small
from tests.designed import BLOCKS, designed


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(SIZES), st.integers(1, 17))
def test_plackett_burman_is_balanced_and_orthogonal(runs: int, count: int) -> None:
    signs = np.array(designs._signs(runs, count))
    assert signs.shape == (runs, min(count, runs - 1))
    assert set(signs.ravel()) == {-1.0, 1.0}
    assert (signs.sum(axis=0) == 0).all()
    assert (signs.T @ signs == runs * np.eye(signs.shape[1])).all()


@settings(max_examples=8, deadline=None)
@given(st.integers(4, 40), st.integers(1, 8), st.integers(0, 2**31 - 1))
def test_a_latin_hypercube_has_one_run_in_each_slice(runs: int, count: int, seed: int) -> None:
    units = np.array(designs._units("latin_hypercube", runs, count, seed))
    slices = np.sort(np.floor(units * runs), axis=0)
    assert (slices == np.arange(runs)[:, None]).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 6), st.integers(1, 8), st.integers(0, 2**31 - 1))
def test_sobol_is_balanced_and_grows_by_new_runs_alone(power: int, count: int, seed: int) -> None:
    units = np.array(designs._units("sobol", 2**power, count, seed))
    assert (np.sort(np.floor(units * 2**power), axis=0) == np.arange(2**power)[:, None]).all()
    more = np.array(designs._units("sobol", 2 ** (power + 1), count, seed))
    assert (more[: 2**power] == units).all()


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(("latin_hypercube", "sobol")), st.sampled_from((8, 16, 32)),
       st.integers(0, 2**31 - 1))  # fmt: skip
def test_runs_are_named_by_values_inside_the_ranges(name: str, runs: int, seed: int) -> None:
    study = designed(name, runs, seed)
    found = plan.screen_runs(study)
    names = [run.name for run in found]
    assert len(names) == len(set(names)) <= runs
    assert found == plan.screen_runs(designed(name, runs, seed))
    baseline = plan.baseline_values(study)
    for run in found:
        if "hash=" not in run.name:
            assert parse_run(run.name, baseline) == (run.hyperparameters, 42)
        values = run.hyperparameters
        for key, value in values.items():
            assert HYPERPARAMETERS[key].canonical(value) == value
        assert 1e-5 <= values["learning_rate"] <= 4e-4  # type: ignore[operator]
        assert 0 <= values["weight_decay"] <= 0.1  # type: ignore[operator]
        assert values["warmup_steps"] in range(0, 501, 50)
        assert values["dropout"] in (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
        assert values["lr_scheduler_type"] in ("cosine", "constant_with_warmup")


def test_another_seed_is_another_design_and_the_study_has_the_seed_where_none_is_named() -> None:
    first, second = (plan.screen_runs(designed("latin_hypercube", 16, seed)) for seed in (1, 2))
    assert not {run.name for run in first} & {run.name for run in second}
    assert designed("sobol", 16)["screen"]["design"]["seed"] == 42


def test_a_point_that_another_stage_plans_is_the_same_run() -> None:
    blocks = {
        "learning_rate": {"screen": [1e-5, 2e-4], "grid": [1e-5, 2e-4]},
        "dropout": {"screen": [0.0, 0.3], "grid": [0.0, 0.3]},
    }
    study = designed("plackett_burman", blocks=blocks, grid={"enabled": True})
    screened = {run.name for run in plan.screen_runs(study)}
    assert len(screened) == 4
    assert screened == {run.name for run in plan.grid_runs(study, list(blocks))}


@pytest.mark.parametrize("name", ["sobol", "latin_hypercube", "plackett_burman"])
def test_a_range_wider_than_numbers_is_refused(name: str) -> None:
    blocks = {
        "learning_rate": {"search": {"low": 1e-310, "high": 1.0, "log": True}},
        "dropout": {"screen": [0.0, 0.3]},
    }
    config = small()
    config["hyperparameters"] = {
        key: {**block, "grid": [0.1, 0.2]} for key, block in blocks.items()
    }
    config["screen"] = {"design": {"name": name, "runs": 8}}
    said = message(config)
    assert "hyperparameters.learning_rate.search: the range from 1e-310 to 1.0 is too wide" in said


def test_a_range_of_few_values_gives_each_point_once() -> None:
    blocks = {"num_train_epochs": {"screen": [2, 3]}, "optim": {"screen": ["sgd", "nadam"]}}
    study = designed("sobol", 16, blocks=blocks)
    assert len(plan.screen_runs(study)) == 4


def test_runs_of_a_two_level_design_default_to_the_smallest_there_is() -> None:
    assert designed("plackett_burman")["screen"]["design"] == {
        "name": "plackett_burman", "runs": 8,
    }  # fmt: skip
    assert len(plan.screen_runs(designed("plackett_burman"))) == 8


def additive(values: Mapping[str, Any], seed: int = 42) -> float:
    """Return a score to which each hyperparameter adds its part, and no chance."""
    score = 0.8 - 100 * float(values["learning_rate"]) + 0.2 * float(values["weight_decay"])
    score += float(values["train_batch_size"]) / 4096 - float(values["dropout"]) / 16
    return score - 0.01 * (values["lr_scheduler_type"] == "cosine")


@pytest.mark.parametrize("runs", [8, 12, 16, 20])
def test_a_two_level_design_gives_the_main_effects_back(runs: int) -> None:
    study = designed("plackett_burman", runs)
    frame = table(study, additive)
    shuffled = list(range(len(frame)))
    random.Random(runs).shuffle(shuffled)
    found = effects_of(study, frame.iloc[shuffled].reset_index(drop=True))
    assert found == effects_of(study, frame)
    sizes = {one.hyperparameter: one.size for one in found}
    assert sizes["learning_rate"] == pytest.approx(100 * 3.9e-4)
    assert sizes["weight_decay"] == pytest.approx(0.02)
    assert sizes["train_batch_size"] == pytest.approx(48 / 4096)
    assert sizes["lr_scheduler_type"] == pytest.approx(0.01)
    assert sizes["warmup_steps"] == pytest.approx(0, abs=1e-12)
    error = next(one.error for one in found if one.hyperparameter == "learning_rate")
    assert error == pytest.approx(2 / np.sqrt(runs))
    shares = aliases(designs.factors(study), frame[frame["run"].isin(
        [run.name for run in plan.design_runs(study)])])  # fmt: skip
    ends = {one.name: one.ends()[1] for one in designs.factors(study)}
    for one in found:
        lower = one.best_level != ends[one.hyperparameter]
        text = "; ".join(
            f"{a}:{b} {-share if lower else share:+.2f}"
            for a, b, share in shares[one.hyperparameter]
        )
        assert one.details == {"aliased_with": text}


def test_each_design_adds_its_own_columns_to_the_ranking() -> None:
    assert list(design_columns(make_study())) == []
    assert list(design_columns(designed("plackett_burman"))) == ["aliased_with"]
    assert list(design_columns(designed("sobol", 16))) == list(regression.COLUMNS)


@pytest.mark.parametrize("name", ["latin_hypercube", "sobol"])
def test_a_regression_gives_lines_back(name: str) -> None:
    blocks = {key: BLOCKS[key] for key in ("weight_decay", "train_batch_size", "dropout")}
    blocks["lr_scheduler_type"] = BLOCKS["lr_scheduler_type"]
    study = designed(name, 16, blocks=blocks)
    frame = table(study, additive)
    for one in effects_of(study, frame):
        if one.hyperparameter == "lr_scheduler_type":
            assert (one.size, one.worst_level) == (pytest.approx(0.01), "cosine")
            continue
        values = frame.loc[frame["run"].isin([r.name for r in plan.design_runs(study)]),
                           one.hyperparameter]  # fmt: skip
        slope = {"weight_decay": 0.2, "train_batch_size": 1 / 4096, "dropout": -1 / 16}
        assert one.size == pytest.approx(
            abs(slope[one.hyperparameter]) * (values.max() - values.min()), rel=1e-6
        )
        # Nothing is left over, so that nothing is known of chance.
        assert one.residual is None
        assert evidence([one], 0.01, 3)[0]["p"] is None


def test_a_peak_within_the_range_is_found() -> None:
    blocks = {"learning_rate": BLOCKS["learning_rate"], "weight_decay": BLOCKS["weight_decay"]}
    study = designed("sobol", 32, blocks=blocks)

    def peaked(values: Mapping[str, Any], seed: int) -> float:
        rng = random.Random(f"chance {sorted(values.items())} {seed}")
        return 0.9 - 0.1 * np.log10(values["learning_rate"] / 6e-5) ** 2 + rng.gauss(0, 0.002)

    first, second = effects_of(study, table(study, peaked))
    assert (first.hyperparameter, first.details["model"]) == ("learning_rate", "parabola")
    assert 3e-5 < first.best_level < 1.2e-4  # type: ignore[operator]
    stands = [row["stands_out"] for row in evidence([first, second], 0.002, 3)]
    assert stands == [1, 0]


def degenerate(values: Mapping[str, Any], seed: int) -> float | None:
    return None if values["learning_rate"] > 1e-4 else 0.5


@pytest.mark.parametrize("name", ["plackett_burman", "latin_hypercube", "sobol"])
@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_degenerate_screenings_are_ranked(name: str, direction: str, tmp_path: Path) -> None:
    runs = None if name == "plackett_burman" else 16
    objective = {"metric": "loss" if direction == "minimize" else "f1", "direction": direction}
    for number, score in enumerate((degenerate, lambda v, s: None, lambda v, s: 0.5)):
        study = designed(name, runs, objective=objective, baseline={"seeds": 1})
        study["rank"] = {"top": 1, "hyperparameters": ["learning_rate"]}
        path = write_study(tmp_path / str(number), study, score)
        assert rank.rank(path).startswith(f"screen: {len(plan.screen_runs(study))} runs")
        ranking = pd.read_csv(path.parent / "screen" / "ranking.csv")
        assert len(ranking) == len(BLOCKS)
        assert not (ranking["stands_out"] == 1).any()
        if number == 1:
            assert ranking["effect"].isna().all()
        if number == 2:
            assert (ranking["effect"].dropna() == 0).all()


def test_minimised_and_maximised_effects_mirror_each_other() -> None:
    study = designed("latin_hypercube", 24)
    turned = designed("latin_hypercube", 24, objective={"metric": "loss", "direction": "minimize"})
    up = effects_of(study, table(study, additive))
    down = effects_of(turned, table(turned, lambda v, s: 2 - additive(v)))
    for one, other in zip(up, down, strict=True):
        assert (one.hyperparameter, one.best_level) == (other.hyperparameter, other.best_level)
        assert one.size == pytest.approx(other.size)


def test_a_listed_run_beside_the_design_is_not_part_of_its_regression() -> None:
    study = designed("sobol", 16)
    alone = effects_of(study, table(study, additive))
    study["screen"]["configurations"] = [{"adam_beta1": 0.8, "learning_rate": 1e-3}]
    found = effects_of(study, table(study, additive))
    assert found[-1] == Effect("adam_beta1", None, None, None, 1, 0)
    assert [one.size for one in found[:-1]] == [one.size for one in alone]


@pytest.mark.parametrize(
    ("design", "words"),
    [
        ({"name": "full"}, "screen.design.name: 'full' is not one of plackett_burman, latin"),
        ({"runs": 8}, "screen.design.name: missing; give plackett_burman, latin_hypercube or"),
        ({"name": "sobol", "rums": 8}, "screen.design.rums: unknown key 'rums'; did you mean"),
        ({"name": "plackett_burman", "runs": 10}, "use 8 or 12"),
        ({"name": "plackett_burman", "runs": 28}, "use 24 or 32"),
        ({"name": "plackett_burman", "seed": 1}, "screen.design.seed: 1 does not go with"),
        ({"name": "latin_hypercube"}, "screen.design.runs: missing; latin_hypercube needs a number,"
         " such as 12"),
        ({"name": "sobol"}, "such as 16"),
        ({"name": "sobol", "runs": 12}, "12 is not a power of 2, which sobol needs to be balanced;"
         " use 8 or 16"),
        ({"name": "latin_hypercube", "runs": 4}, "4 runs cannot tell 3 hyperparameters apart and"
         " leave some for the noise; use at least 5"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_design_is_one_line(design: dict[str, Any], words: str) -> None:
    assert words in message(changed("screen", {"design": design}))


def test_mistakes_in_what_a_design_varies_are_one_line() -> None:
    def config(**block: Any) -> dict[str, Any]:
        found = small()
        found["screen"] = {"design": {"name": "plackett_burman"}}
        found["hyperparameters"] |= block
        return found

    text = message(config(optim={"screen": ["sgd", "nadam", "radam"]}))
    assert "hyperparameters.optim.screen: 3 values, but plackett_burman takes two" in text
    text = message(config(optim={"screen": ["adamw_torch"]}))
    assert "optim.screen: ['adamw_torch'] is one level; plackett_burman needs two" in text
    log = {"screen": [0.0, 0.1], "search": {"low": 0.01, "high": 0.1, "log": True}}
    text = message(config(weight_decay=log))
    assert "weight_decay.screen: 0.0 is not above 0, as search.log: true needs" in text
    bare = {"study": "a", "model": small()["model"], "dataset": {"generated": {}},
            "grid": {"enabled": False}, "optuna": {"trials": 0},
            "screen": {"design": {"name": "sobol", "runs": 8}}}  # fmt: skip
    assert "sobol has nothing to vary" in message(bare)


def test_a_resolved_design_resolves_to_itself() -> None:
    config = changed("screen", {"design": {"name": "sobol", "runs": 16.0}})
    study = resolve(config)
    assert study["screen"]["design"] == {"name": "sobol", "runs": 16, "seed": study["seed"]}
    assert resolve(study) == study


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("plackett_burman", "Holds of interactions"),
        ("latin_hypercube", "Rank correlation"),
    ],
)
def test_the_report_says_what_a_design_can_tell(name: str, words: str, tmp_path: Path) -> None:
    study = fabricate_runs.study()
    study["hyperparameters"]["lr_scheduler_type"]["screen"] = ["linear", "cosine"]
    given = {"name": name} | ({} if name == "plackett_burman" else {"runs": 32})
    study["screen"]["design"] = designs.resolve(given, study)
    results = load(fabricate.fabricate(tmp_path, study))
    context = page.screening.context(results)
    assert words in context["heads"]
    assert len(context["rows"]) == 8
    assert page.screening.figure(results).axes
