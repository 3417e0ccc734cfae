"""What the log of a training without results tells: is it at work, did it fail, is it to do?"""

import os
import re
import time
from pathlib import Path
from typing import Literal

from scripts.study.locks import held

# How much of a log is looked at, from its end (bytes).
_TAIL = 4096
# So long a training may take to import its libraries, before it holds its log (seconds).
STARTING = 120
# Without locks, one that was silent for so long is not at work (seconds): what a cluster grants.
SILENT = 4 * 3600
# The end of the line between a trial's first try and its second.
_AGAIN = "; trying once more"
# A line that only the end of a training writes.
_LAST = re.compile(r"snaketune: |Traceback \(most recent|KeyboardInterrupt$")
# A line with which a training ends that has its results, or was asked to end; by the run's name.
_RESULT = r"{}: (complete|pruned|diverged|failed|stopped by SIGTERM)\b"


def at_work(log: Path) -> tuple[Literal["running", "failed", "left"], str]:
    """Return where a run without results is, and the last line of its log.

    Where the file system has no locks, a training counts as running unless its log tells of its
    end or is older than `SILENT` seconds.
    """
    run, lines, busy = log.name.removesuffix(".log"), _lines(log), held(log)
    line = lines[-1] if lines else ""
    begins = not line or line.endswith(_AGAIN)
    if busy or (begins and _age(log) < STARTING):
        return "running", line
    if busy is None and _age(log) < SILENT and not _ended(run, lines):
        return "running", line
    # Results that were deleted leave a log that tells of success; a study that was stopped by hand
    # goes on where it was.
    if line.startswith(f"{run}: ") or line == "KeyboardInterrupt":
        return "left", line
    if begins or line.startswith("epoch "):
        line = f"ended without a message (killed?), after: {line or 'nothing'}"
    return "failed", line


def _ended(run: str, lines: list[str]) -> bool:
    """Tell whether a log says that its last training has ended."""
    began = [n for n, one in enumerate(lines) if one.startswith("epoch ") or one.endswith(_AGAIN)]
    since = lines[began[-1] + 1 :] if began else lines
    result = re.compile(_RESULT.format(re.escape(run)))
    return any(map(_LAST.match, since)) or any(map(result.match, since[-1:]))


def _age(path: Path) -> float:
    """Return how many seconds ago a file was written to."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _lines(path: Path) -> list[str]:
    """Return a log's last lines with something in them, without what could move a cursor."""
    try:
        with open(path, "rb") as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - _TAIL))
            lines = stream.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return []
    return [
        "".join(character if character.isprintable() else " " for character in line)
        for line in map(str.strip, lines)
        if line
    ]
