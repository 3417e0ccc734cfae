"""The runs of a study that has not come to its end: those that are known, and how many at most."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from scripts.study import plan
from scripts.study.documents import read_chosen, read_finalists
from scripts.study.errors import StudyError
from scripts.study.hyperparameters import Value
from scripts.study.plan import Study
from scripts.study.search_files import read_batch

T = TypeVar("T")
# Runs by name, with their hyperparameters.
Runs = dict[str, Mapping[str, Value] | None]


def foreseen(study: Study, folder: Path, stage: str) -> tuple[Runs, int]:
    """Return a stage's runs with their values, as far as they are known, and how many at most.

    The values of a trial that was not asked for yet are None.
    """
    if stage == "optuna":
        proposed = _proposals(study, folder)
        trials: Runs = {name: proposed.get(name) for name in plan.trial_runs(study)}
        return trials, len(trials)
    if stage == "grid":
        return _grid(study, folder)
    if stage == "confirm":
        return _confirm(study, folder)
    ways = {"baseline": plan.baseline_runs, "screen": plan.screen_runs, "refine": plan.refine_runs}
    runs: Runs = {run.name: run.hyperparameters for run in ways[stage](study)}
    return runs, len(runs)


def _grid(study: Study, folder: Path) -> tuple[Runs, int]:
    if not study["grid"]["enabled"]:
        return {}, 0
    chosen = study["rank"]["hyperparameters"]
    if chosen is None:
        chosen = _known(read_chosen, study, folder)
    if chosen is not None:
        runs: Runs = {run.name: run.hyperparameters for run in plan.grid_runs(study, chosen)}
        return runs, len(runs)
    sizes = [len(study["hyperparameters"][name]["grid"]) for name in plan.candidates(study)]
    most = 1
    for size in sorted(sizes, reverse=True)[: study["rank"]["top"]]:
        most *= size
    return {}, most


def _confirm(study: Study, folder: Path) -> tuple[Runs, int]:
    seeds = len(plan.fresh_seeds(study))
    found = _known(read_finalists, folder)
    if not seeds or found == []:
        return {}, 0
    if found is None:
        return {}, (1 + study["confirm"]["configurations"]) * seeds
    runs: Runs = {
        run.name: run.hyperparameters
        for run in plan.confirm_runs(study, [one["hyperparameters"] for one in found])
    }
    return runs, len(runs)


def _proposals(study: Study, folder: Path) -> dict[str, Mapping[str, Value]]:
    """Return the hyperparameters of the trials that were asked for, by run."""
    names = plan.trial_runs(study)
    found = {}
    for batch in range(1, plan.batches(study) + 1):
        asked = _known(read_batch, folder / "optuna" / f"batch-{batch:04d}.json")
        for entry in asked["trials"] if asked else ():
            if entry["trial"] <= len(names):
                found[names[entry["trial"] - 1]] = entry["hyperparameters"]
    return found


def _known(read: Callable[..., T], *arguments: object) -> T | None:
    """Return what `read` does; None where the file is absent, damaged or just being made again."""
    try:
        return read(*arguments)
    except StudyError:
        return None
