"""Trackers are optional: what is needed of them is imported when it is asked for."""

import importlib
from typing import Any

from scripts.study.errors import StudyError
from scripts.study.trackers import not_installed


def require(tracker: str) -> Any:
    """Return the tracker's module; raise `StudyError` saying what to install where there is none.

    `tracker` is `mlflow`, `wandb` or `tensorboard`, all of which are named like their modules.
    """
    try:
        return importlib.import_module(tracker)
    except ModuleNotFoundError as error:
        if error.name != tracker:
            raise
        raise StudyError(not_installed(tracker)) from None
