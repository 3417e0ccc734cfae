"""Which run is the best, stage by stage and of the whole study, and how it was decided.

Only completed runs on the study's own seed compete: the baseline's other seeds measure the noise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from scripts.analysis import luck, noise
from scripts.analysis.collect import Planned
from scripts.analysis.runfiles import METRICS
from scripts.study import plan
from scripts.study.hyperparameters import HYPERPARAMETERS, Value
from scripts.study.names import departures
from scripts.study.plan import STAGES, Study

# The rows of the comparison: label and the stages whose runs it takes.
LABELS = {
    "baseline": ("baseline",),
    "best by hand": ("screen", "refine"),
    "best of grid": ("grid",),
    "best of Optuna": ("optuna",),
}
TIE_BREAK = (
    "runs with the same objective are ties; among them the first in this order is shown as best:"
    " lower validation loss, fewer hyperparameters that differ from the baseline, earlier stage"
    f" ({', '.join(STAGES)}), name in alphabetical order"
)


def rank_runs(study: Study, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the runs that compete for best, the best first: completed, on the study's seed.

    Ties stand in the order of `TIE_BREAK`.
    """
    baseline = plan.baseline_values(study)
    runs = frame[(frame["status"] == "complete") & (frame["seed"] == study["seed"])]
    sign = -1.0 if study["objective"]["direction"] == "maximize" else 1.0
    changes = [len(departures(values, baseline)) for values in values_of(runs)]
    keys = {
        "_objective": sign * runs["objective"],
        "_loss": runs["loss"],
        "_changes": pd.Series(changes, index=runs.index, dtype="int64"),
        "_stage": runs["stage"].map(STAGES.index).astype("int64"),
        "_run": runs["run"],
    }
    ranked: pd.DataFrame = runs.loc[pd.DataFrame(keys).sort_values(list(keys)).index]
    return ranked


def best(
    study: Study, frame: pd.DataFrame, runs: Planned, info: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what best.json holds.

    Where no run completed, `run` is null, `reason` says why, and what would describe it is null
    or empty.

    Args:
        study: the resolved study.
        frame: all its runs (`collect`).
        runs: the same runs as planned, for each stage's order.
        info: data/info.json.
    """
    ranked = rank_runs(study, frame)
    baseline = plan.baseline_values(study)
    # Runs that did not complete were tries as well.
    tries = int((frame["seed"] == study["seed"]).sum())
    winner = _entry(ranked, tries)
    values = winner["hyperparameters"]
    seeds = frame[(frame["stage"] == "baseline") & (frame["status"] == "complete")]
    floor = noise.spread(seeds["objective"].tolist())
    comparison = [
        _compare(study, label, names, ranked, floor)
        for label, stages in LABELS.items()
        if (names := [name for name in runs.names(stages) if runs.runs[name].seed == study["seed"]])
    ]
    document = {
        "run": winner["run"],
        "stage": None if winner["run"] is None else str(ranked["stage"].iloc[0]),
        "seed": study["seed"],
        "objective": {**study["objective"], "value": winner["objective"]},
        "metrics": winner["metrics"],
        "hyperparameters": values,
        "changed": {
            name: {"baseline": baseline[name], "best": value}
            for name, value in departures(values, baseline).items()
        },
        "chance": _chance(study, floor, winner["objective"], tries),
        "of": tries,
        "ties": winner["ties"],
        "tie_break": TIE_BREAK,
        "comparison": comparison,
        "baseline": {
            "mean": floor.mean,
            "sd": floor.sd,
            "interval": None if floor.interval is None else list(floor.interval),
            "confidence": noise.CONFIDENCE,
            "seeds": seeds["seed"].tolist(),
            "values": seeds["objective"].tolist(),
        },
        "agreement": _agreements(study, ranked),
        "example": noise.example_size(info["splits"]["validation"]["examples"]),
        "majority": {
            name: score for name, score in info.get("majority", {}).items() if name in METRICS
        },
    }
    if "reason" in winner:
        document["reason"] = winner["reason"]
    return document


def describe(study: Study, frame: pd.DataFrame) -> str:
    """Return one line on a table of runs, such as `18 runs, best f1 0.8991 (learning_rate=2e-05)`.

    The best of the line is the best among these runs on the study's seed.
    """
    counts = [
        f"{number} {status}"
        for status in ("diverged", "pruned", "failed")
        if (number := int((frame["status"] == status).sum()))
    ]
    text = f"{len(frame)} run{'' if len(frame) == 1 else 's'}"
    if counts:
        text += f" ({', '.join(counts)})"
    ranked = rank_runs(study, frame)
    if ranked.empty:
        return f"{text}, none completed" if len(frame) else text
    values = values_of(ranked.iloc[:1])[0]
    changed = departures(values, plan.baseline_values(study))
    words = " ".join(f"{name}={short(value)}" for name, value in changed.items()) or "baseline"
    return (
        f"{text}, best {study['objective']['metric']} {ranked['objective'].iloc[0]:.4f} ({words})"
    )


def short(value: Value) -> str:
    """Return a value as the console shows it: six digits are enough to recognise a run."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def values_of(frame: pd.DataFrame) -> list[dict[str, Value]]:
    """Return each row's hyperparameters as plain Python values."""
    columns = [frame[name].tolist() for name in HYPERPARAMETERS]
    return [dict(zip(HYPERPARAMETERS, row, strict=True)) for row in zip(*columns, strict=True)]


def _entry(ranked: pd.DataFrame, runs: int) -> dict[str, Any]:
    """Return the best of ranked runs and its ties; of `runs` in all, should none have completed."""
    if ranked.empty:
        return {
            "run": None,
            "objective": None,
            "metrics": {},
            "hyperparameters": {},
            "ties": [],
            "trial": None,
            "reason": f"none of {runs} runs completed: they diverged, failed or were pruned",
        }
    top = ranked.iloc[0]
    ties = ranked.loc[ranked["objective"] == top["objective"], "run"].tolist()
    return {
        "run": ties[0],
        "objective": float(top["objective"]),
        "metrics": {name: float(top[name]) for name in METRICS},
        "hyperparameters": values_of(ranked.iloc[:1])[0],
        "ties": ties[1:],
        "trial": None if pd.isna(top["trial"]) else int(top["trial"]),
    }


def _compare(
    study: Study, label: str, names: Sequence[str], ranked: pd.DataFrame, floor: noise.Spread
) -> dict[str, Any]:
    """Return the row of the comparison for the runs `names`, which stand in their stage's order.

    The baseline's further seeds do not compete, so they are not among the names.
    """
    entry = _entry(ranked[ranked["run"].isin(names)], len(names))
    found = None if entry["run"] is None else names.index(entry["run"]) + 1
    chance = _chance(study, floor, entry["objective"], len(names))
    return {"label": label, **entry, "found_at": found, "of": len(names), "chance": chance}


def _chance(study: Study, floor: noise.Spread, objective: float | None, runs: int) -> float | None:
    """Return how often luck alone gains as much in `runs` runs; None where nothing tells."""
    if objective is None or floor.mean is None:
        return None
    sign = 1.0 if study["objective"]["direction"] == "maximize" else -1.0
    return luck.chance(sign * (objective - floor.mean), floor.sd, floor.count, runs)


def _agreements(study: Study, ranked: pd.DataFrame) -> dict[str, dict[str, float | int | None]]:
    """Return how far each other metric ranks the competing runs as the objective does."""

    def better(metric: str) -> list[float]:
        return (ranked[metric] * (-1.0 if metric == "loss" else 1.0)).tolist()

    objective = study["objective"]["metric"]
    return {
        metric: asdict(noise.agreement(better(objective), better(metric)))
        for metric in METRICS
        if metric != objective
    }
