"""What each screened hyperparameter does to the objective, all else equal, and the choice of k.

The model is linear with treatment coding: a run's objective is the baseline's plus one term for
every hyperparameter that departs from it. Least squares estimates the terms from all screening and
baseline runs that completed. With one factor at a time a term is just the run minus the baseline's
mean; listed configurations that change several hyperparameters at once are told apart as far as
they can be: a difference between two levels that they cannot tell from another is not estimated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from scripts.analysis import evidence
from scripts.analysis.noise import spread
from scripts.study import plan
from scripts.study.errors import StudyError
from scripts.study.hyperparameters import HYPERPARAMETERS, Value
from scripts.study.plan import Study

RANKING_COLUMNS = (
    "hyperparameter",
    "rank",
    "chosen",
    "effect",
    "worst_level",
    "best_level",
    "noise_sd",
    "effect_to_noise",
    "runs",
    "diverged",
    "estimable",
    *evidence.COLUMNS,
)
# Scores are shares of examples, so real differences are far above this; arithmetic's are below.
_DIGITS = 12
_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Effect:
    """The largest estimable difference of the objective between two levels of a hyperparameter.

    `size` >= 0, and None where no difference can be estimated. `runs` completed and `diverged` did
    not, of the screening runs in which the hyperparameter departs from the baseline. `error` is the
    standard error of the difference in units of the noise's sd, and `levels` how many levels it was
    picked from. An effect on a fitted curve instead was picked from all differences along it:
    `terms` is how many columns the curve has, and `residual` the sd and the degrees of freedom of
    the noise that the fit leaves over. `details` are further columns of the ranking.
    """

    hyperparameter: str
    size: float | None
    worst_level: Value | None
    best_level: Value | None
    runs: int
    diverged: int
    error: float | None = None
    levels: int = 0
    terms: int = 0
    residual: tuple[float, int] | None = None
    details: Mapping[str, object] = field(default_factory=dict)


def noise_sd(study: Study, frame: pd.DataFrame) -> float | None:
    """Return the standard deviation of the objective over the baseline's completed seeds."""
    names = [run.name for run in plan.baseline_runs(study)]
    values = frame.loc[frame["run"].isin(names) & (frame["status"] == "complete"), "objective"]
    return spread(values.tolist()).sd


def estimate_effects(study: Study, frame: pd.DataFrame) -> list[Effect]:
    """Return the effects of all screened hyperparameters, the largest first.

    Equal effects stand in alphabetical order, and those that cannot be estimated at the end.

    Args:
        study: the resolved study.
        frame: its baseline and screening runs, a row a run (`collect`); other columns than status,
            objective and the hyperparameters are not looked at. The order of rows does not matter.
    """
    baseline = plan.baseline_values(study)
    complete = frame[frame["status"] == "complete"]
    levels = {
        name: _levels(complete[name].tolist(), baseline[name])
        for name in HYPERPARAMETERS
        if any(value != baseline[name] for value in frame[name].tolist())
    }
    coefficients, rows, scaled = _fit(complete, levels)
    sign = 1.0 if study["objective"]["direction"] == "maximize" else -1.0
    effects = []
    start = 1
    for name, others in levels.items():
        block = slice(start, start + len(others))
        start += len(others)
        departs = frame[frame[name] != baseline[name]]
        size, worst, best, error, compared = _largest(
            [baseline[name], *others], sign * coefficients[block], rows[block], scaled[block]
        )
        diverged = int((departs["status"] == "diverged").sum())
        finished = int((departs["status"] == "complete").sum())
        effects.append(Effect(name, size, worst, best, finished, diverged, error, compared))
    return ranked(effects)


def ranked(effects: Sequence[Effect]) -> list[Effect]:
    """Return effects, the largest first; equal ones by name, those without an estimate last."""
    return sorted(
        effects,
        key=lambda effect: (effect.size is None, -(effect.size or 0), effect.hyperparameter),
    )


def choose(study: Study, effects: Sequence[Effect]) -> tuple[list[str], str]:
    """Return the hyperparameters for grid and Optuna, and the rule that chose them, in words.

    Names given in the config are the choice. Else it is the top k of the ranking among those that
    every later stage has values for; where k leaves none of them out, all, screened or not. Raises
    `StudyError` where a choice is needed and nothing that was screened can be chosen.
    """
    named = study["rank"]["hyperparameters"]
    if named is not None:
        for name in named:
            if name not in study["hyperparameters"]:
                raise StudyError(f"rank.hyperparameters: {name!r} is not a hyperparameter")
        return list(named), "named in the config (rank.hyperparameters)"
    if not (study["grid"]["enabled"] or study["optuna"]["trials"]):
        return [], "none: the study has neither a grid nor Optuna trials"
    candidates = plan.candidates(study)
    ranked = [effect for effect in effects if effect.hyperparameter in candidates]
    unranked = sorted(set(candidates) - {effect.hyperparameter for effect in ranked})
    if unranked and study["rank"]["top"] >= len(candidates):
        return (
            [*(effect.hyperparameter for effect in ranked), *unranked],
            f"all {len(candidates)} that every later stage has values for; not screened:"
            f" {', '.join(unranked)}",
        )
    if not ranked:
        why = "nothing was screened" if not effects else "no candidate was screened"
        raise StudyError(
            f"rank: {why}, so the top {study['rank']['top']} cannot be chosen; name the"
            " hyperparameters under rank.hyperparameters (with values for grid and Optuna:"
            f" {', '.join(sorted(candidates)) or 'none'}) or give them screen values"
        )
    top = ranked[: study["rank"]["top"]]
    rule = (
        f"the {len(top)} largest effects on {study['objective']['metric']}"
        f" among the {len(ranked)} screened hyperparameters that every later stage has values for;"
        " equal effects by name"
    )
    if len(top) < study["rank"]["top"]:
        rule += f"; {study['rank']['top']} were asked for"
    unknown = [effect.hyperparameter for effect in top if effect.size is None]
    if unknown:
        rule += f"; without an estimate, by name: {', '.join(unknown)}"
    return [effect.hyperparameter for effect in top], rule


def ranking_rows(
    effects: Sequence[Effect], chosen: Sequence[str], noise: float | None, seeds: int
) -> list[dict[str, object]]:
    """Return the rows of screen/ranking.csv (`RANKING_COLUMNS`).

    `effect_to_noise` is empty where the noise is unknown (one seed) or 0. `seeds` is how many of
    the baseline's seeds completed.
    """
    found = evidence.evidence(effects, noise, seeds)
    return [
        {
            "hyperparameter": effect.hyperparameter,
            "rank": rank,
            "chosen": int(effect.hyperparameter in chosen),
            "effect": effect.size,
            "worst_level": effect.worst_level,
            "best_level": effect.best_level,
            "noise_sd": noise,
            "effect_to_noise": effect.size / noise if noise and effect.size is not None else None,
            "runs": effect.runs,
            "diverged": effect.diverged,
            "estimable": int(effect.size is not None),
            **found[rank - 1],
            **effect.details,
        }
        for rank, effect in enumerate(effects, start=1)
    ]


def _levels(values: Sequence[Value], baseline: Value) -> list[Value]:
    """Return the levels beside the baseline's, in order of size (or of the alphabet)."""
    return sorted(set(values) - {baseline})


def _fit(
    complete: pd.DataFrame, levels: dict[str, list[Value]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the least-squares coefficients of least norm, and a basis of the row space.

    The model has p terms: the intercept and one for every level of `levels`, in that order.

    Returns:
        The coefficients, of shape (p,), and the basis as rows by term, of shape (p, rank): two
        terms' difference is estimable if it lies in the span of the basis. Last the basis over the
        singular values: a difference of its rows is as long as the difference's standard error.
    """
    columns = [np.ones(len(complete))]
    for name, others in levels.items():
        values = complete[name].to_numpy()
        columns += [(values == level).astype(float) for level in others]
    design = np.stack(columns, axis=1)
    objective = complete["objective"].to_numpy(dtype=float)
    if not len(objective):
        nothing = np.zeros((design.shape[1], 0))
        return np.zeros(design.shape[1]), nothing, nothing
    # Runs may come in any order: sums must not depend on it.
    order = np.lexsort([objective, *design.T])
    design, objective = design[order], objective[order]
    left, singular, right = np.linalg.svd(design, full_matrices=False)
    rank = int((singular > singular[0] * _TOLERANCE).sum())
    basis = right[:rank].T
    # Measured from one of the runs, equal scores everywhere give effects of exactly 0.
    scores = left[:, :rank].T @ (objective - objective[0]) / singular[:rank]
    return basis @ scores, basis, basis / singular[:rank]


def _largest(
    levels: Sequence[Value], coefficients: np.ndarray, rows: np.ndarray, scaled: np.ndarray
) -> tuple[float | None, Value | None, Value | None, float | None, int]:
    """Return the largest estimable difference of two levels, the worst, the best and its error.

    The last is how many levels such differences can be made of.

    Args:
        levels: the baseline's level, then the others.
        coefficients: the others' terms, larger meaning better, of shape (len(levels) - 1,).
        rows: the others' rows of the row space's basis, of shape (len(levels) - 1, rank).
        scaled: the same over the singular values.
    """
    terms = np.concatenate([[0.0], coefficients])
    # A contrast c is estimable if its part outside the row space, c'(I - VV')c, vanishes.
    outside = np.zeros((len(levels), len(levels)))
    outside[1:, 1:] = np.eye(len(coefficients)) - rows @ rows.T
    own = np.diag(outside)
    estimable = own[:, None] + own[None, :] - 2 * outside < _TOLERANCE
    first, second = np.nonzero(np.triu(estimable, k=1))
    if not len(first):
        return None, None, None, None, 0
    differences = np.round(terms[second] - terms[first], _DIGITS)
    at = int(np.argmax(np.abs(differences)))
    pair = (levels[first[at]], levels[second[at]])
    worst, best = pair if differences[at] >= 0 else pair[::-1]
    places = np.concatenate([np.zeros((1, scaled.shape[1])), scaled])
    error = float(np.linalg.norm(places[second[at]] - places[first[at]]))
    return float(abs(differences[at])), worst, best, error, len({*first, *second})
