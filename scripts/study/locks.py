"""Files that their writers hold: how one process sees that another is still at work.

The lock ends with the process, however that ends, and holds for other machines of a shared disk,
where the file system passes it on.
"""

import fcntl
import os
import socket
import stat
import time
from contextlib import suppress
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
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            _lock(descriptor)
    except OSError:
        pass


def hold(path: Path) -> str | None:
    """Hold the file at `path`, which is made, until this process ends; where another does, say who.

    Returns None where nobody else holds it, where the file system has no locks, or where there can
    be no such file: what keeps two from one study must not keep one from it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _opened(path)
    except OSError:
        return None
    if not _lock(descriptor):
        with os.fdopen(descriptor) as stream:
            return stream.read().strip() or "a process that has just begun"
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
    return None


def _opened(path: Path) -> int:
    """Return the file, opened to be written where it may be; another user's is locked as well."""
    try:
        return os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    except PermissionError:
        return os.open(path, os.O_RDONLY)


def _lock(descriptor: int) -> bool:
    """Lock an open file; return whether no other process has."""
    for _ in range(ATTEMPTS):
        if try_lock(descriptor):
            return True
        time.sleep(PAUSE)
    return False


def try_lock(descriptor: int) -> bool:
    """Lock an open file at once; return whether no other process has, or there are no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # the file system has none
        return True
    return True


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
