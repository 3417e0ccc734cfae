"""Servers on loopback and processes that are killed, for the tests that need the real thing."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def server(
    arguments: list[str], port: int, path: str, log: Path, environment: dict[str, str] | None = None
) -> Iterator[str]:
    """Run `python -m` with `arguments` until the block ends; yield its URL once `path` answers."""
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=log.parent,
            env={**os.environ, **(environment or {})},
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(url + path, timeout=10).close()
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                if process.poll() is not None:
                    pytest.fail(f"{arguments[0]} ended:\n{log.read_text(errors='replace')}")
                time.sleep(0.3)
        else:
            pytest.fail(f"{arguments[0]} does not answer:\n{log.read_text(errors='replace')}")
        yield url
    finally:
        # Its workers are of its session.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def killed(work: Callable[[], object], owner: Any, name: str, at: int) -> None:
    """Do `work` in a child process that SIGKILL ends at the call number `at` of `owner.name`."""
    child = os.fork()
    if child == 0:
        calls = 0
        original = getattr(owner, name)

        def counted(*arguments: Any, **keywords: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **keywords)

        setattr(owner, name, counted)
        try:
            work()
        finally:
            os._exit(3)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"the work was done before call {at} of {name}"
    assert os.WTERMSIG(status) == signal.SIGKILL
