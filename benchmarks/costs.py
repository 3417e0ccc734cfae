"""What a command costs, as the kernel counted it."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.study.errors import StudyError

# Bytes in what the kernel counts the largest resident memory by: kilobytes, but for macOS.
_COUNTED = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Cost:
    """Of a command and what it started: wall time and processor time (s), largest process (MiB)."""

    wall: float
    processor: float
    mib: float


def cost(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Cost:
    """Run a command in `folder` to its end, and return what it cost.

    `environment` is added to this process's own. What it prints goes to `folder/log`. Raises
    `StudyError`, with the end of that, where it fails.
    """
    log = folder / "log"
    surroundings = {**os.environ, **environment}
    with log.open("wb") as stream:
        start = time.perf_counter()
        child = subprocess.Popen(words, cwd=folder, env=surroundings, stdout=stream, stderr=stream)
        # The largest of the process and of all that it waited for.
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        said = log.read_text(encoding="utf-8", errors="replace")[-3000:]
        raise StudyError(f"{' '.join(words)}: exit code {child.returncode}\n{said}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * _COUNTED / 2**20)
