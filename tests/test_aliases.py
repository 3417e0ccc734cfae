"""What a two-level design cannot tell from its effects: the interactions that they hold."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.analysis.screening import aliases, effects_of
from scripts.study import designs
from scripts.study.designs import Factor
from scripts.study.hyperparameters import HYPERPARAMETERS
from tests.analysis_runs import table
from tests.designed import BLOCKS, designed


@pytest.mark.parametrize(("runs", "count"), [(8, 4), (16, 6), (16, 8), (32, 16)])
def test_with_twice_the_runs_no_main_effect_holds_interactions(runs: int, count: int) -> None:
    signs = np.array(designs._signs(runs, count))
    for one, other in itertools.combinations(range(count), 2):
        assert (signs.T @ (signs[:, one] * signs[:, other]) == 0).all()
    assert len(np.unique(signs, axis=0)) == runs


@settings(max_examples=12, deadline=None)
@given(st.sampled_from((8, 12, 16)), st.lists(st.floats(-1, 1), min_size=21, max_size=21))
def test_the_aliases_are_what_the_interactions_add(runs: int, strengths: list[float]) -> None:
    varied = [Factor(name, name, levels=(0.0, 0.5)) for name in list(HYPERPARAMETERS)[:7]]
    signs = np.array(designs._signs(runs, 7))
    frame = pd.DataFrame({one.name: np.where(signs[:, at] > 0, 0.5, 0.0)
                          for at, one in enumerate(varied)})  # fmt: skip
    shares = aliases(varied, frame)
    names = [one.name for one in varied]
    pairs = dict(zip(itertools.combinations(names, 2), strengths, strict=True))
    scores = sum(
        strength * signs[:, names.index(one)] * signs[:, names.index(other)]
        for (one, other), strength in pairs.items()
    )
    for at, name in enumerate(names):
        given = sum(share * pairs[one, other] for one, other, share in shares[name])
        # Shares are rounded to six digits.
        assert float(signs[:, at] @ scores / runs) == pytest.approx(given, abs=1e-4)


def test_the_largest_shares_of_interactions_come_first() -> None:
    varied = [Factor(name, name, levels=(0.0, 0.5)) for name in list(HYPERPARAMETERS)[:4]]
    signs = np.array(designs._signs(12, 4))
    frame = pd.DataFrame({one.name: np.where(signs[:, at] > 0, 0.5, 0.0)
                          for at, one in enumerate(varied)})  # fmt: skip
    first, second, third, fourth = (one.name for one in varied)
    pairs = [(second, third), (second, fourth), (third, fourth)]
    whole = aliases(varied, frame)[first]
    # Shares of equal size stand in the order of the names, and have six digits.
    assert [entry[:2] for entry in whole] == sorted(pairs)
    assert {abs(share) for *_, share in whole} == {0.333333}
    # Where a run is missing they differ.
    less = [abs(share) for *_, share in aliases(varied, frame.iloc[1:])[first]]
    assert less == sorted(less, reverse=True)
    assert len(set(less)) > 1
    assert aliases(varied, frame.iloc[:0]) == {one.name: [] for one in varied}
    assert aliases(varied[:1], frame) == {first: []}


@pytest.mark.parametrize("seeds", [1, 3, 5])
def test_a_corner_on_more_seeds_leaves_the_design_in_balance(seeds: int) -> None:
    """With one value to screen the baseline is a corner, which has several seeds."""
    names = ("weight_decay", "dropout", "attention_dropout", "warmup_ratio")
    blocks = {name: {"screen": [0.2]} for name in names}
    study = designed("plackett_burman", 8, blocks=blocks, baseline={"seeds": seeds})
    study["screen"]["configurations"] = [{"dropout": 0.2, "weight_decay": 0.2}]
    one, other = 0.2, 0.2

    def crossed(values: Mapping[str, Any], seed: int) -> float:
        return 0.8 + 0.5 * ((values["weight_decay"] == one) == (values["dropout"] == other))

    found = effects_of(study, table(study, crossed))
    assert sorted(effect.hyperparameter for effect in found) == sorted(names)
    assert [effect.size for effect in found] == pytest.approx([0.0] * 4, abs=1e-12)
    assert not any("weight_decay:dropout" in str(e.details["aliased_with"]) for e in found)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_effect_less_its_share_of_an_interaction_is_the_true_one(
    sign: int, direction: str
) -> None:
    """As the report says it: best minus worst level, turned so that more is better."""
    names = ("learning_rate", "weight_decay", "dropout")
    study = designed("plackett_burman", 4, blocks={name: BLOCKS[name] for name in names})
    study["objective"]["direction"] = direction
    upper = {one.name: one.ends()[1] for one in designs.factors(study)}

    def crossed(values: Mapping[str, Any], seed: int = 42) -> float:
        at = {name: 1 if values[name] == upper[name] else -1 for name in names}
        return 0.8 + sign * 0.03 * at["learning_rate"] + 0.02 * at["weight_decay"] * at["dropout"]

    runs = table(study, crossed)
    found = {one.hyperparameter: one for one in effects_of(study, runs)}["learning_rate"]
    pair, _, share = str(found.details["aliased_with"]).partition(" ")
    assert pair == "weight_decay:dropout"
    better = 1 if direction == "maximize" else -1
    assert found.size - float(share) * better * 0.04 == pytest.approx(0.06)
