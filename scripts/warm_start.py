"""Take over what Optuna's sampler knows before its first trial: finished runs of earlier stages.

In: the study, `space.json`, the results of the stages by hand. Out: `warm-start.csv`, written once
and then kept: a grid that grows later does not throw away trials that were trained.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.analysis.tables import read_table
from scripts.study.documents import open_study
from scripts.study.errors import command
from scripts.study.files import write_csv
from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.study.search import contains, distributions
from scripts.study.search_files import WARM_START_COLUMNS, read_space


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.warm_start", description=__doc__)
    parser.add_argument("--study", required=True, type=Path, help="results/<study>/study.json")
    options = parser.parse_args()
    study, folder = open_study(options.study)
    search = read_space(folder / "optuna/space.json")
    rows = _rows(study, folder, search)
    write_csv(
        folder / "optuna/warm-start.csv",
        [*WARM_START_COLUMNS, *sorted(search["space"])],
        rows,
    )
    print(f"warm start: {len(rows)} runs")


def _rows(
    study: Mapping[str, Any], folder: Path, search: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the completed runs that lie in the search space and differ in nothing else.

    Only runs on the study's seed: the trials run on it too.
    """
    space = search["space"]
    known = distributions(space)
    needed = ("run", "stages", "seed", "status", "objective", *HYPERPARAMETERS)
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
        for record in read_table(path, needed).to_dict(orient="records"):
            row = {str(column): value for column, value in record.items()}
            elsewhere = any(
                row[other] != value
                for other, value in search["baseline"].items()
                if other not in space
            )
            usable = row["status"] == "complete" and row["seed"] == study["seed"]
            in_stage = name in str(row["stages"]).split(";")
            if usable and in_stage and not elsewhere and contains(known, row):
                rows.setdefault(row["run"], row)
    return list(rows.values())


if __name__ == "__main__":
    command(main)
