"""The files of a finished study, read once: what every figure and the report look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.analysis.tables import read_table
from scripts.study import plan
from scripts.study.files import read_object
from scripts.study.hyperparameters import HYPERPARAMETERS, Value

METRICS = ("loss", "accuracy", "f1", "precision", "recall", "matthews_correlation")


@dataclass(frozen=True)
class Noise:
    """The baseline's objective over its seeds: mean and standard deviation (None for one seed)."""

    mean: float | None
    sd: float | None
    values: tuple[float, ...]

    @property
    def band(self) -> tuple[float, float] | None:
        """Return mean - 2 sd and mean + 2 sd, or None where there is no spread to speak of."""
        if self.mean is None or not self.sd:
            return None
        return self.mean - 2 * self.sd, self.mean + 2 * self.sd


@dataclass(frozen=True)
class Results:
    """A study's folder in memory.

    `runs` has a row a run of the search (summary/runs.csv), in the order of the stages, with
    `objective` NaN where the run diverged; `repeats` has the confirmation's, on fresh seeds, which
    never compete, and `fresh` the same with the test split's metrics (confirm/results.csv). Tables
    and mappings are empty where the study does not have the stage, or the file is absent.
    """

    folder: Path
    study: Mapping[str, Any]
    runs: pd.DataFrame
    ranking: pd.DataFrame
    chosen: Mapping[str, Any]
    best: Mapping[str, Any]
    info: Mapping[str, Any]
    repeats: pd.DataFrame
    fresh: pd.DataFrame
    verdict: Mapping[str, Any]
    provenance: Mapping[str, Any]
    interactions: pd.DataFrame
    importances: pd.DataFrame
    advice: Mapping[str, Any]
    searches: pd.DataFrame
    so_far: pd.DataFrame
    chance: pd.DataFrame

    @property
    def every_run(self) -> pd.DataFrame:
        """Return the runs of the search, then those of the confirmation."""
        if self.repeats.empty:
            return self.runs
        return pd.concat([self.runs, self.repeats], ignore_index=True)

    @property
    def metric(self) -> str:
        """Return the objective's name, such as `f1`."""
        return str(self.study["objective"]["metric"])

    @property
    def turned(self) -> str:
        """Return what to say of a difference, whose sign is always that of a gain."""
        return ", turned so that more is better" if self.sign < 0 else ""

    @property
    def sign(self) -> int:
        """Return 1 where more is better, -1 where less is."""
        return -1 if self.study["objective"]["direction"] == "minimize" else 1

    @property
    def noise(self) -> Noise:
        """Return the baseline's spread from seed to seed."""
        block = self.best.get("baseline") or {}
        values = tuple(v for v in block.get("values", ()) if v is not None)
        return Noise(block.get("mean"), block.get("sd"), values)

    @property
    def baseline(self) -> dict[str, Value]:
        """Return every hyperparameter's baseline value."""
        return plan.baseline_values(self.study)

    def stage(self, stage: str) -> pd.DataFrame:
        """Return the runs that belong to `stage`; `all` returns every run of the search."""
        if stage == "all":
            return self.runs
        return self.runs[[stage in str(names).split(";") for names in self.runs["stages"]]]

    def complete(self, runs: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return the runs that compete for best, best first; runs that tie keep their order.

        They are complete and on the study's seed: further seeds only measure the noise, and a
        configuration that is tried on more of them would have more chances.
        """
        runs = self.runs if runs is None else runs
        done = runs[(runs["status"] == "complete") & runs["objective"].notna()]
        done = done[done["seed"] == self.study["seed"]]
        return done.sort_values("objective", ascending=self.sign < 0, kind="stable")

    def history(self, run: str) -> pd.DataFrame:
        """Return a run's losses by step and metrics by epoch; empty where there are none."""
        path = self.folder / "runs" / run / "history.csv"
        return read_table(path) if path.exists() else pd.DataFrame()


def _optional_json(path: Path, *keys: str, wanted: bool = True) -> Mapping[str, Any]:
    return read_object(path, *keys) if wanted and path.exists() else {}


def _optional_csv(path: Path, wanted: bool = True) -> pd.DataFrame:
    return read_table(path) if wanted and path.exists() else pd.DataFrame()


def load(study_json: Path | str) -> Results:
    """Return the results of the study whose `study.json` is named.

    summary/runs.csv and best.json must be there; what stages that are off would have left need
    not be. Raises `StudyError` naming the file that is missing or lacks a column.
    """
    study_json = Path(study_json)
    folder = study_json.parent
    study = read_object(study_json)
    path = folder / "summary" / "runs.csv"
    needed = ("run", "stage", "stages", "trial", "seed", "status", "objective", "seconds")
    runs = read_table(path, (*needed, *METRICS, *HYPERPARAMETERS))
    runs["objective"] = pd.to_numeric(runs["objective"])
    repeats = runs["stage"] == "confirm"
    # A stage that was switched off may have left its files behind: they are of another study.
    confirmed = len(plan.fresh_seeds(study)) > 0
    return Results(
        folder=folder,
        study=study,
        runs=runs[~repeats].reset_index(drop=True),
        ranking=_optional_csv(folder / "screen" / "ranking.csv"),
        chosen=_optional_json(folder / "screen" / "chosen.json", "hyperparameters"),
        best=read_object(folder / "best.json", "run", "objective", "baseline", "comparison", "of"),
        info=_optional_json(folder / "data" / "info.json"),
        repeats=runs[repeats].reset_index(drop=True),
        fresh=_optional_csv(folder / "confirm" / "results.csv", confirmed),
        verdict=_optional_json(
            folder / "verdict.json", "verdict", "winner", "finalists", wanted=confirmed
        ),
        provenance=_optional_json(folder / "provenance.json"),
        interactions=_optional_csv(folder / "grid" / "interactions.csv", study["grid"]["enabled"]),
        importances=_optional_csv(folder / "summary" / "importances.csv"),
        advice=_optional_json(folder / "summary" / "advice.json"),
        searches=_optional_csv(folder / "summary" / "searches.csv"),
        so_far=_optional_csv(folder / "summary" / "best-so-far.csv"),
        chance=_optional_csv(folder / "summary" / "random-search.csv"),
    )
