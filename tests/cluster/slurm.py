"""A real SLURM of one node, for tests: munged, slurmctld and slurmd of this machine.

Installs nothing. It needs root, Debian's slurmctld, slurmd, slurm-client and munge, and no SLURM
that is already set up here. The GPUs are two devices that any machine has.

As a command, `python -m tests.cluster.slurm FOLDER` waits for the end of its input and then ends
the cluster whose state is in FOLDER: a pipe from the tests, which breaks however they end.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from tools.project import PROJECT

# Jobs find the cluster through this file alone: SLURM_CONF does not reach their steps.
CONFIG = Path("/etc/slurm/slurm.conf")
GPU_CONFIG = CONFIG.with_name("gres.conf")
PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
NODE = socket.gethostname().partition(".")[0]
GPUS = 2
ACTIVE = "PENDING,RUNNING,COMPLETING"

_NAME = "snaketune-tests"
_DAEMONS = ("munged", "slurmctld", "slurmd")
_MARK = "# Written by Snaketune's tests in process"
_CONFIG = """\
{mark} {process}, which removes it when it ends.
ClusterName={name}
SlurmctldHost={node}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
AccountingStorageType=accounting_storage/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
# Memory is enforced by looking every second; no cgroups, which containers lack.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
KillWait=2
MinJobAge=600
ReturnToService=0
SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_min_interval=0
GresTypes=gpu
{hardware} Gres=gpu:{gpus} NodeAddr=127.0.0.1 State=UNKNOWN
PartitionName=tests Nodes={node} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Return why no test cluster is to be started here; empty where one can be."""
    if os.environ.get("SNAKETUNE_CLUSTER_TESTS") == "0":
        return "not wanted: SNAKETUNE_CLUSTER_TESTS=0"
    lacking = [program for program in PROGRAMS if shutil.which(program, path=_path()) is None]
    if lacking:
        return (
            f"no {', '.join(lacking)} on this machine"
            " (apt-get install slurmctld slurmd slurm-client munge)"
        )
    if os.geteuid() != 0:
        return "slurmctld and slurmd are started by root only"
    if CONFIG.exists() and not _left_behind():
        return f"{CONFIG} is there already: another cluster, which is not to be touched"
    return ""


def _left_behind() -> bool:
    """Tell whether the configuration is that of tests which were killed; daemons died with them."""
    words = CONFIG.read_text(encoding="utf-8").partition(",")[0].rpartition(" ")
    command = Path("/proc", words[2], "cmdline")
    # A process that has ended and that nobody asked for has no command line.
    return words[0] == _MARK and not (command.exists() and command.read_bytes())


def _path() -> str:
    return os.environ["PATH"] + os.pathsep + "/usr/sbin"


def wait_for(what: str, condition: Callable[[], object], seconds: float = 60) -> None:
    """Return once `condition()` is true; raise `TimeoutError` naming `what` where it never is."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:.0f} seconds")
        time.sleep(0.2)


class Slurm:
    """The cluster. `folder` holds its state and its logs, and is removed when it stops."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="snaketune-slurm-", dir="/tmp"))
        # In a session of its own: what kills the tests must not kill what cleans up after them.
        self._end = subprocess.Popen(
            [sys.executable, "-m", "tests.cluster.slurm", self.folder],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def start(self) -> None:
        """Write the configuration and start the three daemons; the node is idle on return."""
        for name in ("state", "spool", "pids"):
            (self.folder / name).mkdir()
        # munged wants its socket where every user of the machine may look.
        self.folder.chmod(0o755)
        subprocess.run(
            [_program("mungekey"), "--create", f"--keyfile={self.folder}/munge.key"], check=True
        )
        hardware = self.command("slurmd", "-C").splitlines()[0]
        CONFIG.write_text(
            _CONFIG.format(
                mark=_MARK,
                process=os.getpid(),
                name=_NAME,
                node=NODE,
                folder=self.folder,
                hardware=hardware,
                gpus=GPUS,
            )
        )
        devices = ("/dev/null", "/dev/zero")[:GPUS]
        GPU_CONFIG.write_text(
            "".join(f"NodeName={NODE} Name=gpu File={device}\n" for device in devices)
        )
        self._start(
            "munged",
            "--foreground",
            f"--key-file={self.folder}/munge.key",
            f"--socket={self.folder}/munge.socket",
            f"--pid-file={self.folder}/munged.pid",
            f"--log-file={self.folder}/munged.log",
            f"--seed-file={self.folder}/munged.seed",
        )
        wait_for("munged", (self.folder / "munge.socket").exists)
        self._start("slurmctld", "-D")
        self.start_node()
        wait_for("a node that takes jobs", lambda: self.node_state() == "IDLE")

    def start_node(self) -> None:
        """Start slurmd."""
        self._start("slurmd", "-D")

    def kill_node(self) -> None:
        """Kill slurmd with -9. Jobs go on: each has a process of its own beside it."""
        _end(self.folder, "slurmd", signal.SIGKILL)

    def stop(self) -> None:
        """End all jobs, stop what was started here, and remove the configuration."""
        assert self._end.stdin is not None
        self._end.stdin.close()
        self._end.wait(120)

    def command(self, *words: str, check: bool = True) -> str:
        """Return what a SLURM command prints."""
        return _command(*words, check=check)

    def node_state(self) -> str:
        """Return the node's state, such as IDLE, without flags such as +DRAIN."""
        return self.command("sinfo", "-h", "-o", "%T", check=False).strip().rstrip("*").upper()

    def update_node(self, state: str) -> None:
        """Set the node's state: drain, down or resume."""
        reason = [] if state == "resume" else ["Reason=test"]
        self.command("scontrol", "update", f"NodeName={NODE}", f"State={state}", *reason)

    def jobs(self, states: str = ACTIVE) -> list[str]:
        """Return the ids of jobs in these states."""
        return _jobs(states)

    def steps(self) -> list[str]:
        """Return the job steps that have a process on the node, such as `vm_1.batch`."""
        return [path.name for path in (self.folder / "spool").glob(f"{NODE}_*")]

    def history(self, above: int = 0) -> list[dict[str, str]]:
        """Return what `scontrol show job` says of every job above a number, oldest first."""
        listing = self.command("scontrol", "show", "job", "--oneliner", check=False)
        jobs = [
            dict(word.split("=", 1) for word in line.split() if "=" in word)
            for line in listing.splitlines()
            if line.startswith("JobId=")
        ]
        jobs = [job for job in jobs if int(job["JobId"]) > above]
        return sorted(jobs, key=lambda job: int(job["JobId"]))

    def newest(self) -> int:
        """Return the number above which all later jobs are; older ones may be forgotten."""
        return max((int(job["JobId"]) for job in self.history()), default=0)

    def job(self, number: str) -> dict[str, str]:
        """Return what `scontrol show job` says of one job: `7`, or `7_1` for a task of an array."""
        return next(job for job in self.history() if queued(job) == number)

    def _start(self, name: str, *options: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as log:
            # Ctrl-C in pytest is no signal to the cluster, which ends when pytest does.
            process = subprocess.Popen(
                [_program(name), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        # Its end is asked for by its number; nobody waits for it as a child.
        process.returncode = 0
        (self.folder / "pids" / name).write_text(str(process.pid))


def queued(job: Mapping[str, str]) -> str:
    """Return the number by which squeue knows a job: `7`, or `7_1` for a task of an array."""
    array, task = job.get("ArrayJobId"), job.get("ArrayTaskId")
    return f"{array}_{task}" if array else job["JobId"]


def _command(*words: str, check: bool = True) -> str:
    result = subprocess.run(
        [_program(words[0]), *words[1:]],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if check and result.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {result.stderr or result.stdout}")
    return result.stdout


def _jobs(states: str) -> list[str]:
    return _command("squeue", "-h", "-r", "-o", "%i", f"--states={states}", check=False).split()


def _program(name: str) -> str:
    """Return the path of a program, which may lie where only root looks."""
    found = shutil.which(name, path=_path())
    assert found is not None, name
    return found


def _lives(process: int) -> bool:
    """Tell whether a process runs; one that has ended and that nobody asked for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _end(folder: Path, daemon: str, number: signal.Signals) -> None:
    """End a daemon of the cluster, where it runs: with `number`, and after 20 seconds with -9."""
    file = folder / "pids" / daemon
    if not file.exists():
        return
    process = int(file.read_text())
    file.unlink()
    for each in (number, signal.SIGKILL):
        with suppress(ProcessLookupError, TimeoutError):
            os.kill(process, each)
            wait_for(f"the end of {daemon}", lambda: not _lives(process), 20)
            return


def end(folder: Path) -> None:
    """End the jobs and the daemons of a cluster; remove its configuration and its folder."""
    try:
        if (folder / "pids" / "slurmctld").exists():
            with suppress(subprocess.TimeoutExpired, TimeoutError):
                _command("scancel", "--signal=KILL", "--full", f"--nodelist={NODE}", check=False)
                _command("scancel", "--user=root", check=False)
                wait_for("the end of all jobs", lambda: not _jobs(ACTIVE), 30)
    finally:
        for daemon in reversed(_DAEMONS):
            _end(folder, daemon, signal.SIGTERM)
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"SLURM_CLUSTER_NAME={_NAME}\0".encode() in (process / "environ").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)
        if CONFIG.exists() and str(folder) in CONFIG.read_text():
            CONFIG.unlink()
            GPU_CONFIG.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.stdin.read()
    end(Path(sys.argv[1]))
