"""A study sent to MLflow, for the tests of it; they are skipped where MLflow is not installed."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.views import results
from scripts.views.trackers import to_mlflow

os.environ.update(to_mlflow.ENVIRONMENT)
mlflow = pytest.importorskip("mlflow", reason="the trackers are not installed: make trackers")

OPTIONS = {"enabled": True, "uri": None, "experiment": None}


@pytest.fixture(autouse=True)
def no_store_of_the_user(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    yield
    # MLflow names its store there itself, and `folder`, if it is made next, would be sent to it.
    os.environ.pop("MLFLOW_TRACKING_URI", None)


def send(home: Path, uri: str | None = None) -> str:
    return to_mlflow.send(results.load(home / "study.json"), {**OPTIONS, "uri": uri})


def uri_of(home: Path) -> str:
    return to_mlflow.store(OPTIONS, home.parent / to_mlflow.LOCAL)


def client(uri: str) -> Any:
    return mlflow.MlflowClient(uri, registry_uri=uri)
