"""Simulated studies whose truth is known: how often the statistics are right.

`OMP_NUM_THREADS=1 python -m tests.simulated` prints the table in docs/statistics.md. Scores are in
units of the standard deviation over seeds, and every verdict is that of scripts.analysis.verdict.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.analysis.confirmation import Confirmed
from scripts.analysis.effects import Effect
from scripts.analysis.evidence import evidence, half_width
from scripts.analysis.interactions import anova
from scripts.analysis.luck import NOISE, RARE, chance
from scripts.analysis.verdict import verdict
from tests import simulated_designs

STUDIES = 1000
CONFIGURATIONS = 40
FINALISTS = 3
SEEDS = 5
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Simulated:
    """One simulated study: its verdict, and the finalists' true gains over the baseline."""

    document: Mapping[str, Any]
    truth: Floats


def study(finalists: int = FINALISTS, seeds: int = SEEDS, metric: str = "f1") -> dict[str, Any]:
    """Return as much of a resolved study as the verdict looks at."""
    direction = "minimize" if metric == "loss" else "maximize"
    return {
        "seed": 42,
        "objective": {"metric": metric, "direction": direction},
        "splits": {"test": None},
        "confirm": {"configurations": finalists, "seeds": seeds},
    }


def confirmed(scores: Any, searched: Any = (), before: Any = (0.0, 0.0)) -> Confirmed:
    """Return a confirmation without files: scores (1 + finalists, seeds), the search's scores."""
    table = np.array(scores, dtype=float)
    searched = list(searched) or [float(np.nanmean(row)) if np.isfinite(row).any() else 0.0
                                  for row in table[1:]]  # fmt: skip
    finalists = [
        {"finalist": number, "run": f"run-{number}", "stage": "grid", "trial": None,
         "objective": float(score), "changed": {"dropout": number / 10}, "hyperparameters": {}}
        for number, score in enumerate(searched, start=1)
    ]  # fmt: skip
    sizes = {"validation": 0, "test": 0}
    return Confirmed(finalists, table, np.full(table.shape, np.nan), list(before), sizes)


def simulate(
    effects: Callable[[np.random.Generator], Floats],
    *,
    finalists: int = FINALISTS,
    seeds: int = SEEDS,
    studies: int = STUDIES,
    noise: Callable[[np.random.Generator, tuple[int, ...]], Floats] | None = None,
    draw: int = 1,
) -> list[Simulated]:
    """Return whole studies: a search on one seed, the best of it, and fresh seeds.

    Args:
        effects: draws the true gain of each configuration of the search over the baseline.
        finalists: how many are confirmed.
        seeds: fresh seeds.
        studies: how many studies.
        noise: draws what a seed adds to a score; normal with sd 1 by default.
        draw: seed of the simulation.
    """
    rng = np.random.default_rng(draw)
    noise = noise or (lambda rng, shape: rng.standard_normal(shape))
    described = study(finalists, seeds)
    found = []
    for _ in range(studies):
        truth = effects(rng)
        searched = truth + noise(rng, truth.shape)
        best = np.argsort(-searched)[:finalists]
        true = np.concatenate([[0.0], truth[best]])
        scores = true[:, None] + noise(rng, (len(true), seeds))
        before = noise(rng, (3,)).tolist()
        document = verdict(described, confirmed(scores, searched[best], before))
        found.append(Simulated(document, truth[best]))
    return found


def nothing(rng: np.random.Generator) -> Floats:
    """No configuration differs from the baseline."""
    return np.zeros(CONFIGURATIONS)


def half(rng: np.random.Generator) -> Floats:
    """One hyperparameter matters: half of all configurations have a gain of 2 sd."""
    return np.repeat([2.0, 0.0], CONFIGURATIONS // 2)


def one_of_three(rng: np.random.Generator) -> Floats:
    """Only one of three configurations has a gain of 2 sd; all three are confirmed."""
    return np.array([2.0, 0.0, 0.0])


def alone(rng: np.random.Generator) -> Floats:
    """The one configuration that is confirmed has a gain of 2 sd."""
    return np.array([2.0])


def spread_out(rng: np.random.Generator) -> Floats:
    """Gains of all sizes."""
    return rng.normal(0, 1.5, CONFIGURATIONS)


def uneven(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Noise whose sd differs threefold between configurations, the baseline's being the least."""
    sd = np.ones(shape)
    if len(shape) == 2:
        sd[1::2] = 3.0
    return sd * rng.standard_normal(shape)


def coarse(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Noise in steps of one sd, as scores on few examples have: many ties."""
    return np.round(rng.standard_normal(shape))


@dataclass(frozen=True)
class Screens:
    """Which hyperparameters stand out, (studies, 7), and which intervals hold the truth."""

    stands_out: NDArray[np.bool_]
    holds: NDArray[np.bool_]


def factorial(
    interaction: float, *, studies: int = STUDIES, levels: int = 2, seeds: int = 3, draw: int = 1
) -> list[dict[str, float]]:
    """Return p by term of grids of three factors, of which a and b interact, and c does nothing.

    `interaction` is by how many sd the gain of a's second level differs between b's levels; the
    baseline is a grid point, on `seeds` seeds.
    """
    rng = np.random.default_rng(draw)
    points = np.array(np.meshgrid(*[range(levels)] * 3)).reshape(3, -1).T
    points = np.vstack([points, np.zeros((seeds - 1, 3), dtype=int)])
    factors = {
        name: np.stack([points[:, at] == level for level in range(1, levels)], 1).astype(float)
        for at, name in enumerate("abc")
    }
    truth = interaction * (points[:, 0] == 1) * (points[:, 1] == 1)
    outside = np.zeros(len(points), dtype=bool)
    found = []
    for _ in range(studies):
        scores = truth + rng.standard_normal(len(points))
        table = anova(factors, outside, scores, levels**3)
        found.append({row["term"]: row["p_holm"] for row in table})
    return found


def screens(effect: float, *, levels: int, studies: int = STUDIES, seeds: int = 3) -> Screens:
    """Return screens by one factor at a time: a has an effect, six others none.

    Each factor has so many levels, the baseline's among them, and one run at each of the others;
    the uppermost level of a gains `effect` sd. The noise is known from the baseline's seeds alone.
    """
    rng = np.random.default_rng(1)
    found, holds = [], []
    for _ in range(studies):
        base = rng.standard_normal(seeds)
        effects, truths = [], []
        for name in "abcdefg":
            truth = np.zeros(levels)
            truth[-1] = effect if name == "a" else 0.0
            scores = truth + np.concatenate([[base.mean()], rng.standard_normal(levels - 1)])
            low, high = int(np.argmin(scores)), int(np.argmax(scores))
            error = float(np.sqrt(sum(1 / seeds if at == 0 else 1.0 for at in (low, high))))
            size = float(scores[high] - scores[low])
            effects.append(Effect(name, size, low, high, levels - 1, 0, error, levels))
            truths.append(float(truth[high] - truth[low]))
        sd = float(base.std(ddof=1))
        half = [half_width(one.error or 0.0, sd, levels, seeds - 1) for one in effects]
        holds += [abs((one.size or 0.0) - truth) <= width
                  for one, truth, width in zip(effects, truths, half, strict=True)]  # fmt: skip
        if levels == 2:  # the p of more levels takes a tenth of a second each
            rows = evidence(effects, sd, seeds)
            found.append([bool(row["stands_out"]) for row in rows])
    return Screens(np.array(found), np.array(holds))


def beyond_luck(effects: Floats, seeds: int, studies: int = STUDIES) -> float:
    """Return the share of searches whose best run's gain is called beyond the noise.

    A search has a run a configuration, of that true gain in sd, and the baseline on `seeds` seeds.
    """
    rng = np.random.default_rng(1)
    found = []
    for _ in range(studies):
        base = rng.standard_normal(seeds)
        gain = float((effects + rng.standard_normal(effects.shape)).max() - base.mean())
        sd = float(base.std(ddof=1))
        likely = chance(gain, sd, seeds, effects.size)
        found.append(gain > NOISE * sd and likely is not None and likely <= RARE)
    return float(np.mean(found))


def claims(found: list[Simulated]) -> float:
    """Return the share of studies whose verdict claims a winner."""
    return float(np.mean([one.document["outcome"] == "better" for one in found]))


def rightly(found: list[Simulated]) -> float:
    """Return the share of studies that claim a winner which is truly better."""
    return float(
        np.mean([
            one.document["winner"] is not None and one.truth[one.document["winner"] - 1] > 0
            for one in found
        ])
    )  # fmt: skip


def coverage(found: list[Simulated], key: str, together: bool = False) -> float:
    """Return the share of intervals `key` that hold the truth; `together`: all of a study's."""
    inside = [
        [one[key][0] <= gain <= one[key][1] for one, gain in zip(
            study.document["finalists"], study.truth, strict=True)]
        for study in found
    ]  # fmt: skip
    return float(np.mean([all(row) for row in inside] if together else inside))


def winners_coverage(found: list[Simulated]) -> float:
    """Return the share of claimed winners whose stated interval holds their true gain."""
    inside = [
        low <= one.truth[number - 1] <= high
        for one in found
        if (number := one.document["winner"]) is not None
        for low, high in [one.document["finalists"][number - 1]["interval_all"]]
    ]
    return float(np.mean(inside))


def slack(rate: float, studies: int = STUDIES) -> float:
    """Return how far a share of that true rate may stray by chance: three standard errors."""
    return 3 * float(np.sqrt(rate * (1 - rate) / studies))


def screening(seeds: int) -> list[tuple[str, str, float]]:
    """Return the rows of the table that are of screening, with the baseline on so many seeds."""
    none, real = (screens(effect, levels=2, seeds=seeds) for effect in (0.0, 6.0))
    three = screens(6.0, levels=3, seeds=seeds)
    what = f"screening, {seeds} seeds"
    return [
        (f"{what}, no effect: a hyperparameter stands out", "at most 0.05",
         float(none.stands_out.any(axis=1).mean())),
        (f"{what}, effect of 6 sd: it stands out", "told as it is",
         float(real.stands_out[:, 0].mean())),
        (f"{what}, 2 levels: intervals of effects hold the truth", "0.95",
         float(real.holds.mean())),
        (f"{what}, 3 levels: intervals of effects hold the truth", "at least 0.95",
         float(three.holds.mean())),
    ]  # fmt: skip


def main() -> None:
    """Print every rate."""
    null = simulate(nothing)
    rows = [
        ("no effect: a winner is claimed", "at most 0.05", claims(null)),
        ("no effect, sd up to 3 times the baseline's", "at most 0.05",
         claims(simulate(nothing, noise=uneven))),
        ("no effect, scores in steps of 1 sd", "at most 0.05",
         claims(simulate(nothing, noise=coarse))),
        ("no effect, 2 fresh seeds", "at most 0.05", claims(simulate(nothing, seeds=2))),
        ("2 sd in half of 40 configurations, 3 confirmed: found", "at least 0.8",
         rightly(simulate(half))),
        ("2 sd in the one configuration confirmed: found", "at least 0.8",
         rightly(simulate(alone, finalists=1))),
        ("2 sd in one of three configurations confirmed: found", "told as it is",
         rightly(simulate(one_of_three))),
        ("gains of all sizes: intervals hold the truth", "0.90",
         coverage(gains := simulate(spread_out), "interval")),
        ("gains of all sizes: intervals for all finalists together", "at least 0.90",
         coverage(gains, "interval_all", together=True)),
        ("gains of all sizes: the claimed winner's interval", "at least 0.90",
         winners_coverage(gains)),
    ]  # fmt: skip
    planted = factorial(12.0)
    rows += [
        (f"search of 40, {seeds} seeds, {what}: called beyond the noise", wanted,
         beyond_luck(effects, seeds))
        for seeds in (3, 5, 10)
        for what, wanted, effects in (
            ("no effect", "at most 0.05", np.zeros(CONFIGURATIONS)),
            ("6 sd in half of it", "told as it is", np.repeat([6.0, 0.0], CONFIGURATIONS // 2)),
        )
    ]  # fmt: skip
    rows += [
        ("grid 2 x 2 x 2, 3 seeds, nothing matters: a term stands out", "at most 0.05",
         float(np.mean([min(one.values()) <= 0.05 for one in factorial(0.0)]))),
        ("grid 2 x 2 x 2, 3 seeds, interaction of 12 sd: found", "at least 0.8",
         float(np.mean([one["a:b"] <= 0.05 for one in planted]))),
        ("the same: an absent interaction is found", "at most 0.05",
         float(np.mean([min(one["a:c"], one["b:c"]) <= 0.05 for one in planted]))),
        ("grid 3 x 3 x 3, 3 seeds, interaction of 6 sd: found", "at least 0.8",
         float(np.mean([one["a:b"] <= 0.05 for one in factorial(6.0, levels=3)]))),
        ("grid 2 x 2 x 2, 3 seeds, interaction of 6 sd: found", "told as it is",
         float(np.mean([one["a:b"] <= 0.05 for one in factorial(6.0)]))),
    ]  # fmt: skip
    for seeds in (3, 5):
        rows += screening(seeds)
    rows += simulated_designs.rows()
    for what, wanted, rate in rows:
        print(f"| {what} | {wanted} | {rate:.3f} |")


if __name__ == "__main__":
    main()
