"""The project's own studies say what they are there to say."""

from pathlib import Path
from typing import Any

import pytest

from scripts.study.config import load
from scripts.study.plan import (
    STAGES,
    baseline_runs,
    baseline_values,
    candidates,
    grid_runs,
    refine_runs,
    screen_runs,
)
from scripts.study.sources import local_data_files
from tests.configs import EMBEDDED, STUDIES

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _at_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def counts(study: dict[str, Any], chosen: list[str]) -> dict[str, int]:
    """Return how many new runs each stage plans."""
    planned: set[str] = set()
    found = {}
    for stage, runs in (
        ("baseline", baseline_runs(study)),
        ("screen", screen_runs(study)),
        ("grid", grid_runs(study, chosen)),
        ("refine", refine_runs(study)),
    ):
        names = {run.name for run in runs}
        found[stage] = len(names - planned)
        planned |= names
    return found


def test_the_default_study_is_small_whatever_is_chosen() -> None:
    study = load("config/config.yaml")
    assert study["study"] == "demo"
    assert set(study["dataset"]) == {"generated"}
    possible = candidates(study)
    assert 4 <= len(possible) <= 6
    for one in possible:
        for other in set(possible) - {one}:
            assert len(grid_runs(study, [one, other])) >= 12
            assert sum(counts(study, [one, other]).values()) + study["optuna"]["trials"] <= 40
    assert study["optuna"]["trials"] >= 12


def test_study_f() -> None:
    study = load("config/mrpc-f1.yaml")
    chosen = study["rank"]["hyperparameters"]
    assert chosen == ["learning_rate", "train_batch_size", "weight_decay"]
    assert len(screen_runs(study)) == 15
    assert len(grid_runs(study, chosen)) == 18
    assert study["optuna"]["trials"] == 18
    assert study["objective"]["metric"] == "f1"
    values = baseline_values(study)
    assert [values[name] for name in ("adam_beta1", "max_grad_norm", "max_seq_length")] == [
        0.9,
        1.0,
        128,
    ]
    assert (values["warmup_ratio"], values["num_train_epochs"]) == (0.1, 3)


def test_study_f_begins_with_a_balanced_half_fraction() -> None:
    rows = load("config/mrpc-f1.yaml")["screen"]["configurations"][:8]
    names = sorted(rows[0])
    assert all(sorted(row) == names for row in rows)
    assert len(names) == 4
    signs = [[1 if row[n] == max(r[n] for r in rows) else -1 for n in names] for row in rows]
    columns = [list(column) for column in zip(*signs, strict=True)]
    assert all(sum(column) == 0 for column in columns)
    for index, one in enumerate(columns):
        for other in columns[:index]:
            assert sum(a * b for a, b in zip(one, other, strict=True)) == 0
    assert all(
        product == signs[0][0] * signs[0][1] * signs[0][2] * signs[0][3]
        for product in (a * b * c * d for a, b, c, d in signs)
    )


def test_study_a() -> None:
    study = load("config/mrpc-accuracy.yaml")
    chosen = ["learning_rate", "weight_decay", "warmup_steps"]
    assert sorted(study["rank"]["hyperparameters"]) == sorted(chosen)
    screened = [name for name, block in study["hyperparameters"].items() if "screen" in block]
    assert len(screened) == 7
    assert len(screen_runs(study)) == 14
    grid = grid_runs(study, chosen)
    assert len(grid) == 18
    assert f"baseline-seed{study['seed']}" in {run.name for run in grid}
    best = {"learning_rate": 2e-5, "weight_decay": 0.0, "warmup_steps": 50}
    assert study["refine"]["configurations"][0] == best
    assert study["optuna"]["trials"] == 20
    blocks = study["hyperparameters"]
    assert blocks["learning_rate"]["search"] == {"low": 1e-5, "high": 5e-5, "log": True}
    assert blocks["weight_decay"]["search"] == {"low": 0.0, "high": 0.1, "log": False}
    assert blocks["warmup_steps"]["search"] == {"low": 0, "high": 500, "log": False}


def test_what_the_authors_wished_for() -> None:
    narrow, wide = load("config/mrpc-f1.yaml"), load("config/mrpc-f1-wished.yaml")
    epochs = [int(baseline_values(study)["num_train_epochs"]) for study in (narrow, wide)]
    assert epochs[0] < epochs[1]
    assert wide["optuna"]["trials"] > narrow["optuna"]["trials"]
    tried = [float(run.hyperparameters["learning_rate"]) for run in screen_runs(narrow)]
    low, high = wide["hyperparameters"]["learning_rate"]["screen"]
    assert low < min(tried)
    assert high > max(tried)
    study = load("config/mrpc-accuracy-wished.yaml")
    assert set(study["optuna"]["warm_start"]) == set(STAGES) - {"optuna"}
    assert study["hyperparameters"]["warmup_steps"]["search"]["high"] > 500
    assert {"lr_scheduler_type", "optim"} <= set(study["rank"]["hyperparameters"])
    assert study["optuna"]["trials"] > load("config/mrpc-accuracy.yaml")["optuna"]["trials"]


@pytest.mark.parametrize("name", STUDIES)
def test_mrpc_studies_are_pinned(name: str) -> None:
    study = load(f"config/{name}.yaml")
    assert study["study"] == name
    assert study["model"] == {
        "path": "distilbert/distilbert-base-uncased",
        "revision": "12040accade4e8a0f71eabdb258fecc2e7e948be",
        "sha256": "5e3f1108e3cb34ee048634875d8482665b65ac713291a7e32396fb18f6ff0063",
    }
    assert study["dataset"] == {
        "path": "nyu-mll/glue",
        "name": "mrpc",
        "revision": "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c",
    }
    assert study["training"]["eval_batch_size"] == 32


@pytest.mark.skipif(
    not (ROOT / "../shared/data/mrpc").is_dir(), reason="no MRPC beside the project"
)
@pytest.mark.parametrize("name", STUDIES)
def test_mrpc_studies_run_offline(name: str) -> None:
    study = load(f"config/{name}.yaml", "config/offline.yaml")
    assert study["model"]["path"] == EMBEDDED
    assert study["model"]["revision"] is None
    assert [path.name for path in local_data_files(study["dataset"])] == [
        "test.jsonl",
        "train.jsonl",
        "validation.jsonl",
    ]
    assert study["hyperparameters"] == load(f"config/{name}.yaml")["hyperparameters"]
