"""A hub that is down, silent or changed: one line, and never an endless wait."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.project import PROJECT

COMMIT = "a" * 40


@contextmanager
def silent() -> Iterator[str]:
    """Give the address of a server that takes every connection and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def broken(status: int, body: bytes = b"") -> Iterator[str]:
    """Give the address of a server that answers everything with this status and text."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def command(endpoint: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of scripts/ with this hub and an empty cache."""
    environment = {key: value for key, value in os.environ.items() if "OFFLINE" not in key}
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=PROJECT,
        env={
            **environment,
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(folder / "cache"),
            "HF_HUB_DOWNLOAD_TIMEOUT": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def fetch(endpoint: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command that gets a model."""
    model = json.dumps({"path": "some/model", "revision": COMMIT, "sha256": None})
    output = str(folder / "model.json")
    return command(endpoint, folder, "scripts.fetch_model", "--model", model, "--output", output)


def load_data(endpoint: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command that gets the data."""
    source = {
        "dataset": {"path": "some/data", "revision": COMMIT},
        "columns": {"text": ["a"], "label": "label"},
        "splits": {"train": "train", "validation": "validation", "test": None},
        "labels": None,
    }
    words = ("--source", json.dumps(source), "--output", str(folder / "data"))
    return command(endpoint, folder, "scripts.prepare", *words)


def _told(process: subprocess.CompletedProcess[str]) -> str:
    assert process.returncode == 1, process.stderr
    assert "Traceback" not in process.stderr
    last = process.stderr.strip().splitlines()[-1]
    assert last.startswith(f"snaketune: model.path: 'some/model' at revision {COMMIT}: ")
    assert "not to be had from the hub" in last
    assert "use a network, or a local folder as model.path" in last
    return last


@pytest.mark.slow
def test_a_hub_that_never_answers_is_told(tmp_path: Path) -> None:
    with silent() as endpoint:
        _told(fetch(endpoint, tmp_path))


@pytest.mark.slow
def test_a_hub_that_is_down_is_told(tmp_path: Path) -> None:
    _told(fetch("http://127.0.0.1:9", tmp_path))


def test_a_revision_that_the_hub_does_not_have_any_more_is_told(tmp_path: Path) -> None:
    with broken(404) as endpoint:
        _told(fetch(endpoint, tmp_path))


@pytest.mark.parametrize("body", [b"<html>Please log in</html>", b"[1]", b'{"a": 1}', b"\xff"])
def test_what_is_no_hub_is_told(tmp_path: Path, body: bytes) -> None:
    """As the page of a network that wants a password first."""
    with broken(200, body) as endpoint:
        _told(fetch(endpoint, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("what", ["silent", "down", "without it"])
def test_data_that_the_hub_does_not_give_are_told(tmp_path: Path, what: str) -> None:
    hubs = {"silent": silent(), "without it": broken(404)}
    with hubs.get(what) or nullcontext("http://127.0.0.1:9") as endpoint:
        process = load_data(endpoint, tmp_path)
    assert process.returncode == 1, process.stderr
    assert "Traceback" not in process.stderr
    last = process.stderr.strip().splitlines()[-1]
    assert last.startswith("snaketune: dataset: 'some/data', split 'train' cannot be loaded: ")
    assert not (tmp_path / "data").exists()
