"""What a space-filling screening says of each hyperparameter: a regression on all of them at once.

Every number enters by where it lies in its range (from 0 to 1, logarithmic where it is searched
so), as a line or, where there are runs enough, as a parabola; a name by its levels. An effect is
the largest difference along the fitted curve, between values that were run. The noise is what the
fit leaves over: seeds, and also all that interactions and other curves do, so that an effect stands
out only if it is large beside what the model does not explain.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from scripts.analysis.effects import Effect, ranked
from scripts.analysis.inference import ALPHA, Floats
from scripts.study import plan
from scripts.study.designs import Factor, factors
from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.study.plan import Study

# Further columns of screen/ranking.csv where a space-filling design was run.
COLUMNS = (
    "model", "residual_sd", "residual_df", "spearman", "spearman_low", "spearman_high",
)  # fmt: skip
# Fewer runs say nothing of a rank correlation.
LEAST_RUNS = 5
_DIGITS = 12
_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Fit:
    """A least-squares fit: `coefficients` (p,), and a basis of its row space (p, rank).

    `scaled` is the basis over the singular values: what it maps a difference of rows to is as long
    as the difference's standard error in units of the noise. `residual` is the noise's sd and its
    degrees of freedom, None where nothing is left over. `blocks` are each factor's columns.
    """

    coefficients: Floats
    basis: Floats
    scaled: Floats
    residual: tuple[float, int] | None
    degree: int
    blocks: Mapping[str, slice]


def estimate(study: Study, frame: pd.DataFrame, own: pd.DataFrame) -> list[Effect]:
    """Return the effects of the design's hyperparameters, the largest first.

    Hyperparameters that only listed configurations vary stand at the end, without an estimate.

    Args:
        study: the resolved study.
        frame: its baseline and screening runs.
        own: those of them that are the design's and completed. Their order does not matter.
    """
    varied = factors(study)
    own = own.sort_values("run", kind="stable")
    sign = 1.0 if study["objective"]["direction"] == "maximize" else -1.0
    scores = sign * own["objective"].to_numpy(dtype=float)
    fit = least_squares(varied, own, scores)
    baseline = plan.baseline_values(study)
    found = [
        _effect(one, frame[frame[one.name] != baseline[one.name]], own, scores * sign, fit)
        for one in varied
    ]
    known = {one.name for one in varied}
    others = [
        name
        for name in HYPERPARAMETERS
        if name not in known and any(v != baseline[name] for v in frame[name].tolist())
    ]
    found += [
        Effect(name, None, None, None, *_counts(frame[frame[name] != baseline[name]]))
        for name in others
    ]
    return ranked(found)


def degree_of(varied: Sequence[Factor], runs: int) -> int:
    """Return 2 where as many runs are left over for the noise as parabolas take, else 1."""
    taken = sum(_columns(one, 2) for one in varied)
    return 2 if runs - 1 - taken >= taken else 1


def _columns(one: Factor, degree: int) -> int:
    """Return how many columns a factor has in the regression."""
    if one.categorical:
        return len(one.levels) - 1
    return min(degree, len(one.levels) - 1) if one.levels else degree


def basis(one: Factor, values: Sequence[Any], degree: int) -> Floats:
    """Return a factor's columns for each of `values`: shape (len(values), columns)."""
    if one.categorical:
        columns = [[float(value == level) for value in values] for level in one.levels[1:]]
        return np.array(columns, dtype=float).reshape(len(one.levels) - 1, len(values)).T
    place = np.array([one.coordinate(value) - 0.5 for value in values], dtype=float)
    return np.stack([place ** (power + 1) for power in range(_columns(one, degree))], axis=1)


def least_squares(varied: Sequence[Factor], runs: pd.DataFrame, scores: Floats) -> Fit:
    """Return the regression of `scores`, more being better, on the factors' values in `runs`."""
    degree = degree_of(varied, len(runs))
    parts = [basis(one, runs[one.name].tolist(), degree) for one in varied]
    ends = np.cumsum([1, *(part.shape[1] for part in parts)]).tolist()
    blocks = {
        one.name: slice(start, end)
        for one, start, end in zip(varied, ends[:-1], ends[1:], strict=True)
    }
    design = np.hstack([np.ones((len(runs), 1)), *parts])
    if not len(runs):
        nothing = np.zeros((design.shape[1], 0))
        return Fit(np.zeros(design.shape[1]), nothing, nothing, None, degree, blocks)
    left, singular, right = np.linalg.svd(design, full_matrices=False)
    rank = int((singular > singular[0] * _TOLERANCE).sum())
    rows = right[:rank].T
    # Measured from one of the runs, equal scores everywhere give effects of exactly 0.
    centred = scores - scores[0]
    found = left[:, :rank].T @ centred
    coefficients = rows @ (found / singular[:rank])
    rest = float(((centred - left[:, :rank] @ found) ** 2).sum())
    freedom = len(runs) - rank
    # What is left of a perfect fit is rounding.
    noisy = freedom > 0 and rest > 1e-20 * max(float((centred**2).sum()), 1e-300)
    residual = (math.sqrt(rest / freedom), freedom) if noisy else None
    return Fit(coefficients, rows, rows / singular[:rank], residual, degree, blocks)


def _effect(
    one: Factor, departs: pd.DataFrame, own: pd.DataFrame, objective: Floats, fit: Fit
) -> Effect:
    """Return the largest difference along the curve of one factor, and what is known of it."""
    counts = _counts(departs)
    values = sorted(set(own[one.name].tolist()))
    block = fit.blocks[one.name]
    details = _details(one, own, objective, fit)
    if len(values) < 2:
        return Effect(one.name, None, None, None, *counts, details=details)
    rows = basis(one, values, fit.degree)
    curve = np.round(rows @ fit.coefficients[block], _DIGITS)
    low, high = int(np.argmin(curve)), int(np.argmax(curve))
    if low == high:
        low, high = 0, 1
    contrast = np.zeros(len(fit.coefficients))
    contrast[block] = rows[high] - rows[low]
    # A difference is estimable if it lies in the row space.
    if np.linalg.norm(contrast - fit.basis @ (fit.basis.T @ contrast)) > 1e-6:
        return Effect(one.name, None, None, None, *counts, details=details)
    error = float(np.linalg.norm(fit.scaled.T @ contrast))
    size = float(np.round(curve[high] - curve[low], _DIGITS))
    terms = block.stop - block.start
    return Effect(
        one.name, size, values[low], values[high], *counts, error,
        levels=len(values), terms=terms, residual=fit.residual, details=details,
    )  # fmt: skip


def _counts(runs: pd.DataFrame) -> tuple[int, int]:
    """Return how many runs completed and how many diverged."""
    status = runs["status"]
    return int((status == "complete").sum()), int((status == "diverged").sum())


def _details(one: Factor, own: pd.DataFrame, objective: Floats, fit: Fit) -> dict[str, object]:
    columns = fit.blocks[one.name].stop - fit.blocks[one.name].start
    model = "levels" if one.categorical else "line" if columns == 1 else "parabola"
    sd, freedom = fit.residual or (None, None)
    correlated: tuple[float | None, ...] = (None, None, None)
    if not one.categorical:
        places = np.array([one.coordinate(value) for value in own[one.name].tolist()])
        correlated = rank_correlation(places, objective)
    values = (model, None if sd is None else round(sd, _DIGITS), freedom, *correlated)
    return dict(zip(COLUMNS, values, strict=True))


def rank_correlation(
    places: Floats, scores: Floats
) -> tuple[float | None, float | None, float | None]:
    """Return Spearman's rho and its 95 % interval; None where there is nothing to rank.

    The interval is that of Bonett and Wright (Psychometrika 65, 2000): Fisher's z with the variance
    (1 + rho^2 / 2) / (n - 3).
    """
    runs = len(scores)
    if runs < LEAST_RUNS or np.ptp(places) == 0 or np.ptp(scores) == 0:
        return None, None, None
    rho = float(stats.spearmanr(places, scores).statistic)
    centre = math.atanh(min(max(rho, -0.9999), 0.9999))
    half = float(special.ndtri(1 - ALPHA / 2)) * math.sqrt((1 + rho**2 / 2) / (runs - 3))
    low, high = math.tanh(centre - half), math.tanh(centre + half)
    return round(rho, _DIGITS), round(low, _DIGITS), round(high, _DIGITS)
