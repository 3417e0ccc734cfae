"""optuna/study.db in the real optuna-dashboard: started, and its API asked for every trial."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scripts import trials
from scripts.study.files import write_csv, write_json
from scripts.study.hyperparameters import defaults
from tests.asked import write_space
from tests.serving import free_port, server

SPACE = {
    "learning_rate": {"low": 1e-5, "high": 1e-3, "log": True},
    "train_batch_size": {"choices": [16, 32]},
}
STATUSES = ("complete", "pruned", "diverged", "complete")
STUDY = {"study": "tiny", "objective": {"metric": "f1", "direction": "maximize"}}


def write_storage(folder: Path) -> list[dict[str, Any]]:
    """Write study.db with two warm-start trials and four of its own; return the latter's rows."""
    write_space(folder, space=SPACE)
    known = [
        {"run": f"baseline-seed4{n}", "stage": "baseline", "objective": 0.7 + n / 100,
         "learning_rate": 5e-5, "train_batch_size": 32}
        for n in (2, 3)
    ]  # fmt: skip
    write_csv(folder / "optuna" / "warm-start.csv", tuple(known[0]), known)
    rows = []
    for number, status in enumerate(STATUSES, start=1):
        name = f"optuna-{number:04d}-seed42"
        values = {**defaults(), "learning_rate": number * 1e-4, "train_batch_size": 16}
        rows.append({"run": name, "trial": number, "status": status, **values})
        epochs = {"complete": 3, "pruned": 1, "diverged": 0}[status]
        scores = [0.8 + number / 100 + epoch / 1000 for epoch in range(epochs)]
        metrics = {
            "objective": STUDY["objective"],
            "epochs": [{"epoch": n, "f1": score} for n, score in enumerate(scores, 1)],
        }
        write_json(folder / "runs" / name / "metrics.json", metrics)
    storage = trials.storage(STUDY, folder, pd.DataFrame(rows))
    (folder / "optuna" / "study.db").write_bytes(storage)
    return rows


def ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def test_the_dashboard_shows_every_trial(tmp_path: Path) -> None:
    rows = write_storage(tmp_path)
    port = free_port()
    # As `optuna-dashboard` itself does; it is a command without a module of its own.
    command = ["optuna_dashboard._cli", f"sqlite:///{tmp_path}/optuna/study.db"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--server", "wsgiref"]
    with server(command, port, "/api/studies", tmp_path / "dashboard.log") as url:
        (summary,) = ask(f"{url}/api/studies")["study_summaries"]
        assert summary["study_name"] == "tiny"
        assert summary["directions"] == ["maximize"]
        study = ask(f"{url}/api/studies/{summary['study_id']}?after=0")
    assert study["objective_names"] == ["f1"]
    found = study["trials"]
    states = [trial["state"] for trial in found]
    assert states == ["Complete", "Complete", "Complete", "Pruned", "Fail", "Complete"]
    attributes = [{each["key"]: each["value"] for each in trial["user_attrs"]} for trial in found]
    assert [each["warm_start"] for each in attributes] == ["True"] * 2 + ["False"] * 4
    assert [each["run"] for each in attributes[:2]] == ["baseline-seed42", "baseline-seed43"]
    assert [trial["values"] for trial in found[:2]] == [[0.72], [0.73]]
    # Of a run by hand the search knows the end alone.
    assert [trial["intermediate_values"] for trial in found[:2]] == [[], []]
    for trial, marks, row in zip(found[2:], attributes[2:], rows, strict=True):
        assert marks["run"] == row["run"]
        assert marks["trial"] == str(row["trial"])
        values = {each["name"]: each["param_external_value"] for each in trial["params"]}
        assert {name: float(value) for name, value in values.items()} == {
            name: row[name] for name in SPACE
        }
        metrics = json.loads((tmp_path / "runs" / row["run"] / "metrics.json").read_text())
        scores = [[epoch["epoch"], epoch["f1"]] for epoch in metrics["epochs"]]
        assert [
            [each["step"], each["value"]] for each in trial.get("intermediate_values", [])
        ] == scores
        if row["status"] == "complete":
            assert trial["values"] == pytest.approx([scores[-1][1]])
        else:
            assert not trial.get("values")
