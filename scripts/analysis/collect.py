"""The runs that a study plans, as one table: a row a run.

Nothing is searched for: the plan says which runs there are, and each is read and checked
(`scripts.analysis.runfiles`). A run that is missing, damaged or not the planned one is refused.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.analysis import runfiles
from scripts.study import plan
from scripts.study.documents import read_chosen, read_finalists
from scripts.study.errors import StudyError
from scripts.study.files import read_json, write_text
from scripts.study.hyperparameters import HYPERPARAMETERS, Value
from scripts.study.plan import ALL_STAGES, STAGES, Study
from scripts.study.search_files import read_batch

# Columns of summary/runs.csv; the stages' own tables leave out `seconds`, so that they are the
# same bytes when the same study runs again.
COLUMNS = (
    "run",
    "stage",
    "stages",
    "trial",
    "seed",
    "status",
    "objective",
    *runfiles.METRICS,
    "best_epoch",
    *HYPERPARAMETERS,
    "seconds",
)
# Further columns of confirm/results.csv: the held-out test split's metrics.
TEST_COLUMNS = tuple(f"test_{name}" for name in runfiles.METRICS)


@dataclass(frozen=True)
class Planned:
    """The runs of a study by name, and the names of each stage's runs in the stage's order."""

    runs: Mapping[str, plan.Run]
    stages: Mapping[str, Sequence[str]]

    def names(self, stages: Iterable[str]) -> list[str]:
        """Return the names of the runs of `stages`, stage after stage, each once."""
        return list(dict.fromkeys(name for stage in stages for name in self.stages[stage]))


def planned(
    study: Study, folder: Path, chosen: Sequence[str], stages: Sequence[str] = STAGES
) -> Planned:
    """Return the runs of `stages` that the study plans; other stages have none.

    Args:
        study: the resolved study.
        folder: the study's folder, which holds the Optuna batches and the finalists.
        chosen: the hyperparameters of the grid.
        stages: what to plan; files of other stages need not be there.
    """
    ways: dict[str, Callable[[], Sequence[plan.Run]]] = {
        "baseline": lambda: plan.baseline_runs(study),
        "screen": lambda: plan.screen_runs(study),
        "grid": lambda: plan.grid_runs(study, chosen),
        "refine": lambda: plan.refine_runs(study),
        "optuna": lambda: _trials(study, folder),
        "confirm": lambda: _confirmations(study, folder),
    }
    ahead = {stage: ways[stage]() if stage in stages else () for stage in ALL_STAGES}
    runs = {run.name: run for stage in ALL_STAGES for run in ahead[stage]}
    return Planned(runs, {stage: [run.name for run in ahead[stage]] for stage in ALL_STAGES})


def collect(
    study: Study,
    folder: Path,
    stages: Sequence[str] = STAGES,
    chosen: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the runs of `stages` as a table with the columns `COLUMNS`.

    With the confirmation among the stages there are the columns `TEST_COLUMNS` as well.
    Rows stand in the order of the stages, and in each stage's own order; a run of several stages
    stands once. `chosen` is read from screen/chosen.json unless given. Raises `StudyError` for the
    first run that is not as planned.
    """
    chosen = read_chosen(study, folder) if chosen is None else chosen
    runs = planned(study, folder, chosen, stages)
    return collect_planned(study, folder, runs, stages)


def collect_planned(
    study: Study, folder: Path, runs: Planned, stages: Sequence[str] = STAGES
) -> pd.DataFrame:
    """Return the table of `collect` for runs that are already planned."""
    info = read_info(folder)
    expected = runfiles.Expected(
        study["objective"]["metric"],
        study["objective"]["direction"],
        study["training"]["precision"],
        info["fingerprint"],
        test_examples(info) > 0,
    )
    trials = {name: number for number, name in enumerate(runs.stages["optuna"], start=1)}
    weights: tuple[str | None, str] | None = None
    if study["model"]["sha256"] is not None:
        weights = study["model"]["sha256"], "the config's model"
    rows = []
    for name in runs.names(stages):
        run = runs.runs[name]
        home = folder / "runs" / name
        trial = name in trials
        runfiles.read_run(
            home / "run.json", run.hyperparameters, run.seed, trial=trial, test=run.test
        )
        path = home / "metrics.json"
        result = runfiles.read_metrics(
            path, run.hyperparameters, run.seed, expected, trial=trial, test=run.test
        )
        if weights is None:
            weights = result.weights, name
        elif result.weights != weights[0]:
            runfiles.refuse(
                path,
                f"model.sha256 is {result.weights!r}, but {weights[1]} has {weights[0]!r}",
            )
        rows.append(
            {
                "run": name,
                "trial": trials.get(name),
                "seed": run.seed,
                "status": result.status,
                "objective": result.objective,
                **result.metrics,
                "best_epoch": result.best_epoch,
                **run.hyperparameters,
                "seconds": runfiles.read_seconds(home / "benchmark.tsv"),
                **{f"test_{key}": value for key, value in (result.test or {}).items()},
            }
        )
    return with_stages(_frame(rows, TEST_COLUMNS * ("confirm" in stages)), runs, stages)


def with_stages(frame: pd.DataFrame, runs: Planned, stages: Sequence[str] = STAGES) -> pd.DataFrame:
    """Return the table with `stage` (a run's first) and `stages` (all, joined by ;) filled in.

    Only `stages` count: the table of an early stage does not change when a later one grows.
    """
    members: dict[str, list[str]] = {}
    for stage in stages:
        for name in runs.stages[stage]:
            members.setdefault(name, []).append(stage)
    found = [members[name] for name in frame["run"]]
    return frame.assign(
        stage=pd.Series([names[0] for names in found], index=frame.index, dtype=object),
        stages=pd.Series([";".join(names) for names in found], index=frame.index, dtype=object),
    )


def write_table(path: Path, frame: pd.DataFrame, seconds: bool = False) -> None:
    """Write the table as CSV: floats by repr, what is missing as an empty cell."""
    columns = [column for column in COLUMNS if seconds or column != "seconds"]
    write_text(path, frame.to_csv(columns=columns, index=False, lineterminator="\n"))


def read_info(folder: Path) -> dict[str, Any]:
    """Return data/info.json of the study in `folder`, its fingerprint and validation size checked.

    Raises `StudyError` where the file is not what `scripts.prepare` writes.
    """
    path = folder / "data" / "info.json"
    info = read_json(path)
    cure = "delete the file and run snakemake again"
    if not isinstance(info, dict) or not isinstance(info.get("fingerprint"), str):
        raise StudyError(f"{path}: fingerprint is missing or not a text; {cure}")
    try:
        examples = info["splits"]["validation"]["examples"]
    except (KeyError, TypeError):
        examples = None
    if type(examples) is not int or examples < 1:
        raise StudyError(
            f"{path}: splits.validation.examples is {examples!r}, not a whole number >= 1; {cure}"
        )
    if not isinstance(info.get("majority", {}), dict):
        raise StudyError(f"{path}: majority is not a score by metric; {cure}")
    return info


def test_examples(info: Mapping[str, Any]) -> int:
    """Return how many labelled examples the test split has; 0 without one or without labels."""
    return sum(info["splits"].get("test", {}).get("by_class", ()))


def _frame(rows: Sequence[Mapping[str, object]], further: Sequence[str]) -> pd.DataFrame:
    """Return rows as a table whose column types do not depend on what happens to be missing.

    `further` are columns of numbers beside `COLUMNS`.
    """
    numbers = ("objective", *runfiles.METRICS, "seconds", *further)
    types: dict[str, str] = dict.fromkeys(numbers, "float64")
    types |= {"run": "object", "status": "object", "seed": "int64"}
    types |= {"trial": "Int64", "best_epoch": "Int64"}
    kinds = {"float": "float64", "int": "int64", "categorical": "object"}
    types |= {name: kinds[spec.kind] for name, spec in HYPERPARAMETERS.items()}
    return pd.DataFrame(rows, columns=[*COLUMNS, *further]).astype(types)


def _confirmations(study: Study, folder: Path) -> list[plan.Run]:
    """Return the runs on fresh seeds; none where the confirmation is off."""
    if not plan.fresh_seeds(study):
        return []
    return plan.confirm_runs(study, [one["hyperparameters"] for one in read_finalists(folder)])


def _trials(study: Study, folder: Path) -> list[plan.Run]:
    """Return the Optuna trials with the values that their batches propose, in trial order."""
    proposals: dict[int, dict[int, Mapping[str, Value]]] = {}
    runs = []
    for trial, name in enumerate(plan.trial_runs(study), start=1):
        batch = plan.batch_of(study, trial)
        path = folder / "optuna" / f"batch-{batch:04d}.json"
        if batch not in proposals:
            found = read_batch(path)["trials"]
            proposals[batch] = {entry["trial"]: entry["hyperparameters"] for entry in found}
        values = proposals[batch].get(trial)
        if values is None:
            raise StudyError(
                f"{path}: trial {trial} is missing; delete the file and run snakemake again"
            )
        runs.append(plan.Run(name, values, study["seed"]))
    return runs
