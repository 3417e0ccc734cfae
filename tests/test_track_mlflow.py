"""A study in MLflow: a local store and a real server; twice, interrupted, with the final model."""

import json
import math
import os
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.views.trackers import to_mlflow
from tests.mlflow_store import client, mlflow, no_store_of_the_user, send, uri_of
from tests.serving import free_port, killed, server
from tests.tracked import FIGURES, LABELS, PNG, history, rows, tracked

# What other people's libraries warn of while they are at work.
pytestmark = [
    pytest.mark.filterwarnings("default"),
    pytest.mark.usefixtures(no_store_of_the_user.__name__),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a study that was sent to its local store."""
    home = tmp_path_factory.mktemp("sent") / "results" / "fabricated"
    tracked(home)
    said = send(home)
    assert said.startswith("mlflow: 16 of 16 runs sent, 0 completed")
    return home


def sent(uri: str, experiment: str = "fabricated") -> dict[str, Any]:
    """Return all runs of the experiment by name."""
    there = client(uri)
    found = there.get_experiment_by_name(experiment)
    runs = there.search_runs([found.experiment_id])
    by_name = {run.info.run_name: run for run in runs}
    assert len(by_name) == len(runs)
    return by_name


def state(uri: str) -> dict[str, Any]:
    """Return what the experiment holds, without ids and times: for comparison."""
    there, found = client(uri), {}
    for name, run in sent(uri).items():
        points = {
            key: [
                (point.step, repr(point.value), point.timestamp - run.info.start_time)
                for point in sorted(there.get_metric_history(run.info.run_id, key), key=_step)
            ]
            for key in run.data.metrics
        }
        tags = {k: v for k, v in run.data.tags.items() if not k.startswith("mlflow.")}
        whole = tags["stage"] == "study"
        duration = None if whole else run.info.end_time - run.info.start_time
        found[name] = (run.info.status, run.data.params, tags, duration, {} if whole else points)
    return found


def _step(point: Any) -> int:
    return int(point.step)


def models(uri: str) -> list[Any]:
    there = client(uri)
    experiment = there.get_experiment_by_name("fabricated").experiment_id
    return list(there.search_logged_models([experiment]))


# What is sent


def test_every_run_is_there_with_everything(folder: Path) -> None:
    runs = sent(uri_of(folder))
    assert set(runs) == {row["run"] for row in rows(folder)} | {"fabricated"}
    there = client(uri_of(folder))
    for row in rows(folder):
        run = runs[row["run"]]
        assert set(run.data.params) == set(HYPERPARAMETERS)
        assert {name: run.data.params[name] for name in HYPERPARAMETERS} == {
            name: row[name] for name in HYPERPARAMETERS
        }
        for tag in ("stage", "stages", "status", "seed"):
            assert run.data.tags[tag] == row[tag]
        assert run.data.tags["study"] == "fabricated"
        assert run.info.status == to_mlflow.STATUS[row["status"]]
        assert run.data.metrics["seconds"] == float(row["seconds"])
        lines = history(folder, row["run"])
        losses = there.get_metric_history(run.info.run_id, "train/loss")
        assert [(point.step, point.value) for point in sorted(losses, key=_step)] == [
            (int(line["step"]), float(line["train_loss"])) for line in lines
        ]
        scores = there.get_metric_history(run.info.run_id, "validation/f1")
        assert [(point.step, point.value) for point in sorted(scores, key=_step)] == [
            (int(line["epoch"]), float(line["f1"])) for line in lines if line["f1"]
        ]
    confirmed = [row["run"] for row in rows(folder) if row["stage"] == "confirm"]
    assert confirmed
    assert all("test/f1" in runs[name].data.metrics for name in confirmed)
    assert not any("test/f1" in runs[name].data.metrics for name in set(runs) - set(confirmed))


def test_parallel_coordinates_find_what_they_need(folder: Path) -> None:
    # MLflow offers the metrics and parameters that every compared run has, and begins with the
    # first metric; a parameter is a numeric axis where all its values are numbers.
    runs = [run for name, run in sent(uri_of(folder)).items() if name != "fabricated"]
    shared = [key for key in runs[0].data.metrics if all(key in run.data.metrics for run in runs)]
    assert "objective" in shared
    diverged = [run for run in runs if run.data.tags["status"] == "diverged"]
    assert diverged
    for run in runs:
        assert math.isnan(run.data.metrics["objective"]) == (run in diverged)
        for name, spec in HYPERPARAMETERS.items():
            if spec.kind != "categorical":
                assert math.isfinite(float(run.data.params[name]))


def test_figures_documents_and_the_model_are_there(folder: Path, tmp_path: Path) -> None:
    whole = sent(uri_of(folder))["fabricated"]
    assert whole.info.status == "FINISHED"
    assert "objective" not in whole.data.metrics
    assert set(whole.data.params) == set(HYPERPARAMETERS)
    check_artifacts(uri_of(folder), whole.info.run_id, tmp_path)
    check_model(uri_of(folder), folder)


def check_artifacts(uri: str, run_id: str, tmp_path: Path) -> None:
    there = client(uri)
    for name in FIGURES:
        path = there.download_artifacts(run_id, f"figures/{name}.png", str(tmp_path))
        assert Path(path).read_bytes() == PNG
    top = {file.path for file in there.list_artifacts(run_id)}
    assert {"report.html", "study.json", "best.json", "verdict.json"} <= top


def check_model(uri: str, folder: Path) -> None:
    """Load the logged model and hold what it says against transformers' own pipeline."""
    from transformers import pipeline

    (logged,) = models(uri)
    assert str(logged.status) == "READY"
    mlflow.set_tracking_uri(uri)
    model = mlflow.pyfunc.load_model(f"models:/{logged.model_id}")
    assert model.metadata.signature.inputs.input_names() == ["sentence1", "sentence2"]
    assert model.metadata.signature.outputs.input_names() == [
        "label",
        "probability_0",
        "probability_1",
    ]
    pairs = [("the red cat sees", "the big dog hears"), ("old bird", "a young bird likes the cat")]
    frame = model.predict(pd.DataFrame(pairs, columns=["sentence1", "sentence2"]))
    classify = pipeline("text-classification", model=str(folder / "model"))
    for row, (first, second) in zip(frame.to_dict(orient="records"), pairs, strict=True):
        expected = classify([{"text": first, "text_pair": second}], top_k=None)[0]
        scores = {each["label"]: each["score"] for each in expected}
        assert row["label"] == max(scores, key=scores.__getitem__)
        for index, label in enumerate(LABELS):
            assert row[f"probability_{index}"] == pytest.approx(scores[label], abs=1e-5)


# Twice, interrupted, changed


def test_sending_twice_adds_nothing(folder: Path) -> None:
    before, size = state(uri_of(folder)), len(models(uri_of(folder)))
    assert send(folder).startswith("mlflow: 0 of 16 runs sent, 0 completed, the rest was there (")
    assert state(uri_of(folder)) == before
    assert len(models(uri_of(folder))) == size == 1


def test_an_interrupted_sending_goes_on(folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "results" / "fabricated"
    home.parent.mkdir()
    os.symlink(folder, home)
    there = mlflow.MlflowClient
    for name, at in (
        ("create_run", 1),  # with an empty experiment
        ("log_batch", 1),  # a run without anything
        ("log_batch", 4),  # a run with its parameters, without metrics
        ("set_terminated", 5),  # a run with everything, not closed
        ("log_artifact", 3),
        ("finalize_logged_model", 1),
    ):
        killed(lambda: send(home), there, name, at)
    assert re.match(r"mlflow: 0 of 16 runs sent, 0 completed", send(home))
    assert state(uri_of(home)) == state(uri_of(folder))
    assert len(models(uri_of(home))) == 1
    check_model(uri_of(home), folder)
    assert send(home).startswith("mlflow: 0 of 16 runs sent, 0 completed, the rest was there (")


def test_another_training_is_another_run_and_a_new_stage_is_a_tag(tmp_path: Path) -> None:
    home = tmp_path / "results" / "fabricated"
    tracked(home, stages=("baseline",), model=False)
    send(home)
    before = sent(uri_of(home))
    path = home / "runs" / "baseline-seed43" / "history.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    table = home / "summary" / "runs.csv"
    text = table.read_text(encoding="utf-8")
    table.write_text(text.replace("baseline,baseline,", "baseline,baseline;grid,", 1))
    said = send(home)
    assert "1 of 3 runs sent" in said
    # The earlier run, and the study before its table changed.
    assert "; 2 of earlier states of this study stay there" in said
    there = client(uri_of(home))
    experiment = there.get_experiment_by_name("fabricated").experiment_id
    runs = there.search_runs([experiment], "tags.run = 'baseline-seed43'")
    assert len(runs) == 2
    first = there.get_run(before["baseline-seed42"].info.run_id)
    assert first.data.tags["stages"] == "baseline;grid"


# A real server


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a real MLflow server that keeps artifacts itself."""
    home, port = tmp_path_factory.mktemp("server"), free_port()
    store = ["--backend-store-uri", f"sqlite:///{home}/server.db"]
    keep = ["--artifacts-destination", str(home / "kept")]
    command = ["mlflow", "server", *store, *keep, "--host", "127.0.0.1", "--port", str(port)]
    environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    command += ["--workers", "1"]
    with server(command, port, "/health", home / "server.log", environment) as url:
        yield url


def test_a_server_is_sent_the_same_and_keeps_the_artifacts(
    folder: Path, tmp_path: Path, address: str
) -> None:
    assert send(folder, address).startswith("mlflow: 16 of 16 runs sent")
    assert state(address) == state(uri_of(folder))
    whole = sent(address)["fabricated"]
    assert whole.info.artifact_uri.startswith("mlflow-artifacts:/")
    check_artifacts(address, whole.info.run_id, tmp_path)
    check_model(address, folder)
    assert send(folder, address).startswith("mlflow: 0 of 16 runs sent, 0 completed")
    with urllib.request.urlopen(address, timeout=30) as page:
        assert b"<title>MLflow</title>" in page.read()
    # The page asks for the runs this way.
    experiment = client(address).get_experiment_by_name("fabricated").experiment_id
    request = urllib.request.Request(
        f"{address}/api/2.0/mlflow/runs/search",
        json.dumps({"experiment_ids": [experiment], "max_results": 100}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert len(json.load(answer)["runs"]) == 17


def test_the_ui_opens_on_this_machine_alone(folder: Path, project: Path, tmp_path: Path) -> None:
    port = free_port()
    command = ["scripts.track", "--study", str(folder / "study.json"), "--to", "mlflow"]
    command += ["--ui", str(port)]
    environment = {"PYTHONPATH": str(project)}
    with server(command, port, "/health", tmp_path / "ui.log", environment) as url:
        said = (tmp_path / "ui.log").read_text(encoding="utf-8")
        assert "mlflow: 0 of 16 runs sent" in said
        assert f"MLflow: http://127.0.0.1:{port} (Ctrl-C ends it)" in said
        whole = sent(uri_of(folder))["fabricated"]
        picture = f"{url}/get-artifact?path=figures/effects.png&run_uuid={whole.info.run_id}"
        with urllib.request.urlopen(picture, timeout=30) as answer:
            assert answer.read() == PNG
        if Path("/proc/net/tcp").exists():
            assert listening(port) == {"127.0.0.1"}


def listening(port: int) -> set[str]:
    """Return the addresses that something listens on at `port`, as Linux tells them."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, _, number = local.partition(":")
            if state == "0A" and int(number, 16) == port:
                known = "127.0.0.1" if address == "0100007F" else address
                found.add(known)
    return found
