"""The effects that a study's screening tells of, by the analysis that its design asks for."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

from scripts.analysis import regression
from scripts.analysis.effects import Effect, estimate_effects, ranked
from scripts.study import plan
from scripts.study.designs import Factor, design_of, factors
from scripts.study.plan import Study

# Further columns of screen/ranking.csv where a two-level design was run.
ALIASES = ("aliased_with",)
# A share of a two-factor interaction below this is arithmetic's, not the design's.
_LEAST = 1e-6


def effects_of(study: Study, frame: pd.DataFrame) -> list[Effect]:
    """Return the effects of all screened hyperparameters, the largest first.

    One factor at a time and a two-level design are analysed by differences between levels
    (`effects`), a space-filling design by regression (`regression`).

    Args:
        study: the resolved study.
        frame: its baseline and screening runs, a row a run (`collect`).
    """
    design = design_of(study)
    if design is None:
        return estimate_effects(study, frame)
    names = [run.name for run in plan.design_runs(study)]
    designed = frame[frame["run"].isin(names)]
    own = designed[designed["status"] == "complete"]
    if design["name"] != "plackett_burman":
        return regression.estimate(study, frame, own)
    varied = factors(study)
    shares, upper = aliases(varied, own), {one.name: one.ends()[1] for one in varied}
    # Further seeds of a corner, or runs beside the design, would unbalance it: interactions of
    # two would leak into effects that hold none of them.
    effects = estimate_effects(study, designed)
    known = {effect.hyperparameter for effect in effects}
    beside = [e for e in estimate_effects(study, frame) if e.hyperparameter not in known]
    found = []
    for effect in ranked([*effects, *beside]):
        # An effect is told as best minus worst level; the matrix has the upper minus the lower.
        turn = 1.0 if effect.best_level == upper.get(effect.hyperparameter) else -1.0
        text = "; ".join(
            f"{one}:{other} {turn * share:+.2f}"
            for one, other, share in shares[effect.hyperparameter]
        ) if effect.hyperparameter in shares else None  # fmt: skip
        found.append(replace(effect, details={"aliased_with": text}))
    return found


def design_columns(study: Study) -> Sequence[str]:
    """Return the columns that the study's design adds to screen/ranking.csv."""
    design = design_of(study)
    if design is None:
        return ()
    return ALIASES if design["name"] == "plackett_burman" else regression.COLUMNS


def aliases(
    varied: Sequence[Factor], runs: pd.DataFrame
) -> dict[str, list[tuple[str, str, float]]]:
    """Return what part of which interaction each main effect of a two-level design holds.

    A main effect that the runs give is the true one plus, for each pair of hyperparameters, so
    much of the pair's interaction (half the difference of an effect between the other's levels),
    all of them upper minus lower level: the alias matrix (X'X)^-1 X'Z of Box and Wilson. The
    largest shares come first.

    Args:
        varied: the design's factors.
        runs: its completed runs.
    """
    names = [one.name for one in varied]
    if runs.empty:
        return {name: [] for name in names}
    signs = {one.name: np.where(runs[one.name] == one.ends()[1], 1.0, -1.0) for one in varied}
    design = np.stack([np.ones(len(runs)), *signs.values()], axis=1)
    pairs = list(combinations(names, 2))
    if not pairs:
        return {name: [] for name in names}
    products = np.stack([signs[one] * signs[other] for one, other in pairs], axis=1)
    matrix = np.linalg.pinv(design) @ products
    found = {}
    for row, name in enumerate(names, start=1):
        shares = [
            (one, other, round(float(share), 6))
            for (one, other), share in zip(pairs, matrix[row], strict=True)
            if abs(share) > _LEAST and name not in (one, other)
        ]
        found[name] = sorted(shares, key=lambda entry: (-abs(entry[2]), entry[:2]))
    return found
