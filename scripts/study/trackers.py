"""The block `tracking` of a config: which trackers a study is shown in, and with what.

Keys and passwords never stand in a config, since it is copied into study.json, reports and
versions: each tracker reads them from the environment.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult

from scripts.study.errors import StudyError
from scripts.study.files import STUDY_CURE
from scripts.study.reading import show
from scripts.study.schema import schema
from scripts.study.urls import has_secret, masked, split

TRACKERS = ("mlflow", "wandb", "tensorboard")
# What MLflow can write to: a server, or a database that it opens itself.
SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "databricks")


def resolved(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the block with every default filled in; raise `StudyError` naming the key."""
    known = schema("config")["properties"]["tracking"]["properties"]
    block = {
        name: {
            key: given.get(name, {}).get(key, spec.get("default"))
            for key, spec in known[name]["properties"].items()
        }
        for name in known
    }
    if block["mlflow"]["uri"] is not None:
        _check_uri(block["mlflow"]["uri"])
    return block


def enabled(study: Mapping[str, Any]) -> list[str]:
    """Return the trackers that the study's config switches on."""
    return [name for name in TRACKERS if study["tracking"][name]["enabled"]]


def require_installed(study: Mapping[str, Any]) -> None:
    """Raise `StudyError` where a tracker is switched on whose package is not installed."""
    for name in enabled(study):
        if find_spec(name) is None:
            raise StudyError(not_installed(name))


def not_installed(tracker: str) -> str:
    """Return what to say of a tracker without its package."""
    return (
        f"tracking.{tracker}: the package {tracker} is not installed; run `make trackers` (or"
        " `pip install --no-deps -r requirements-trackers.lock`), or switch this tracker off"
    )


def read(study: Mapping[str, Any], path: Path) -> Mapping[str, dict[str, Any]]:
    """Return the block of the study.json at `path`, which may be older than trackers are."""
    if "tracking" not in study:
        raise StudyError(f"{path}: tracking missing; {STUDY_CURE}")
    return study["tracking"]


def _check_uri(uri: str) -> None:
    where = "tracking.mlflow.uri"
    parts = split(uri)
    scheme = "" if parts is None else parts.scheme.partition("+")[0]
    if (
        parts is None
        or scheme not in SCHEMES
        or (scheme[:4] == "http" and not (parts.hostname and _has_port(parts)))
    ):
        raise StudyError(
            f"{where}: {show(masked(uri))} is not the URI of a server (http://HOST:PORT) or of a "
            "database (sqlite:///FILE)"
        )
    if has_secret(uri):
        raise StudyError(
            f"{where}: {show(masked(uri))} came with a user or a password; take them out, and set "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in the environment, or the "
            "whole URI as MLFLOW_TRACKING_URI"
        )


def _has_port(parts: SplitResult) -> bool:
    """Tell whether a port that is given is one."""
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False
