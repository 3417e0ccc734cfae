"""What a supervisor would say on seeing the study's runs, each with the figures behind it.

Each rule (`RULES`) looks at the runs and gives advice only where its figures say so; a study to
which none applies gets none. Advice says what to look at next, not what is true: significance is
the verdict's business.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from scripts.analysis.comparison import rank_runs, short
from scripts.analysis.luck import NOISE
from scripts.analysis.noise import spread
from scripts.analysis.regions import coordinates, largest_gap, region_of, tried_range
from scripts.study import plan
from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.study.plan import Study
from scripts.study.search import distributions, points

# A value is on the edge within so much of the range tried, on the scale that is searched.
EDGE = 0.05
# So much of the range without any run is a gap.
GAP = 1 / 3
# Runs a searched hyperparameter, after Loeppky, Sacks and Welch (Technometrics 51, 2009).
ENOUGH = 10
# How many of the best runs are looked at for whether they were still improving.
TOP = 5
RULES = (
    f"edge: the best run's value of a chosen hyperparameter lies within {EDGE:.0%} of an end of"
    " what was tried, no run inside scores the same, and further values are possible",
    f"under-sampled: fewer than {ENOUGH} configurations that completed for each chosen"
    " hyperparameter, or than there are, counting those that change nothing else",
    f"gap: no run in more than {GAP:.0%} of the range of a chosen hyperparameter, where it could"
    " have values",
    f"still improving: one of the {TOP} best runs was best after its last epoch, which gained more"
    " than the baseline's sd (one validation example, where there is no sd)",
    "diverged: at least one run diverged; the region named holds all of them, and at least half of"
    " its runs diverged",
    "trade-off: an interaction of the grid stands out of the noise, and which level of one"
    " hyperparameter is best depends on the other's level",
)
_DIGITS = 12

Advice = dict[str, Any]


def advise(
    study: Study,
    frame: pd.DataFrame,
    chosen: Sequence[str],
    epochs: Callable[[str], Sequence[float]],
    interactions: Sequence[Mapping[str, Any]],
    example: float,
) -> dict[str, Any]:
    """Return what summary/advice.json holds: the advice, and the rules behind it.

    Args:
        study: the resolved study.
        frame: its runs of the search (`collect`).
        chosen: the hyperparameters of grid and Optuna.
        epochs: returns a run's objective after each of its epochs.
        interactions: the rows of grid/interactions.csv.
        example: how much accuracy one validation example is worth.
    """
    ranked = rank_runs(study, frame)
    found = [
        *edges(study, frame, ranked, chosen),
        *under_sampled(study, frame, chosen),
        *still_improving(study, frame, ranked, epochs, example),
        *diverged(study, frame),
        *trade_offs(study, frame, interactions),
    ]
    return {"advice": found, "rules": list(RULES)}


def noise_of(frame: pd.DataFrame) -> float | None:
    """Return the sd of the baseline's objective over its seeds; None where it is not known."""
    seeds = frame[(frame["stage"] == "baseline") & (frame["status"] == "complete")]
    return spread(seeds["objective"].tolist()).sd


def edges(
    study: Study, frame: pd.DataFrame, ranked: pd.DataFrame, chosen: Sequence[str]
) -> list[Advice]:
    """Return for which chosen hyperparameters the best run lies at the end of what was tried."""
    found: list[Advice] = []
    sd, sign = noise_of(frame), _sign(study)
    for name in chosen if len(ranked) else ():
        ends = tried_range(study, frame, name)
        if ends is None:
            continue
        low, high, log = ends
        places = coordinates(ranked[name].tolist(), low, high, log)
        upper = places[0] > 0.5
        end = high if upper else low
        if EDGE < places[0] < 1 - EDGE or not _further(name, end, upper):
            continue
        best = float(ranked["objective"].iloc[0])
        inside = ranked[(places > EDGE) & (places < 1 - EDGE)]
        tied = ranked["objective"] == best
        if tied.all() or tied[inside.index].any():
            continue
        value = ranked[name].iloc[0]
        words = (
            f"the best run's {name}, {short(value)}, lies at the {'upper' if upper else 'lower'}"
            f" end of what was tried ({short(low)} to {short(high)}); try"
            f" {'higher' if upper else 'lower'} values"
        )
        figures: dict[str, Any] = {"best": best}
        if len(inside):
            inner = float(inside["objective"].iloc[0])
            loss = sign * (best - inner)
            figures |= {"best_inside": inner, "difference": round(loss, _DIGITS)}
            if sd is not None and loss <= NOISE * sd:
                words += f", though a run inside the range scores within the noise ({inner:.4f})"
        if sd is not None:
            figures["sd"] = sd
        found.append(_advice("edge", words, figures, name))
    return found


def _further(name: str, end: float, upper: bool) -> bool:
    """Return whether values beyond `end` are possible at all."""
    spec = HYPERPARAMETERS[name]
    return end < spec.high if upper else end > spec.low


def _space(study: Study, name: str) -> Mapping[str, Any]:
    """Return where values of a hyperparameter can lie; empty where there is no end of them."""
    found: Mapping[str, Any] = study["hyperparameters"][name].get("search", {})
    choices = HYPERPARAMETERS[name].choices
    return found or ({"choices": choices} if choices else {})


def under_sampled(study: Study, frame: pd.DataFrame, chosen: Sequence[str]) -> list[Advice]:
    """Return whether the chosen hyperparameters' space has too few runs, or a gap."""
    baseline = plan.baseline_values(study)
    completed = frame[frame["status"] == "complete"]
    inside = completed
    for name in HYPERPARAMETERS:
        if name not in chosen:
            inside = inside[inside[name] == baseline[name]]
    found = []
    amount = len(inside.drop_duplicates(subset=list(chosen))) if chosen else 0
    wanted = ENOUGH * len(chosen)
    blocks = {name: _space(study, name) for name in chosen}
    if all(blocks.values()):
        wanted = min(wanted, points(distributions(blocks)))
    if amount < wanted:
        where = f"{ENOUGH} for each hyperparameter make"
        if wanted < ENOUGH * len(chosen):
            where = "it has only"
        by_grid = study["grid"]["enabled"] and not study["optuna"]["trials"]
        more = "values to the grid" if by_grid else "trials"
        words = (
            f"the space of {' and '.join(chosen)} is under-sampled: {amount} configurations"
            f" completed in it, where {where} {wanted}; add {more}"
        )
        counts = {"configurations": amount, "wanted": wanted}
        found.append(_advice("under-sampled", words, counts, *chosen))
    for name in chosen:
        ends = tried_range(study, frame, name)
        if ends is None or "choices" in study["hyperparameters"][name].get("search", {}):
            continue
        gap = largest_gap(completed[name].tolist(), *ends)
        if gap is not None and gap[2] > GAP:
            low, high, share = gap
            if high - low <= _step(study, name) * (1 + 1e-9):
                continue  # nothing lies between
            words = (
                f"no run that completed has a {name} between {short(low)} and {short(high)},"
                f" {share:.0%} of the range{' on its logarithmic scale' if ends[2] else ''}"
            )
            figures = {"from": low, "to": high, "share": round(share, 6)}
            found.append(_advice("gap", words, figures, name))
    return found


def _step(study: Study, name: str) -> float:
    """Return how far apart a hyperparameter's values are at least; 0 where they may be anything."""
    whole = 1.0 if HYPERPARAMETERS[name].kind == "int" else 0.0
    return float(study["hyperparameters"][name].get("search", {}).get("step") or whole)


def still_improving(
    study: Study,
    frame: pd.DataFrame,
    ranked: pd.DataFrame,
    epochs: Callable[[str], Sequence[float]],
    example: float,
) -> list[Advice]:
    """Return whether the best runs had not yet come to rest."""
    sign, sd = _sign(study), noise_of(frame)
    least = sd or (0.0 if study["objective"]["metric"] == "loss" else example)
    top = ranked["run"].head(TOP).tolist()
    gains: dict[str, float] = {}
    for run in top:
        scores = [sign * score for score in epochs(run)]
        if len(scores) > 1 and scores[-1] == max(scores) and scores[-1] - scores[-2] > least:
            gains[run] = round(scores[-1] - scores[-2], _DIGITS)
    if not gains:
        return []
    first = next(iter(gains))
    beside = f", where {least:.4f} would be {'the noise' if sd else 'one example'}" if least else ""
    words = (
        f"{len(gains)} of the {len(top)} best runs were still improving at their last epoch:"
        f" {first} by {gains[first]:.4f} in it{beside}; train for more epochs (num_train_epochs)"
    )
    figures = {"runs": len(gains), "of": len(top), "gain_in_last_epoch": gains[first],
               "least": least}  # fmt: skip
    return [_advice("still improving", words, figures, "num_train_epochs")]


def diverged(study: Study, frame: pd.DataFrame) -> list[Advice]:
    """Return in which region training diverged; that it did, where no region tells."""
    lost = frame["status"] == "diverged"
    amount = int(lost.sum())
    if not amount:
        return []
    names = [name for name in HYPERPARAMETERS if frame[name].nunique() > 1]
    regions = [one for name in names if (one := region_of(frame[name], lost)) is not None]
    figures: dict[str, Any] = {"diverged": amount, "runs": len(frame)}
    if not regions:
        words = (
            f"training diverged in {amount} of {len(frame)} runs, which have no value in common"
            " that the others lack; look at their logs"
        )
        return [_advice("diverged", words, figures)]
    best = max(regions, key=lambda one: (one.diverged / one.runs, -one.runs))
    words = (
        f"training diverged in {best.diverged} of the {best.runs} runs with {best.words}, and"
        " nowhere else; keep out of there, or add warmup and clip gradients"
    )
    figures |= {"region": best.words, "runs_in_region": best.runs}
    return [_advice("diverged", words, figures, best.name)]


def trade_offs(
    study: Study, frame: pd.DataFrame, interactions: Sequence[Mapping[str, Any]]
) -> list[Advice]:
    """Return which pairs of hyperparameters have no best level of their own."""
    member = [("grid" in str(names).split(";")) for names in frame["stages"]]
    grid = frame[np.array(member, dtype=bool) & (frame["status"] == "complete").to_numpy()]
    found = []
    for row in interactions:
        if row["kind"] != "interaction" or row["stands_out"] != 1:
            continue
        one, other = str(row["term"]).split(":")
        for moved, given in ((one, other), (other, one)):
            best = _best_levels(study, grid, moved, given)
            if len(set(best.values())) < 2:
                continue
            said = " and ".join(f"{short(v)} at {given} {short(at)}" for at, v in best.items())
            words = (
                f"{one} and {other} trade off: the best {moved} is {said}; tune them together, not"
                " one after the other"
            )
            figures = {"f": row["f"], "p_holm": row["p_holm"], "share": row["share"]}
            found.append(_advice("trade-off", words, figures, one, other))
            break
    return found


def _best_levels(study: Study, grid: pd.DataFrame, moved: str, given: str) -> dict[Any, Any]:
    """Return the level of `moved` with the best mean, for each level of `given`."""
    means = _sign(study) * grid.groupby([given, moved])["objective"].mean()
    return {level: means[level].idxmax() for level in sorted(set(grid[given].tolist()))}


def _sign(study: Study) -> float:
    return 1.0 if study["objective"]["direction"] == "maximize" else -1.0


def _advice(rule: str, words: str, figures: Mapping[str, Any], *names: str) -> Advice:
    return {
        "rule": rule,
        "advice": words,
        "hyperparameters": list(names),
        "figures": dict(figures),
    }
