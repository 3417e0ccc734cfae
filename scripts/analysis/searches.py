"""Search against search: how soon each found how good a run, and what chance alone would find.

A search is a way of choosing runs: by hand (the baseline, the screening, the refinement), by a
grid, by Optuna. Each is looked at by itself, as if it had trained all of its runs: one that another
search had trained before counts for both.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from opda.nonparametric import EmpiricalDistribution

from scripts.analysis.collect import Planned
from scripts.analysis.inference import Floats
from scripts.analysis.luck import LEAST_TRIALS, NOISE
from scripts.analysis.noise import spread
from scripts.analysis.runfiles import METRICS
from scripts.study import plan
from scripts.study.designs import SPACE_FILLING, design_of
from scripts.study.plan import Study

SEARCHES = {
    "by hand": ("baseline", "screen", "refine"),
    "grid": ("grid",),
    "Optuna": ("optuna",),
}
COLUMNS = (
    "search", "runs", "complete", "best", "best_run", "found_at", "within_noise_at",
)  # fmt: skip
CURVE_COLUMNS = ("search", "number", "run", "status", "objective", "best_so_far")
RANDOM_COLUMNS = (
    "trials_from", "sample", "incomplete", "n", "expected", "expected_low", "expected_high",
    "median", "median_low", "median_high", "confidence",
)  # fmt: skip
CONFIDENCE = 0.95
# A curve of a thousand points looks like one of a hundred, and takes hundreds of megabytes.
EVERY = 200
_DIGITS = 12


def order(study: Study, frame: pd.DataFrame, runs: Planned) -> dict[str, pd.DataFrame]:
    """Return the runs of each search in the order that it took; searches without runs are left out.

    The baseline's further seeds are not among them: they measure the noise.
    """
    by_name = frame.set_index("run", drop=False)
    found = {}
    for search, stages in SEARCHES.items():
        names = [name for name in runs.names(stages) if runs.runs[name].seed == study["seed"]]
        if names and (search != "by hand" or len(names) > 1):
            found[search] = by_name.loc[names].reset_index(drop=True)
    return found


def best_so_far(study: Study, objective: pd.Series, status: pd.Series) -> pd.Series:
    """Return the best objective of the complete runs up to each; NaN before the first."""
    scores = objective.where(status == "complete")
    worse = scores.cummax() if study["objective"]["direction"] == "maximize" else scores.cummin()
    # A run that did not complete leaves the best as it was.
    return worse.ffill()


def curves(study: Study, searches: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Return the rows of summary/best-so-far.csv (`CURVE_COLUMNS`)."""
    rows: list[dict[str, Any]] = []
    for search, runs in searches.items():
        so_far = best_so_far(study, runs["objective"], runs["status"])
        entries = zip(runs["run"], runs["status"], runs["objective"], so_far, strict=True)
        rows += [
            dict(zip(CURVE_COLUMNS, (search, number, *entry), strict=True))
            for number, entry in enumerate(entries, start=1)
        ]
    return rows


def summary(
    study: Study, frame: pd.DataFrame, searches: Mapping[str, pd.DataFrame]
) -> list[dict[str, Any]]:
    """Return the rows of summary/searches.csv (`COLUMNS`).

    `found_at` is the run after which nothing improved; `within_noise_at` the first whose best so
    far is no further from the search's best than the noise allows for. Both are counted from 1, and
    empty where no run completed; the second also where the noise is unknown.
    """
    seeds = frame[(frame["stage"] == "baseline") & (frame["status"] == "complete")]
    sd = spread(seeds["objective"].tolist()).sd
    rows: list[dict[str, Any]] = []
    for search, runs in searches.items():
        so_far = best_so_far(study, runs["objective"], runs["status"])
        row: dict[str, Any] = dict.fromkeys(COLUMNS)
        row |= {
            "search": search,
            "runs": len(runs),
            "complete": int((runs["status"] == "complete").sum()),
        }
        if row["complete"]:
            best = float(so_far.iloc[-1])
            at = int(np.flatnonzero(so_far == best)[0])
            row |= {"best": best, "best_run": runs["run"].iloc[at], "found_at": at + 1}
            if sd:
                near = np.flatnonzero((so_far - best).abs() <= NOISE * sd)
                row["within_noise_at"] = int(near[0]) + 1
        rows.append(row)
    return rows


def random_trials(study: Study, runs: Planned) -> tuple[str, list[str]] | None:
    """Return which runs of the study were drawn at random, in words and by name; None for none.

    Optuna's trials where its sampler does not learn from them; else a space-filling screening; else
    the grid, whose points in a random order are random draws from the grid.
    """
    sampler = study["optuna"].get("sampler", {}).get("name")
    design = design_of(study)
    if runs.stages["optuna"] and sampler in ("random", "qmc"):
        return f"Optuna's trials ({sampler})", list(runs.stages["optuna"])
    if design is not None and design["name"] in SPACE_FILLING:
        drawn = [run.name for run in plan.design_runs(study)]
        return f"the screening ({design['name']})", [name for name in drawn if name in runs.runs]
    if runs.stages["grid"]:
        return "the grid's points", list(runs.stages["grid"])
    return None


def random_search(
    study: Study, frame: pd.DataFrame, runs: Planned, lengths: Sequence[int]
) -> list[dict[str, Any]]:
    """Return the rows of summary/random-search.csv (`RANDOM_COLUMNS`): n up to the largest length.

    Every n of `lengths` is there, and every one up to `EVERY`; beyond, some hundred of them.

    The best of n random trials, its mean and its median. The mean is that over all choices of n of
    the known trials, which errs to neither side (Tang et al., Showing Your Work Doesn't Always
    Work, ACL 2020); of more trials than are known there is neither, only the bands. Those hold for
    all n together at the rate `CONFIDENCE`: from the band of the trials' distribution (Lourie, Cho
    and He, Show Your Work with Confidence, NAACL 2024), by opda. The band is Dvoretzky, Kiefer and
    Wolfowitz's: opda's tighter ones hold for scores without ties alone. A trial that did not
    complete, pruned ones too, counts as the worst score that a complete one has. No rows where
    fewer than `LEAST_TRIALS` are known.
    """
    found = random_trials(study, runs)
    if found is None:
        return []
    source, names = found
    trials = frame[frame["run"].isin(names)]
    known = trials["status"] == "complete"
    scores = trials.loc[known, "objective"].to_numpy(dtype=float)
    lost = int((~known).sum())
    if len(scores) < LEAST_TRIALS:
        return []
    minimize = study["objective"]["direction"] == "minimize"
    worst = scores.max() if minimize else scores.min()
    # In order, so that the result does not depend on the order of the trials.
    scores = np.sort(np.concatenate([scores, np.full(lost, worst)]))
    low, high = METRICS[study["objective"]["metric"]]
    longest = max(lengths, default=1)
    points = 100 if longest > EVERY else 0
    beyond = np.geomspace(EVERY, longest, points).round().tolist()
    n = np.unique([*range(1, min(longest, EVERY) + 1), *lengths, *beyond]).astype(int)
    bands = EmpiricalDistribution.confidence_bands(scores, CONFIDENCE, a=low, b=high, method="dkw")
    # A low distribution function is one of high scores.
    upper, middle, lower = (
        _finite(one.quantile_tuning_curve(n, minimize=minimize)) for one in bands
    )
    highest, lowest = (
        _finite(one.average_tuning_curve(n, minimize=minimize)) for one in (bands[0], bands[2])
    )
    means = expected_best(scores, longest, minimize)
    expected = [means[size - 1] if size <= len(means) else None for size in n.tolist()]
    median = [one if size <= len(means) else None
              for size, one in zip(n.tolist(), middle, strict=True)]  # fmt: skip
    columns = zip(n.tolist(), expected, lowest, highest, median, lower, upper, strict=True)
    return [
        dict(zip(RANDOM_COLUMNS, (source, len(scores), lost, *row, CONFIDENCE), strict=True))
        for row in columns
    ]


def expected_best(scores: Floats, longest: int, minimize: bool) -> list[float]:
    """Return the mean of the best of n of `scores`, over all choices, for n from 1 to `longest`.

    There are no more of them than scores.

    >>> expected_best(np.array([0.5, 0.7, 0.9]), 5, minimize=False)
    [0.7, 0.833333333333, 0.9]
    """
    sign = -1.0 if minimize else 1.0
    ordered = np.sort(sign * scores)
    rank = np.arange(len(ordered) + 1)
    # How probable it is that n of them are all among the worst, by how many those are.
    among = np.ones(len(ordered) + 1)
    found = []
    for taken in range(min(longest, len(ordered))):
        among = among * np.maximum(rank - taken, 0) / (len(ordered) - taken)
        found.append(round(sign * float(np.diff(among) @ ordered), _DIGITS))
    return found


def _finite(values: Floats) -> Sequence[float | None]:
    """Return a curve with None where it has no bound, as a loss has none above."""
    return [round(float(v), _DIGITS) if np.isfinite(v) else None for v in np.asarray(values)]
