"""Which run of a finished study the final model is: the report's recommendation, on one seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.analysis.words import diverged
from scripts.study import plan
from scripts.study.files import read_json, read_object
from scripts.study.plan import Study


@dataclass(frozen=True)
class Recommended:
    """The run, `None` where no run completed, and in words why it is this one."""

    run: str | None
    why: str


def recommended(study: Study, folder: Path) -> Recommended:
    """Return the confirmed winner's run on the study's seed, the baseline's where none is.

    Without a confirmation it is the best run of the search. Reads best.json and verdict.json.
    """
    best = read_object(folder / "best.json", "run")
    if best["run"] is None:
        return Recommended(None, "No run of the study came to its end, so there is no model.")
    if not plan.fresh_seeds(study):
        return Recommended(
            best["run"], "The best run of the search; nothing was confirmed on fresh seeds."
        )
    verdict = read_object(folder / "verdict.json", "winner", "finalists", "baseline")
    if verdict["winner"] is not None:
        winner = verdict["finalists"][verdict["winner"] - 1]
        return Recommended(
            winner["run"],
            "Shown to be better than the baseline on fresh seeds; this is its run in the search.",
        )
    why = (
        "The baseline: nothing that the search found is shown to be better than it on fresh seeds."
    )
    lost, seeds = diverged(verdict["baseline"])
    why += f" It diverged on {lost} of {seeds} of them." if lost else ""
    for run in plan.baseline_runs(study):
        if _metrics(folder, run.name)["status"] == "complete":
            return Recommended(run.name, why)
    return Recommended(
        best["run"],
        "The best run of the search; the baseline did not complete on any seed of the search.",
    )


def _metrics(folder: Path, run: str) -> Mapping[str, Any]:
    return dict(read_json(folder / "runs" / run / "metrics.json"))
