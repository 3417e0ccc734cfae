"""What the grid says of each hyperparameter and of each two together, against the noise.

Least squares: main effects and two-factor interactions of the grid's factorial. What they leave
over (interactions of three and more) and the baseline's further seeds are the noise; a term is
tested by what the fit loses without it and without the interactions that it is part of: a type II
analysis of variance. The tests hold it against statsmodels' `anova_lm`; the same fits by its OLS
take four times as long on a large grid.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from scripts.analysis.inference import ALPHA, Floats, holm

COLUMNS = (
    "term", "kind", "sum_of_squares", "share", "df", "f", "p", "p_holm", "stands_out",
    "noise_sd", "noise_df", "runs",
)  # fmt: skip
_DIGITS = 12
# An interaction of more cells than this is left to the noise: its fit would take minutes, and what
# so many cells of a run each do together is hardly told from it.
MOST_CELLS = 1000


def rows(grid: pd.DataFrame, baseline: pd.DataFrame, chosen: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of grid/interactions.csv (`COLUMNS`): main effects, then interactions.

    `share` is the term's part of the spread of the grid's scores. Tests are empty where the noise
    is unknown, and a term that the completed runs cannot tell from others has no row, nor has an
    interaction of more than `MOST_CELLS` cells.

    Args:
        grid: the grid's runs; those that did not complete are left out.
        baseline: the baseline's runs on all its seeds.
        chosen: the hyperparameters of the grid.
    """
    done = grid[grid["status"] == "complete"]
    names = [name for name in chosen if done[name].nunique() > 1]
    if not names:
        return []
    seeds = baseline[baseline["status"] == "complete"]
    further = seeds[~seeds["run"].isin(done["run"])]
    runs = pd.concat([done, further], ignore_index=True)
    # Where the baseline is a grid point its seeds repeat that point; else they stand by themselves.
    apart = len(further) == len(seeds)
    outside = runs["run"].isin(further["run"]).to_numpy() & apart
    scores = runs["objective"].to_numpy(dtype=float)
    return anova(_columns(runs, names, outside), outside, scores, len(done))


def _columns(runs: pd.DataFrame, names: Sequence[str], outside: Any) -> dict[str, Floats]:
    """Return each factor's 0/1 columns, all but the first level's, 0 for what lies outside."""
    columns = {}
    for name in names:
        levels = sorted(set(runs.loc[~outside, name].tolist()))
        values = runs[name].to_numpy()
        columns[name] = np.stack([(values == one) & ~outside for one in levels[1:]], 1) * 1.0
    return columns


def anova(
    factors: Mapping[str, Floats], outside: Any, scores: Floats, runs: int
) -> list[dict[str, Any]]:
    """Return the rows of a type II analysis of variance.

    Args:
        factors: 0/1 columns of each factor, of shape (n, levels - 1).
        outside: which of the n scores are of one configuration beside the factorial, shape (n,).
        scores: shape (n,).
        runs: how many of them are the grid's.
    """
    terms: dict[tuple[str, ...], Floats] = {(name,): one for name, one in factors.items()}
    for one, other in combinations(factors, 2):
        if factors[one].shape[1] * factors[other].shape[1] > MOST_CELLS:
            continue
        product = factors[one][:, :, None] * factors[other][:, None, :]
        terms[one, other] = product.reshape(len(scores), -1)
    shared = [np.ones((len(scores), 1))]
    if np.any(outside):
        shared.append(np.asarray(outside, dtype=float)[:, None])
    # Measured from their mean, so that equal scores leave sums of squares of 0.
    centred = np.zeros_like(scores) if np.ptp(scores) == 0 else scores - scores.mean()

    parts = np.hstack([*shared, *terms.values(), centred[:, None]])
    # Turned by an orthogonal matrix, which keeps every residual: so many rows as columns do.
    turned: Floats = parts
    if len(parts) > parts.shape[1]:
        turned = np.asarray(np.linalg.qr(parts, mode="r"))
    ends = np.cumsum([len(shared), *(one.shape[1] for one in terms.values())])
    places = {term: np.arange(*end) for term, end in zip(terms, pairwise(ends), strict=True)}

    @cache
    def fit(members: frozenset[tuple[str, ...]]) -> tuple[float, int]:
        taken = [np.arange(len(shared)), *(places[term] for term in terms if term in members)]
        model = turned[:, np.concatenate(taken)]
        solution, _, rank, _ = np.linalg.lstsq(model, turned[:, -1])
        rest = turned[:, -1] - model @ solution
        return float(rest @ rest), len(scores) - int(rank)

    rest, freedom = fit(frozenset(terms))
    # What is left of a perfect fit is rounding.
    total = float(((scores - scores.mean()) ** 2).sum())
    noise = rest / freedom if freedom and rest > 1e-20 * max(total, 1e-300) else None
    found = []
    for term in terms:
        kept = frozenset(other for other in terms if not set(term) <= set(other))
        without, df_without = fit(kept)
        whole, df_whole = fit(kept | {term})
        squares, df = max(0.0, without - whole), df_without - df_whole
        if df:
            found.append((term, squares, df))
    tests = [
        None if noise is None else (f := squares / df / noise, float(fdtrc(df, freedom, f)))
        for _, squares, df in found
    ]
    corrected: list[float | None] = [None] * len(tests)
    corrected[:] = holm([test[1] for test in tests if test is not None]) or corrected
    inside = scores[~np.asarray(outside, dtype=bool)]
    spread = float(((inside - inside.mean()) ** 2).sum())
    return [
        {
            "term": ":".join(term),
            "kind": "main" if len(term) == 1 else "interaction",
            "sum_of_squares": round(squares, _DIGITS),
            "share": round(squares / spread, _DIGITS) if np.ptp(inside) > 0 else None,
            "df": df,
            "f": None if test is None else round(test[0], 6),
            "p": None if test is None else round(test[1], _DIGITS),
            "p_holm": None if p is None else round(p, _DIGITS),
            "stands_out": None if p is None else int(p <= ALPHA),
            "noise_sd": None if noise is None else round(float(np.sqrt(noise)), _DIGITS),
            "noise_df": freedom,
            "runs": runs,
        }
        for (term, squares, df), test, p in zip(found, tests, corrected, strict=True)
    ]
