"""What all tests share: one thread, no network, no file outside temporary folders, a sandbox."""

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.browser import Chromium, chromium
from tools.project import PROJECT, copy_project

# Set here and not in a fixture: libraries read these when a test module first imports them.
_TEMPORARY = tempfile.gettempdir()
_CACHE = Path(tempfile.mkdtemp(prefix="snaketune-tests-"))
_SCRATCH = _CACHE / "tmp"
# Here too, for the commands of tests/ that are run by themselves.
_SCRATCH.mkdir()
atexit.register(shutil.rmtree, _CACHE, ignore_errors=True)
# pytest's own folders stay where they are, for a look at what failed.
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", _TEMPORARY)
os.environ.update(
    # W&B, torch and processes that tests kill leave temporary files behind: they go with the rest.
    TMPDIR=str(_SCRATCH),
    OMP_NUM_THREADS="1",
    TOKENIZERS_PARALLELISM="false",
    HF_HUB_OFFLINE="1",
    HF_DATASETS_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    HF_HOME=str(_CACHE / "huggingface"),
    XDG_CACHE_HOME=str(_CACHE),
    DVC_SITE_CACHE_DIR=str(_CACHE / "dvc"),
    DVC_NO_ANALYTICS="1",
    MPLBACKEND="agg",
)
tempfile.tempdir = str(_SCRATCH)


# Tests that share what is costly to make, a cluster or a trained study, run in one process, and are
# begun first; all others go file by file to whichever process is free (`pytest -n 2`).
_SHARE = {
    "tests/cluster/test_cluster.py": "cluster",
    "tests/cluster/test_cluster_faults.py": "cluster",
    "tests/test_dvc.py": "study",
    "tests/test_reruns.py": "study",
    "tests/test_workflow.py": "study",
}


# Of the project's folder before the tests; tools keep caches there, and coverage its data.
_BEFORE = pytest.StashKey[set[str]]()
_TOOLS = re.compile(
    r"__pycache__|/?\.(pytest_cache|hypothesis|ruff_cache|mypy_cache|coverage|venv|packages)"
)


class TogetherScheduling(LoadScopeScheduling):
    """Sends the tests of a file to one process, and those of files that share a fixture."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return _SHARE.get(file, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TogetherScheduling:
    """Tell xdist how tests go to processes."""
    return TogetherScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put first what takes longest, where two processes share the tests; else the order stays."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.nodeid.partition("::")[0] not in _SHARE)


def _files_beside_the_code() -> set[str]:
    """Return what git does not know, ignored or not, and what was changed; no caches of tools."""
    command = ["git", "status", "--porcelain", "--ignored", "--untracked-files=all"]
    process = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    found = {line[3:] for line in process.stdout.splitlines()}
    return {path for path in found if not _TOOLS.search(path)}


def pytest_sessionstart(session: pytest.Session) -> None:
    """Note what there is, in the process that the others are started from."""
    if not hasattr(session.config, "workerinput"):
        session.config.stash[_BEFORE] = _files_beside_the_code()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where a test left a file in the project."""
    before = session.config.stash.get(_BEFORE, None)
    if before is not None and (left := sorted(_files_beside_the_code() - before)):
        print(f"\ntests left or changed files: {', '.join(left)}", file=sys.stderr)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_configure() -> None:
    """Make the folder for temporary files; here, since one process may run pytest twice."""
    _SCRATCH.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(_SCRATCH)


def pytest_unconfigure() -> None:
    """Remove the caches of this session; a next one begins with a temporary file."""
    shutil.rmtree(_CACHE, ignore_errors=True)
    tempfile.tempdir = _TEMPORARY


@pytest.fixture(scope="session")
def project() -> Path:
    """Return the project's root."""
    return PROJECT


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    """Return a copy of the workflow, with no results, in which Snakemake can be run."""
    folder = tmp_path / "project"
    copy_project(folder)
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    """Return a Chromium that all tests share; without one, tests that ask for it are skipped."""
    with chromium() as running:
        yield running


class Snakemake(Protocol):
    """Runs Snakemake: `snakemake("--cores", "1", "-n")`."""

    def __call__(
        self, *arguments: str | Path, check: bool = True, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake with `arguments` in the sandbox, at most `timeout` seconds.

        stdout and stderr are captured as one text in `stdout`. With `check`, fail the test with
        that text where the exit code is not 0.
        """
        ...


@pytest.fixture
def snakemake(workdir: Path) -> Snakemake:
    """Return a function that runs this environment's Snakemake in the sandbox `workdir`."""

    def run(
        *arguments: str | Path, check: bool = True, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        process = subprocess.run(
            [sys.executable, "-m", "snakemake", *map(str, arguments)],
            cwd=workdir,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and process.returncode != 0:
            pytest.fail(f"snakemake ended with {process.returncode}:\n{process.stdout}")
        return process

    return run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose small study was run to its end on two cores. Tests work on copies."""
    from tests import small_project

    folder = small_project.new_project(tmp_path_factory.mktemp("workflow") / "project")
    process = small_project.run(folder, "--cores", "2")
    assert process.returncode == 0, process.stdout
    return folder
