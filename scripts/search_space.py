"""Fix what the Optuna study starts from: its search space and its warm start.

In: the study, the chosen hyperparameters, the results of the stages by hand. Out: `space.json`
and `warm-start.csv`, written once and then kept: a grid that grows later does not throw away
trials that were trained.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.study.errors import StudyError, command
from scripts.study.files import read_json, write_csv, write_json
from scripts.study.hyperparameters import Value
from scripts.study.plan import baseline_values
from scripts.study.search import contains, distributions


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.search_space", description=__doc__)
    parser.add_argument("--study", required=True, type=Path, help="results/<study>/study.json")
    options = parser.parse_args()
    study = read_json(options.study)
    folder = options.study.parent
    chosen = read_json(folder / "screen/chosen.json")["hyperparameters"]
    blocks = study["hyperparameters"]
    space = {name: blocks[name]["search"] for name in chosen if "search" in blocks[name]}
    if not space:
        raise StudyError(
            f"{options.study}: hyperparameters: none of the chosen ones ({', '.join(chosen)})"
            " has a search block"
        )
    baseline = baseline_values(study)
    warm_start = _warm_start(study, folder, space, baseline)
    keys = ("seed", "objective")
    write_csv(
        folder / "optuna/warm-start.csv",
        ["run", "stage", "objective", *sorted(space)],
        warm_start,
    )
    write_json(
        folder / "optuna/space.json",
        {key: study[key] for key in keys}
        | {key: study["optuna"][key] for key in ("batch_size", "sampler", "pruner")}
        | {"space": space, "baseline": baseline},
    )
    print(f"search space: {', '.join(sorted(space))}; warm start from {len(warm_start)} runs")


def _warm_start(
    study: Mapping[str, Any], folder: Path, space: Mapping[str, Any], baseline: Mapping[str, Value]
) -> list[dict[str, Any]]:
    """Return the completed runs that lie in the search space and differ in nothing else.

    Only runs on the study's seed: the trials run on it too.
    """
    known = distributions(space)
    rows: dict[str, dict[str, Any]] = {}
    for name, table in (
        ("baseline", "screen/results.csv"),
        ("screen", "screen/results.csv"),
        ("grid", "grid/results.csv"),
        ("refine", "grid/refinement.csv"),
    ):
        path = folder / table
        if name not in study["optuna"]["warm_start"] or not path.exists():
            continue
        for record in pd.read_csv(path).to_dict(orient="records"):
            row = {str(column): value for column, value in record.items()}
            elsewhere = any(
                row[other] != value for other, value in baseline.items() if other not in space
            )
            usable = row["status"] == "complete" and row["seed"] == study["seed"]
            in_stage = name in str(row["stages"]).split(";")
            if usable and in_stage and not elsewhere and contains(known, row):
                rows.setdefault(row["run"], row)
    return list(rows.values())


if __name__ == "__main__":
    command(main)
