"""Simulated screenings by a design, whose truth is known: how often their analysis is right.

Scores are in units of the sd over seeds. Of seven hyperparameters one matters, by a line or a peak
over its range; interactions there are none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.analysis.evidence import evidence
from scripts.analysis.noise import spread
from scripts.analysis.screening import effects_of
from scripts.study import designs, plan
from tests.analysis_runs import make_study, table

STUDIES = 500
NAMES = ("learning_rate", "weight_decay", "warmup_ratio", "adam_beta1", "dropout",
         "attention_dropout", "label_smoothing_factor")  # fmt: skip


@dataclass(frozen=True)
class Screenings:
    """Of each study: which hyperparameters stand out, and whose interval holds the truth.

    Both have the shape (studies, 7); the first column is the one that matters.
    """

    stands_out: NDArray[np.bool_]
    holds: NDArray[np.bool_]


def line(place: float) -> float:
    """Return a score that rises by 1 over the range."""
    return place


def peak(place: float) -> float:
    """Return a score that is best in the middle of the range, by 1 over its ends."""
    return 1 - (2 * place - 1) ** 2


def screenings(
    name: str, runs: int, effect: float, shape: Callable[[float], float] = line, *, seeds: int = 5,
    studies: int = STUDIES,
) -> Screenings:  # fmt: skip
    """Return screenings by a design: the learning rate matters by `effect` sd, others do not."""
    study = make_study({one: {"screen": [0.01, 0.21]} for one in NAMES}, baseline={"seeds": seeds})
    given: dict[str, Any] = {"name": name, "runs": runs}
    study["screen"] = {"configurations": [], "design": designs.resolve(given, study)}
    frame = table(study, lambda values, seed: 0.5)
    base = frame["run"].isin([run.name for run in plan.baseline_runs(study)]).to_numpy()

    def gain(value: float) -> float:
        return effect * shape((value - 0.01) / 0.2)

    truth = np.where(base, 0.0, [gain(value) for value in frame["learning_rate"]])
    rng = np.random.default_rng(1)
    out, holds = [], []
    for _ in range(studies):
        frame["objective"] = truth + rng.standard_normal(len(frame))
        sd = spread(frame.loc[base, "objective"].tolist()).sd
        effects = sorted(effects_of(study, frame), key=lambda one: NAMES.index(one.hyperparameter))
        rows = evidence(effects, sd, seeds)
        out.append([row["stands_out"] == 1 for row in rows])
        true = [gain(float(effects[0].best_level or 0)) - gain(float(effects[0].worst_level or 0))]
        holds.append([
            float(row["effect_low"] or 0) <= right <= float(row["effect_high"] or 0)
            for row, right in zip(rows, [*true, *[0.0] * 6], strict=True)
        ])  # fmt: skip
    return Screenings(np.array(out), np.array(holds))


# What is simulated: words, name and runs of the design, shape and size of the effect.
CASES: tuple[tuple[str, str, int, Callable[[float], float], float], ...] = (
    ("Plackett-Burman, 12 runs, 5 seeds, effect of 4 sd", "plackett_burman", 12, line, 4.0),
    ("Latin hypercube, 16 runs, line of 6 sd", "latin_hypercube", 16, line, 6.0),
    ("Sobol, 32 runs, peak of 6 sd", "sobol", 32, peak, 6.0),
)


def rows() -> list[tuple[str, str, float]]:
    """Return the rows of the table that are of screening designs."""
    found = []
    for words, name, runs, shape, effect in CASES:
        got = screenings(name, runs, effect, shape)
        none = screenings(name, runs, 0.0, shape)
        found += [
            (f"{words}: it stands out", "told as it is", float(got.stands_out[:, 0].mean())),
            ("the same: another hyperparameter stands out", "at most 0.05",
             float(got.stands_out[:, 1:].any(axis=1).mean())),
            ("the same without the effect: a hyperparameter stands out", "at most 0.05",
             float(none.stands_out.any(axis=1).mean())),
            # A parabola's interval holds for all differences along it, more than the one picked.
            ("the same: intervals of effects hold the truth",
             "at least 0.95" if shape is peak else "0.95",
             float(got.holds.mean())),
        ]  # fmt: skip
    return found
