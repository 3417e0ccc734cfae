"""Small studies for campaigns: each training is real once, and given again after that.

Snakemake runs in a child of the campaign's process, forked when all was imported: as
`python -m snakemake`, without its two seconds of start.
"""

import atexit
import ctypes
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.small_project import contents, new_project
from tests.torture import replayed_training
from tools.project import PROJECT

# A run that takes longer than this hangs (seconds), however busy the machine is.
PATIENCE = 1800


@dataclass(frozen=True)
class Ended:
    """A run of Snakemake that ended: its exit code, and stdout and stderr as one text."""

    code: int
    text: str


@contextmanager
def campaign_folder(name: str) -> Iterator[Path]:
    """Give a temporary folder for the campaign's studies, which share their trainings.

    Campaigns share them too where SNAKETUNE_TORTURE_VAULT names a folder.
    """
    with tempfile.TemporaryDirectory(prefix=f"snaketune-{name}-") as folder:
        os.environ.setdefault(replayed_training.VAULT, f"{folder}/vault")
        yield Path(folder)


def new_study(folder: Path) -> Path:
    """Return a copy of the project with the tiny study, which has not begun."""
    new_project(folder)
    shutil.move(folder / "scripts/train.py", folder / "scripts/real_train.py")
    shutil.copy(PROJECT / "tests/torture/replayed_training.py", folder / "scripts/train.py")
    return folder


def finished_study(folder: Path) -> tuple[Path, dict[str, bytes]]:
    """Return a study that ran to its end, undisturbed, and the files that must be the same."""
    base = new_study(folder)
    ended = snakemake(base)
    if ended.code:
        raise SystemExit(f"the undisturbed study failed:\n{ended.text}")
    return base, contents(base)


def differing(folder: Path, expected: dict[str, bytes]) -> list[str]:
    """Return which files that must be the same are not, or are missing."""
    found = contents(folder)
    return sorted(name for name in expected if found.get(name) != expected[name])


def copy(base: Path, folder: Path) -> Path:
    """Return a copy of a study, file times kept, in the place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    return Path(shutil.copytree(base, folder, symlinks=True))


def start(folder: Path, *arguments: str) -> tuple[int, Path]:
    """Start Snakemake on the study in `folder`; return its process and the file it writes to."""
    import snakemake.cli  # noqa: F401  imported once, here

    # Not beside the study, whose disk a campaign may fill.
    log = Path(tempfile.gettempdir(), f"snaketune-{os.getpid()}-{time.monotonic_ns()}.out")
    child = os.fork()
    if child:
        return child, log
    code = 1
    # Ended with the campaign, however that ends (PR_SET_PDEATHSIG).
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    # The campaign's own ends are not this process's; those of Snakemake and the study are.
    atexit._clear()
    try:
        os.setsid()
        where = os.open(log, os.O_WRONLY | os.O_CREAT)
        for number, target in ((0, os.open(os.devnull, os.O_RDONLY)), (1, where), (2, where)):
            os.dup2(target, number)
        code = _main(folder, arguments)
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _main(folder: Path, arguments: tuple[str, ...]) -> int:
    from snakemake.cli import main

    os.chdir(folder)
    # The study's own modules, not those of the project that the campaign was started in.
    for name in [name for name in sys.modules if name.partition(".")[0] in ("scripts", "tests")]:
        del sys.modules[name]
    sys.path = [path for path in sys.path if Path(path or ".").resolve() != PROJECT]
    try:
        command = ["--configfile", "tiny.yaml", "--cores", "2", *arguments]
        sys.argv[1:] = command
        main(command)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def ended(process: tuple[int, Path]) -> bool:
    """Tell whether what `start` started has ended; `wait` is still to be called."""
    return os.waitid(os.P_PID, process[0], os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def wait(process: tuple[int, Path]) -> Ended:
    """Wait for the end of what `start` started."""
    child, log = process
    end = time.monotonic() + PATIENCE
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > end:
            os.killpg(child, 9)
        time.sleep(0.02)
    text = log.read_text(errors="replace")
    log.unlink()
    return Ended(os.waitstatus_to_exitcode(status), text)


def snakemake(folder: Path, *arguments: str) -> Ended:
    """Run Snakemake on the study in `folder` to its end."""
    return wait(start(folder, *arguments))
