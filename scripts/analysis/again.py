"""A run of a finished study, trained once more, and how what comes out compares."""

import math
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.study.code import ROOT
from scripts.study.errors import StudyError
from scripts.training.gpus import NO_GPU

# What makes two trainings of one run.json differ, as metrics.json names it.
CAUSES = ("versions", "device", "precision", "threads", "data", "model")


def train_again(
    study: Mapping[str, Any], folder: Path, run: str, scratch: Path, *options: str
) -> Path:
    """Train the run called `run` once more, into a folder of its name in `scratch`; return that.

    `options` are further ones of `python -m scripts.train`. Raises `StudyError` where it fails.
    """
    training, objective = study["training"], study["objective"]
    home = scratch / run
    home.mkdir()
    result = subprocess.run(
        [
            *(sys.executable, "-m", "scripts.train"),
            *("--run", str(folder / "runs" / run / "run.json")),
            *("--tokens", str(folder / "data/tokens")),
            *("--model", str(folder / "data/model.json")),
            *("--info", str(folder / "data/info.json")),
            *("--metric", objective["metric"], "--direction", objective["direction"]),
            *("--precision", training["precision"]),
            *("--eval-batch-size", str(training["eval_batch_size"])),
            *("--threads", str(training["threads"])),
            *("--output", str(home)),
            *options,
        ],
        # Whoever calls may stand elsewhere than in the project.
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.getenv("PYTHONPATH", "")]),
            **({} if training["gpu"] else NO_GPU),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise StudyError(f"{run}: training it again failed: {result.stderr.strip()[-400:]}")
    return home


def compare(
    stored: Mapping[str, Any], again: Mapping[str, Any], noise: float | None
) -> tuple[bool | None, str]:
    """Return whether a run is confirmed, and in words how it compares.

    `noise` is the standard deviation of the baseline's seeds, None where it is unknown. Without one
    nothing tells what another score means: then None is returned for it.
    """
    if stored == again:
        return True, "identical"
    causes = [cause for cause in CAUSES if stored.get(cause) != again.get(cause)]
    what = f"differs in {', '.join(causes)}" if causes else "differs in its numbers alone"
    old, new = stored["objective"]["value"], again["objective"]["value"]
    alike = stored["status"] == again["status"]
    if alike and old == new:
        metric = stored["objective"]["metric"]
        same = f"{again['status']} again" if old is None else f"the same {metric}"
        return True, f"{same}; {what}"
    if not alike or old is None or new is None:
        return False, f"{again['status']} instead of {stored['status']}; {what}"
    if not noise:
        lack = "two seeds of the baseline"
        if noise is not None:
            lack = "seeds of the baseline that differ"
        return None, f"{new - old:+.4f}, without {lack} to tell noise by; {what}"
    # Both scores have that noise, and so has their difference, times the root of 2.
    sd = math.sqrt(2) * noise
    near = "within" if abs(new - old) <= 2 * sd else "beyond"
    told = f"{new - old:+.4f}, {near} 2 sd of a difference of two seeds of the baseline ({sd:.4f})"
    return near == "within", f"{told}; {what}"
