"""A GPU of its own for each training on a machine, or in a job, with several.

A training holds a lock on a file named after its GPU. The lock ends with the process, whatever ends
it, so that no GPU stays taken by a training that was killed.
"""

import fcntl
import itertools
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.study.errors import StudyError

# Open as long as the process lives: to close one is to give the GPU back.
_held: list[int] = []


def visible(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    listed = environment.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        return [name for part in listed.split(",") if (name := part.strip())]
    import torch

    # Counted without a word to CUDA, which reads the environment once, at its start.
    return [str(number) for number in range(torch.cuda.device_count())]


def take(gpus: Sequence[str], folder: Path | None = None) -> str | None:
    """Return the GPU with the fewest trainings on it, and hold it until this process ends.

    Of `gpus`, the first that is free; where all are taken, they are shared evenly. None without
    GPUs. `folder` is where the locks lie: by default one of this user's on this machine. Raises
    `StudyError` where that is somebody else's.
    """
    if not gpus:
        return None
    # Two jobs of a cluster may each have a GPU 0, and not the same.
    job = os.environ.get("SLURM_JOB_ID", "machine")
    folder = folder or Path(tempfile.gettempdir(), f"snaketune-gpus-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    # Anyone may make a folder, or a link, of this name first.
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise StudyError(
            f"{folder}: not a folder of yours, and locks of GPUs are to lie there; remove it, or"
            " set TMPDIR to another folder"
        )
    for place in itertools.count():
        for gpu in gpus:
            lock = os.open(folder / f"{job}-{gpu}-{place}", os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
            else:
                _held.append(lock)
                return gpu
    raise AssertionError("there is always a place")


def use_one() -> None:
    """Let this process see one GPU, where there are several; to be called before CUDA starts."""
    gpus = visible()
    if len(gpus) > 1 and (gpu := take(gpus)) is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
