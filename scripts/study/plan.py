"""Which runs a study plans, stage by stage. A run that two stages plan is one run."""

import itertools
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scripts.study import designs
from scripts.study.hyperparameters import Value
from scripts.study.names import run_name, trial_name, trial_number

# The stages whose runs compete for best, and all stages: the confirmation only looks back at them.
STAGES = ("baseline", "screen", "grid", "refine", "optuna")
ALL_STAGES = (*STAGES, "confirm")
# The confirmation's first seed, counted from the study's. The config allows the baseline at most
# as many seeds of its own, so that no seed is both.
FRESH = 1000

Study = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """A run that is planned ahead: its name, all its hyperparameters and its seed.

    `test` tells whether it is also evaluated on the held-out test split.
    """

    name: str
    hyperparameters: Mapping[str, Value]
    seed: int
    test: bool = False


def baseline_values(study: Study) -> dict[str, Value]:
    """Return every hyperparameter's baseline value by name."""
    return {name: block["baseline"] for name, block in study["hyperparameters"].items()}


def _runs(study: Study, changes: Iterable[Mapping[str, Value]], seed: int) -> list[Run]:
    """Return one run for each mapping of changed hyperparameters, each run once."""
    baseline = baseline_values(study)
    runs: dict[str, Run] = {}
    for change in changes:
        values = {**baseline, **change}
        name = run_name(values, baseline, seed)
        runs.setdefault(name, Run(name, values, seed, seed in fresh_seeds(study)))
    return list(runs.values())


def baseline_runs(study: Study) -> list[Run]:
    """Return the baseline on the seeds `seed`, `seed + 1`, ...: the noise floor."""
    seeds = range(study["seed"], study["seed"] + study["baseline"]["seeds"])
    return [run for seed in seeds for run in _runs(study, [{}], seed)]


def fresh_seeds(study: Study) -> range:
    """Return the seeds that only the confirmation uses; none where it is off.

    A run on one of them, and no other run, is evaluated on the held-out test split.
    """
    first = study["seed"] + FRESH
    return range(
        first, first + study["confirm"]["seeds"] * bool(study["confirm"]["configurations"])
    )


def confirm_runs(study: Study, finalists: Sequence[Mapping[str, Value]]) -> list[Run]:
    """Return the baseline and the finalists, given by their hyperparameters, on the fresh seeds.

    Configuration by configuration, the baseline first. Without finalists there is nothing to
    confirm, and no run.
    """
    changes = [{}, *finalists] if finalists else []
    return [
        run
        for change in changes
        for seed in fresh_seeds(study)
        for run in _runs(study, [change], seed)
    ]


def screen_runs(study: Study) -> list[Run]:
    """Return the screening runs: the design's, or one factor at a time, then those listed."""
    return _runs(study, [*_screening(study), *study["screen"]["configurations"]], study["seed"])


def _screening(study: Study) -> list[dict[str, Value]]:
    """Return what each run that the screening makes up by itself changes."""
    if designs.design_of(study):
        return designs.points(study)
    return [
        {name: value}
        for name, block in study["hyperparameters"].items()
        for value in block.get("screen", ())
    ]


def design_runs(study: Study) -> list[Run]:
    """Return the runs of the screening design, without listed ones; none without a design."""
    if not designs.design_of(study):
        return []
    return _runs(study, designs.points(study), study["seed"])


def screened(study: Study) -> list[str]:
    """Return the hyperparameters that the screening varies, listed configurations included.

    One whose values are all the baseline's is not varied.
    """
    own, changes, baseline = set(), study["screen"]["configurations"], baseline_values(study)
    if designs.design_of(study):
        own = {factor.name for factor in designs.factors(study)}
    else:
        changes = [*_screening(study), *changes]
    for change in changes:
        own |= {name for name, value in change.items() if value != baseline[name]}
    return [name for name in study["hyperparameters"] if name in own]


def refine_runs(study: Study) -> list[Run]:
    """Return the listed configurations around the grid's best."""
    return _runs(study, study["refine"]["configurations"], study["seed"])


def candidates(study: Study) -> list[str]:
    """Return the hyperparameters that the ranking may choose: those that each later stage knows."""
    needed = []
    if study["grid"]["enabled"]:
        needed.append("grid")
    if study["optuna"]["trials"]:
        needed.append("search")
    return [
        name
        for name, block in study["hyperparameters"].items()
        if needed and all(key in block for key in needed)
    ]


def may_be_chosen(study: Study) -> list[str]:
    """Return what grid and Optuna may vary: the hyperparameters named, else the candidates."""
    named = study["rank"]["hyperparameters"]
    return candidates(study) if named is None else list(named)


def searched_lengths(study: Study) -> list[int]:
    """Return every `max_seq_length` that a trial may have, the shortest first."""
    return searched_values(study, "max_seq_length")  # type: ignore[return-value]


def grid_runs(study: Study, chosen: Sequence[str]) -> list[Run]:
    """Return the full factorial over the chosen hyperparameters, in a seeded random order.

    In a random order half a grid already tells something of every hyperparameter. The order
    depends on each run's own name, so that a grown grid keeps the order of the runs it had.
    """
    if not study["grid"]["enabled"]:
        return []
    names = [name for name in chosen if "grid" in study["hyperparameters"][name]]
    if not names:
        return []
    levels = [study["hyperparameters"][name]["grid"] for name in names]
    points = [dict(zip(names, point, strict=True)) for point in itertools.product(*levels)]
    runs = _runs(study, points, study["seed"])
    return sorted(runs, key=lambda run: turn(study, run.name))


def turn(study: Study, name: str) -> float:
    """Return when a run's turn is among those that could start: at random, from 0 to 1.

    It follows from the name alone. Optuna's trials come after all others, in trial order.
    """
    trial = trial_number(name)
    return random.Random(f"{study['seed']}:{name}").random() if trial is None else float(trial)


def trial_runs(study: Study) -> list[str]:
    """Return the names of the Optuna trials' slots, in trial order."""
    trials = range(1, study["optuna"]["trials"] + 1)
    return [trial_name(trial, study["seed"]) for trial in trials]


def batches(study: Study) -> int:
    """Return the number of batches that hold the study's trials."""
    trials, size = int(study["optuna"]["trials"]), int(study["optuna"]["batch_size"])
    return -(-trials // size)


def batch_of(study: Study, trial: int) -> int:
    """Return the number of the batch, counted from 1, that trial `trial` belongs to."""
    return (trial - 1) // int(study["optuna"]["batch_size"]) + 1


def searched_values(study: Study, name: str) -> list[Value]:
    """Return every value that a whole-number or categorical hyperparameter may take in a trial.

    That is its baseline and, where it may be chosen, what its search block holds.
    """
    block = study["hyperparameters"][name]
    search = block.get("search", {}) if name in may_be_chosen(study) else {}
    if "choices" in search:
        values = list(search["choices"])
    elif search:
        values = list(range(search["low"], search["high"] + 1, search.get("step") or 1))
    else:
        values = []
    return sorted({block["baseline"], *values})


def split_seed(study: Study) -> dict[str, Any]:
    """Return the seed that cuts a validation split off; other studies' data depend on none."""
    return {"seed": study["seed"]} if study["splits"].get("validation_share") else {}


def source(study: Study) -> dict[str, Any]:
    """Return what the command that reads the data is told: where they are, and what they mean."""
    keys = ("dataset", "columns", "splits", "labels")
    return {key: study[key] for key in keys} | split_seed(study)


def training_options(study: Study) -> dict[str, Any]:
    """Return what every training is told of the config beside its run.

    The rest of `training` is what a machine gives it, and changes no result.
    """
    keys = ("precision", "eval_batch_size", "threads")
    return {key: study["training"][key] for key in keys}


def lengths(study: Study) -> list[int]:
    """Return every `max_seq_length` that a run of the study may have, the shortest first."""
    runs = [*baseline_runs(study), *screen_runs(study), *refine_runs(study)]
    name = "max_seq_length"
    levels = study["hyperparameters"][name].get("grid", []) if name in may_be_chosen(study) else []
    return sorted(
        {
            *(run.hyperparameters[name] for run in runs),
            *levels,
            *searched_lengths(study),
        }
    )
