"""A log that its writer holds: how one process sees that another is still at work.

The lock ends with the process, however that ends, and holds for other machines of a shared disk,
where the file system passes it on.
"""

import fcntl
import os
import stat
import time
from pathlib import Path

# Whoever looks at a lock holds it for a moment himself.
ATTEMPTS = 50
PAUSE = 0.02


def hold_output() -> None:
    """Hold the file that standard output goes to until this process ends.

    Nothing is held where it is no file, or where the file system has no locks.
    """
    descriptor = 1
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return
    except OSError:
        return
    for _ in range(ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(PAUSE)
        except OSError:
            return


def held(path: Path | str) -> bool | None:
    """Tell whether a process holds the file at `path`; None where that cannot be known."""
    try:
        with open(path, "rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    except OSError:
        return None
    return False
