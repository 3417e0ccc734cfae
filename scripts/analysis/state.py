"""How far a study is, from its files alone: what is done, at work, failed and left.

Nothing is written, and nothing that takes time to import is used: a study is looked at while it
runs, and often.
"""

import json
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from scripts.analysis.foreseen import Runs, foreseen
from scripts.analysis.logs import at_work
from scripts.study import plan
from scripts.study.files import read_object
from scripts.study.hyperparameters import Value
from scripts.study.names import departures
from scripts.study.plan import ALL_STAGES, STAGES, Study

Kind = Literal["done", "running", "failed", "left"]


@dataclass(frozen=True)
class Stage:
    """How many runs of a stage there are, and how many of them are where.

    `known` is False where the runs follow from earlier ones: `planned` is then the most there
    can be.
    """

    name: str
    planned: int
    known: bool
    done: int
    running: int
    failed: int

    @property
    def left(self) -> int:
        """Return how many runs have not begun."""
        return self.planned - self.done - self.running - self.failed

    @property
    def ended(self) -> bool:
        """Tell whether all runs are done."""
        return self.done == self.planned


@dataclass(frozen=True)
class Best:
    """The best run so far, by the rule of best.json, of the `of` runs that compete and have ended.

    `changed` tells whether it is another configuration than the baseline.
    """

    run: str
    stage: str
    objective: float
    of: int
    changed: bool


@dataclass
class State:
    """A study's progress.

    Attributes:
        study: its resolved config; `begun`: whether there is a study.json.
        stages: those that the study has, in their order; a run of two stages counts in each.
        total: the same over all runs, each counted once.
        seconds: how long the runs that are done took, by run, where that is known.
        pruned, diverged, lost: how many of them ended so; lost are the trials of Optuna that failed
            as often as they were tried.
        running, failed: the last line that these runs wrote, by run.
        best: None before the first run completed.
        baseline: its objective on each seed that completed.
        verdict: the sentence of verdict.json; `report`: whether there is a report.
    """

    study: Study
    begun: bool
    stages: list[Stage]
    total: Stage
    seconds: dict[str, float] = field(default_factory=dict)
    pruned: int = 0
    diverged: int = 0
    lost: int = 0
    running: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    best: Best | None = None
    baseline: list[float] = field(default_factory=list)
    verdict: str | None = None
    report: bool = False

    @property
    def to_go(self) -> float | None:
        """Return about how many seconds are left, as many runs at once as now; None if unknown.

        What runs now counts as half done.
        """
        if not self.seconds:
            return None
        waiting = self.total.left + self.total.failed + self.total.running / 2
        return waiting * statistics.mean(self.seconds.values()) / max(1, self.total.running)


def look(study: Study, folder: Path) -> State:
    """Return the state of the resolved `study` whose files lie in `folder`, if any do."""
    planned = {stage: foreseen(study, folder, stage) for stage in ALL_STAGES}
    runs = {name: run for found, _ in planned.values() for name, run in found.items()}
    logs = _names(folder / "logs" / "train")
    folders = _names(folder / "runs")
    state = State(study, (folder / "study.json").exists(), [], Stage("all", 0, True, 0, 0, 0))
    kinds: dict[str, Kind] = {}
    completed: dict[str, tuple[float, float]] = {}
    for name, values in runs.items():
        found = _metrics(study, folder, name, values) if name in folders else None
        kinds[name] = "done" if found else "left"
        if found:
            state.pruned += found["status"] == "pruned"
            state.diverged += found["status"] == "diverged"
            state.lost += found["status"] == "failed"
            if found["status"] == "complete":
                completed[name] = found["objective"]["value"], found["epochs"][-1]["loss"]
            seconds = _seconds(folder / "runs" / name / "benchmark.tsv")
            if seconds is not None:
                state.seconds[name] = seconds
        elif f"{name}.log" in logs:
            kinds[name], line = at_work(folder / "logs" / "train" / f"{name}.log")
            if kinds[name] in ("running", "failed"):
                getattr(state, kinds[name])[name] = line
    for stage, (found_runs, most) in planned.items():
        if most:
            counted = _count(stage, [kinds[name] for name in found_runs], most, bool(found_runs))
            state.stages.append(counted)
    unknown = sum(stage.planned for stage in state.stages if not stage.known)
    known = all(stage.known for stage in state.stages)
    state.total = _count("all", list(kinds.values()), len(kinds) + unknown, known)
    members = {stage: list(found_runs) for stage, (found_runs, _) in planned.items()}
    ended = [name for name, kind in kinds.items() if kind == "done"]
    state.best = _best(study, members, runs, completed, ended)
    seeds = (run.name for run in plan.baseline_runs(study))
    state.baseline = [completed[name][0] for name in seeds if name in completed]
    state.report = (folder / "report.html").exists()
    if plan.fresh_seeds(study) and state.total.ended and (folder / "verdict.json").exists():
        state.verdict = read_object(folder / "verdict.json", "verdict")["verdict"]
    return state


def _count(name: str, kinds: Sequence[Kind], planned: int, known: bool) -> Stage:
    done, running, failed = (kinds.count(kind) for kind in ("done", "running", "failed"))
    return Stage(name, planned, known, done, running, failed)


def _names(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries}
    except OSError:
        return set()


def _metrics(
    study: Study, folder: Path, name: str, values: Mapping[str, Value] | None
) -> dict[str, Any] | None:
    """Return a run's metrics.json; None where it is absent or of what the study no longer plans."""
    try:
        # Plain open and loads: of 10,000 runs every layer counts.
        with open(folder / "runs" / name / "metrics.json", "rb") as stream:
            document = json.loads(stream.read())
        fits = (
            document["hyperparameters"] == values
            and document["objective"]["metric"] == study["objective"]["metric"]
            and document["status"] in ("complete", "pruned", "diverged", "failed")
        )
        if fits and document["status"] == "complete":
            fits = all(
                isinstance(value, float | int)
                for value in (document["objective"]["value"], document["epochs"][-1]["loss"])
            )
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
    return document if fits else None


def _seconds(path: Path) -> float | None:
    """Return the wall time in Snakemake's benchmark.tsv, of which it is the first column."""
    try:
        with open(path, "rb") as stream:
            return float(stream.read().split(b"\n")[1].split(b"\t")[0])
    except (OSError, ValueError, IndexError):
        return None


def _best(
    study: Study,
    stages: Mapping[str, Sequence[str]],
    runs: Runs,
    completed: Mapping[str, tuple[float, float]],
    ended: Sequence[str],
) -> Best | None:
    """Return the best run so far; ties as in best.json."""
    baseline = plan.baseline_values(study)
    sign = -1.0 if study["objective"]["direction"] == "maximize" else 1.0
    first = {name: stage for stage in reversed(STAGES) for name in stages[stage]}
    suffix = f"-seed{study['seed']}"

    def score(name: str) -> tuple[float, float]:
        objective, loss = completed[name]
        return sign * objective, loss

    def simplicity(name: str) -> tuple[int, int, str]:
        changes = len(departures(runs[name] or {}, baseline))
        return changes, STAGES.index(first[name]), name

    tried = [name for name in ended if name in first and name.endswith(suffix)]
    able = [name for name in tried if name in completed]
    if not able:
        return None
    peak = min(map(score, able))
    found = min((name for name in able if score(name) == peak), key=simplicity)
    changed = simplicity(found)[0] > 0
    return Best(found, first[found], completed[found][0], len(tried), changed)
