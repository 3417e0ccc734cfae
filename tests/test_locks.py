"""A study has one Snakemake at a time, whatever becomes of Snakemake's own locks."""

import signal
import subprocess
import sys
from pathlib import Path

from scripts.study.locks import held, hold
from tests.conftest import Snakemake
from tests.tiny import make_study

HOLDER = """
import sys, time
from pathlib import Path
from scripts.study.locks import hold
print(hold(Path(sys.argv[1])), flush=True)
time.sleep(100)
"""


def test_a_file_is_held_until_its_holder_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder, holder.stdout:
        assert holder.stdout.readline() == "None\n"
        told = hold(path)
        assert told is not None
        assert told.startswith(f"process {holder.pid} on ")
        holder.send_signal(signal.SIGKILL)
    assert held(path) is False
    assert hold(path) is None


def test_where_no_lock_can_be_made_nobody_is_kept_out(tmp_path: Path) -> None:
    (tmp_path / "folder.lock").mkdir()
    assert hold(tmp_path / "folder.lock") is None
    (tmp_path / "file").touch()
    assert hold(tmp_path / "file/a.lock") is None


def test_the_study_that_runs_is_started_once_though_another_ended_in_its_folder(
    workdir: Path, snakemake: Snakemake
) -> None:
    config = make_study(workdir)
    (workdir / "other.yaml").write_text(config.read_text().replace('"tiny"', '"other"', 1))
    lock = workdir / ".snakemake/snaketune-tiny.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    data = "data/info.json"
    with holder, holder.stdout:
        holder.stdout.readline()
        other = ("--configfile", "other.yaml", "--cores", "1", "--", f"results/other/{data}")
        snakemake(*other)
        process = snakemake(
            *("--configfile", "tiny.yaml", "--cores", "1", "--", f"results/tiny/{data}"),
            check=False,
        )
        assert process.returncode == 1
        told = [line for line in process.stdout.splitlines() if line.startswith("snaketune: ")]
        assert len(told) == 1
        assert told[0].startswith(f"snaketune: results/tiny: process {holder.pid} on ")
        assert told[0].endswith(
            " works on this study already (it holds .snakemake/snaketune-tiny.lock); wait for its"
            " end, or give yours another name"
        )
        assert "Traceback" not in process.stdout
        assert not (workdir / "results/tiny").exists()
        # Whoever only looks is not kept out.
        snakemake("--configfile", "tiny.yaml", "-n", "--", f"results/tiny/{data}")
        holder.kill()
    snakemake("--configfile", "tiny.yaml", "--cores", "1", "--", f"results/tiny/{data}")
