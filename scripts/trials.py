"""Collect the Optuna trials: as a table, and as a real Optuna storage for optuna-dashboard.

In: the study's trials and its warm start. Out: `optuna/trials.csv` and `optuna/study.db`.
"""

import argparse
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pandas as pd

from scripts.analysis.collect import collect, write_table
from scripts.analysis.comparison import describe
from scripts.study.documents import open_study
from scripts.study.errors import command
from scripts.study.failures import check_failed
from scripts.study.files import read_json, write_bytes
from scripts.study.search import distributions, frozen
from scripts.study.search_files import read_space, read_warm_start
from scripts.study.trial import Trial, epoch_values


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m scripts.trials", description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="results/<study>/study.json")
    study, folder = open_study(parser.parse_args().study)
    frame = collect(study, folder, ("optuna",))
    homes = [folder / "runs" / run for run in frame.loc[frame["status"] == "failed", "run"]]
    failed = {home: read_json(home / "metrics.json").get("failure", "no reason") for home in homes}
    check_failed(failed, study["optuna"]["max_failed"], len(frame))
    write_table(folder / "optuna" / "trials.csv", frame)
    write_bytes(folder / "optuna" / "study.db", storage(study, folder, frame))
    print(f"Optuna: {describe(study, frame)}")


def storage(study: Mapping[str, Any], folder: Path, frame: pd.DataFrame) -> bytes:
    """Return an SQLite file that holds the study as Optuna's own storage.

    Warm-start trials come first and carry the user attribute `warm_start`; every trial names its
    `run`. Failed here means diverged, or that training failed: the attribute `failure`
    then says how.
    """
    space = read_space(folder / "optuna" / "space.json")["space"]
    known = distributions(space)
    finished = read_warm_start(folder / "optuna" / "warm-start.csv", space)
    for row in frame.to_dict(orient="records"):
        metrics = read_json(folder / "runs" / row["run"] / "metrics.json")
        lost = row["status"] in ("diverged", "failed")
        told = {"failure": metrics["failure"]} if "failure" in metrics else {}
        finished.append(
            Trial(
                {name: row[name] for name in space},
                "diverged" if lost else row["status"],
                [] if lost else epoch_values(metrics),
                {"run": row["run"], "trial": int(row["trial"]), "warm_start": False, **told},
            )
        )
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "study.db"
        written = optuna.create_study(
            storage=f"sqlite:///{path}",
            study_name=study["study"],
            direction=study["objective"]["direction"],
        )
        with warnings.catch_warnings():
            # The version of Optuna is pinned.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            written.set_metric_names([study["objective"]["metric"]])
        made = [frozen(trial, known, optuna.trial.TrialState.FAIL) for trial in finished]
        for trial in made:
            if trial.user_attrs["warm_start"]:
                # The only value that is known of it is that of its end, not of its first epoch.
                trial.intermediate_values = {}
        written.add_trials(made)
        return path.read_bytes()


if __name__ == "__main__":
    command(main)
