"""What stands out of the noise, and which choices were too close, by the known formulas."""

import math

import pytest
from scipy import stats

from scripts.analysis import evidence
from scripts.analysis.effects import Effect


def test_the_noise_says_which_choices_were_too_close() -> None:
    effects = [
        Effect(name, size, 0, 1, 1, 0, 1.0, 2) for name, size in (("a", 9.0), ("b", 1.2), ("c", 1))
    ]
    pairs = evidence.too_close(effects, ["a", "b"], ["a", "b", "c"], 0.5, 5)
    assert [(pair["chosen"], pair["left_out"]) for pair in pairs] == [("b", "c")]
    assert pairs[0]["margin"] == pytest.approx(stats.t.ppf(0.975, 4) * 0.5 * math.sqrt(2))
    assert evidence.too_close(effects, ["a"], ["a", "b", "c"], None, 5) == []
    known = evidence.evidence(effects, 0.5, 5)
    assert [row["stands_out"] for row in known] == [1, 0, 0]
    assert evidence.evidence(effects, 0.0, 5)[0]["p"] is None
    three = evidence.evidence([Effect("a", 9.0, 0, 1, 2, 0, 1.0, 3)], 0.5, 5)
    assert (three[0]["p"] or 0.0) > (known[0]["p"] or 0.0)


@pytest.mark.parametrize("levels", [2, 3])
def test_an_effect_is_held_against_the_largest_of_all_differences(levels: int) -> None:
    effect = Effect("a", 3.0, 0, 1, 2, 0, 1.5, levels)
    (found,) = evidence.evidence([effect], 0.5, 5)
    # Of two levels there is one difference: Tukey's range is Student's t, twice-sided.
    half = stats.studentized_range.ppf(0.95, levels, 4) * 1.5 * 0.5 / math.sqrt(2)
    p = stats.studentized_range.sf(3.0 / (1.5 * 0.5) * math.sqrt(2), levels, 4)
    assert found["p"] == pytest.approx(p, rel=1e-6)
    assert (found["effect_low"], found["effect_high"]) == pytest.approx((3 - half, 3 + half))
    assert evidence.half_width(1.5, 0.5, levels, 4) == pytest.approx(half)


def test_a_pair_of_unknown_size_or_error_is_no_close_one() -> None:
    known = Effect("a", 1.25, 0, 1, 1, 0, 0.5, 2)
    others = [
        Effect("b", None, None, None, 1, 0, 0.5, 2), Effect("c", 0.5, 0, 1, 1, 0, None, 2),
        Effect("d", None, None, None, 1, 0), Effect("e", 1.0, 0, 1, 1, 0, 1.5, 2),
    ]  # fmt: skip
    names = list("abcde")
    (pair,) = evidence.too_close([known, *others], ["a"], names, 0.5, 5)
    assert (pair["chosen"], pair["left_out"], pair["difference"]) == ("a", "e", 0.25)
    margin = stats.t.ppf(0.975, 4) * 0.5 * math.sqrt(0.5**2 + 1.5**2)
    assert pair["margin"] == pytest.approx(margin, abs=1e-12)
    turned = evidence.too_close([known, *others], ["b", "c", "d", "e"], names, 0.5, 5)
    assert [(one["chosen"], one["left_out"]) for one in turned] == [("e", "a")]
    # A fitted curve brings its own noise; one that leaves none over says nothing.
    curve = Effect("f", 1.3, 0, 1, 1, 0, 0.5, 0, terms=2, residual=(0.2, 9))
    exact = Effect("g", 1.2, 0, 1, 1, 0, 0.5, 0, terms=2)
    pairs = evidence.too_close([exact, curve, known], ["f", "g"], list("afg"), None, 1)
    assert [(one["chosen"], one["left_out"]) for one in pairs] == [("f", "a")]
    assert pairs[0]["margin"] == pytest.approx(stats.t.ppf(0.975, 9) * 0.2 * math.sqrt(0.5))


def test_along_a_curve_the_limit_is_scheffes() -> None:
    # With one column it is Student's t, twice-sided.
    assert evidence.scheffe(1, 9) == pytest.approx(stats.t.ppf(0.975, 9))
    assert evidence.scheffe(3, 9) == pytest.approx(math.sqrt(3 * stats.f.ppf(0.95, 3, 9)))


def test_an_effect_along_a_curve_is_held_against_what_the_fit_leaves_over() -> None:
    curve = Effect("a", 1.0, 0, 1, 9, 0, 0.5, 0, terms=2, residual=(0.4, 9))
    # Not against the seeds' noise, and where an effect or its error is unknown against nothing.
    unknown = [Effect("b", 0.5, 0, 1, 1, 0, None, 2), Effect("c", None, None, None, 1, 0, 0.5, 2)]
    first, second, third = evidence.evidence([curve, *unknown], 7.0, 5)
    half = math.sqrt(2 * stats.f.ppf(0.95, 2, 9)) * 0.5 * 0.4
    assert (first["effect_low"], first["effect_high"]) == pytest.approx((1 - half, 1 + half))
    assert first["p"] == pytest.approx(stats.f.sf((1.0 / (0.5 * 0.4)) ** 2 / 2, 2, 9))
    assert second == third == dict.fromkeys(evidence.COLUMNS)
