"""What the runs of a made-up study say together, by the project's own analysis."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.analysis import importances, interactions, searches
from scripts.analysis.advice import advise
from scripts.analysis.collect import Planned
from scripts.study import plan
from scripts.study.files import write_csv, write_json
from scripts.study.hyperparameters import HYPERPARAMETERS
from tests.fabricate_runs import CHOSEN, METRICS, VALIDATION


def planned(study: Mapping[str, Any], made: Sequence[Mapping[str, Any]]) -> Planned:
    """Return the made-up runs as a plan has them: each stage's in its own order."""
    rows = {row["run"]: row for row in made}
    runs = {
        name: plan.Run(name, {key: row[key] for key in HYPERPARAMETERS}, row["seed"])
        for name, row in rows.items()
    }
    order = {
        "baseline": [run.name for run in plan.baseline_runs(study)],
        "screen": [run.name for run in plan.screen_runs(study)],
        "grid": [run.name for run in plan.grid_runs(study, CHOSEN)],
        "refine": [run.name for run in plan.refine_runs(study)],
        "optuna": plan.trial_runs(study),
        "confirm": [],
    }
    stages = {
        stage: [name for name in names if stage in rows.get(name, {"stages": ""})["stages"]]
        for stage, names in order.items()
    }
    return Planned(runs, stages)


def table(made: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the runs as `collect` would."""
    return pd.DataFrame(made).astype(dict.fromkeys(("objective", *METRICS), "float64"))


def write_insights(
    folder: Path, study: Mapping[str, Any], made: Sequence[Mapping[str, Any]]
) -> None:
    """Write the tables of scripts.insights."""
    runs, frame = planned(study, made), table(made)
    # As in the histories that fabricate writes: the score rises by a tenth over the epochs.
    scores = {row["run"]: row["objective"] for row in made}
    stages = [frame[frame["run"].isin(runs.stages[stage])] for stage in ("grid", "baseline")]
    document = advise(
        study, frame, CHOSEN,
        lambda run: [scores[run] * (0.9 + 0.1 * done / 3) for done in (1, 2, 3)],
        interactions.rows(*stages, CHOSEN), 1 / VALIDATION,
    )  # fmt: skip
    write_json(folder / "summary/advice.json", document)
    ordered = searches.order(study, frame, runs)
    lengths = [len(one) for one in ordered.values()]
    for name, columns, rows in (
        ("searches", searches.COLUMNS, searches.summary(study, frame, ordered)),
        ("best-so-far", searches.CURVE_COLUMNS, searches.curves(study, ordered)),
        ("random-search", searches.RANDOM_COLUMNS,
         searches.random_search(study, frame, runs, lengths)),
        ("importances", importances.COLUMNS, importances.rows(study, frame, resamples=2)),
    ):  # fmt: skip
        write_csv(folder / "summary" / f"{name}.csv", columns, rows)
