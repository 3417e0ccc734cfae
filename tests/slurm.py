"""A real SLURM of one node, for tests: munged, slurmctld and slurmd of this machine.

Installs nothing. It needs root, Debian's slurmctld, slurmd, slurm-client and munge, and no SLURM
that is already set up here. The GPUs are two devices that any machine has.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# Jobs find the cluster through this file alone: SLURM_CONF does not reach their steps.
CONFIG = Path("/etc/slurm/slurm.conf")
GPU_CONFIG = CONFIG.with_name("gres.conf")
PROGRAMS = ("setpriv", "munged", "mungekey", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
NODE = socket.gethostname().partition(".")[0]
GPUS = 2

_MARK = "# Written by Snaketune's tests in process"
_CONFIG = """\
{mark} {process}, which removes it when it ends.
ClusterName=snaketune-tests
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
    if os.environ.get("SNAKETUNE_CLUSTER_TESTS") != "1":
        return "on request only, since it starts daemons: SNAKETUNE_CLUSTER_TESTS=1"
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
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Write the configuration and start the three daemons; the node is idle on return."""
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        # munged wants its socket where every user of the machine may look.
        self.folder.chmod(0o755)
        subprocess.run(
            [_program("mungekey"), "--create", f"--keyfile={self.folder}/munge.key"], check=True
        )
        hardware = self.command("slurmd", "-C").splitlines()[0]
        CONFIG.parent.mkdir(exist_ok=True)
        CONFIG.write_text(
            _CONFIG.format(
                mark=_MARK,
                process=os.getpid(),
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
        self._stop("slurmd", signal.SIGKILL)

    def stop(self) -> None:
        """End all jobs, stop what was started here, and remove the configuration."""
        try:
            if "slurmctld" in self._daemons:
                self.command(
                    "scancel", f"--nodelist={NODE}", "--signal=KILL", "--full", check=False
                )
                self.command("scancel", "--user=root", check=False)
                wait_for("the end of all jobs", lambda: not self.jobs(), 30)
        finally:
            for name in reversed(list(self._daemons)):
                self._stop(name, signal.SIGTERM)
            CONFIG.unlink(missing_ok=True)
            GPU_CONFIG.unlink(missing_ok=True)
            shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, *words: str, check: bool = True) -> str:
        """Return what a SLURM command prints."""
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

    def node_state(self) -> str:
        """Return the node's state, such as IDLE, without flags such as +DRAIN."""
        return self.command("sinfo", "-h", "-o", "%T", check=False).strip().rstrip("*").upper()

    def update_node(self, state: str) -> None:
        """Set the node's state: drain, down or resume."""
        reason = [] if state == "resume" else ["Reason=test"]
        self.command("scontrol", "update", f"NodeName={NODE}", f"State={state}", *reason)

    def jobs(self, states: str = "PENDING,RUNNING,COMPLETING") -> list[str]:
        """Return the ids of jobs in these states."""
        listing = self.command("squeue", "-h", "-r", "-o", "%i", f"--states={states}", check=False)
        return listing.split()

    def steps(self) -> list[str]:
        """Return the job steps that have a process on the node, such as `vm_1.batch`."""
        return [path.name for path in (self.folder / "spool").glob(f"{NODE}_*")]

    def history(self) -> list[dict[str, str]]:
        """Return what `scontrol show job` says of every job, oldest first, a mapping a job."""
        listing = self.command("scontrol", "show", "job", "--oneliner", check=False)
        jobs = [
            dict(word.split("=", 1) for word in line.split() if "=" in word)
            for line in listing.splitlines()
            if line.startswith("JobId=")
        ]
        return sorted(jobs, key=lambda job: int(job["JobId"]))

    def job(self, number: str) -> dict[str, str]:
        """Return what `scontrol show job` says of one job."""
        return next(job for job in self.history() if job["JobId"] == number)

    def _start(self, name: str, *options: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as log:
            # Ctrl-C in pytest is no signal to the cluster, which ends when pytest does.
            self._daemons[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", _program(name), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _stop(self, name: str, number: signal.Signals) -> None:
        process = self._daemons.pop(name)
        process.send_signal(number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _program(name: str) -> str:
    """Return the path of a program, which may lie where only root looks."""
    found = shutil.which(name, path=_path())
    assert found is not None, name
    return found
