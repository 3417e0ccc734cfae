"""The processes that a Snakemake has started, from /proc."""

import os
import re
import signal
import time
from contextlib import suppress
from pathlib import Path


def descendants(root: int) -> list[int]:
    """Return the numbers of all processes below `root`, children before their children."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        # The name, in brackets, may hold anything.
        parent = int(text.rpartition(")")[2].split()[1])
        children.setdefault(parent, []).append(int(path.parent.name))
    found, left = [], [root]
    while left:
        below = children.get(left.pop(0), [])
        found += below
        left += below
    return found


def script(process: int) -> str | None:
    """Return X where the process is a Python that runs `-m scripts.X`, else None."""
    try:
        arguments = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    if len(arguments) > 2 and arguments[1] == b"-m":
        found = re.fullmatch(r"scripts\.(\w+)", arguments[2].decode(errors="replace"))
        return found[1] if found else None
    return None


def end_all_in(folder: Path) -> None:
    """Kill every process whose current directory is `folder`, and wait until none is left."""
    left = True
    while left:
        left = False
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (path / "cwd").readlink() == folder.resolve():
                    os.kill(int(path.name), signal.SIGKILL)
                    left = True
        time.sleep(0.1)
