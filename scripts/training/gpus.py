"""A GPU of its own for each training on a machine, or in a job, with several.

A training holds a lock on a file named after its GPU. The lock ends with the process, whatever ends
it, so that no GPU stays taken by a training that was killed.
"""

import ctypes
import fcntl
import itertools
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import quote

from scripts.study.errors import StudyError
from scripts.study.locks import try_lock

# The environment in which a process sees no GPU. To AMD's runtime an empty list is none at all.
NO_GPU = {"CUDA_VISIBLE_DEVICES": "-1", "HIP_VISIBLE_DEVICES": "-1"}
# The settings of cuBLAS that torch takes for deterministic, the faster one first.
_CUBLAS = (":4096:8", ":16:8")
# As CUDA and ROCm say that nothing was compiled for a GPU.
_FOREIGN = ("no kernel image", "invalid device function")
# Open as long as the process lives: to close one is to give the GPU back.
_held: list[int] = []


def count(environment: Mapping[str, str] = os.environ, devices: Path = Path("/dev")) -> int:
    """Return how many GPUs this machine has for this process, without torch, which takes seconds.

    Those that CUDA_VISIBLE_DEVICES lists, whatever torch there is; else NVIDIA's among `devices`
    or, where none is, as under WSL, those that its management library knows. Of these a torch that
    was built for processors alone has none.
    """
    listed = environment.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        return len(_names(listed))
    # Snakemake may be in an environment of its own, without torch: jobs will have theirs.
    with suppress(PackageNotFoundError):
        if version("torch").endswith("+cpu"):
            return 0
    nodes = sum(path.name.removeprefix("nvidia").isdigit() for path in devices.glob("nvidia*"))
    return nodes or _managed()


def _managed() -> int:
    """Return how many GPUs NVIDIA's management library knows; 0 without one or its driver."""
    try:
        library = ctypes.CDLL("libnvidia-ml.so.1")
        number = ctypes.c_uint(0)
        failed = library.nvmlInit_v2() or library.nvmlDeviceGetCount_v2(ctypes.byref(number))
    except (OSError, AttributeError):
        return 0
    return 0 if failed else number.value


def visible(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    listed = environment.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        return _names(listed)
    import torch

    # Counted, where NVIDIA's management library is there, without a word to CUDA, which reads the
    # environment once, at its start.
    return [str(number) for number in range(torch.cuda.device_count())]


def take(gpus: Sequence[str], folder: Path | None = None) -> str | None:
    """Return the GPU with the fewest trainings on it, and hold it until this process ends.

    Of several the first of `gpus`. None without GPUs. `folder` is where the locks lie: by default
    one of this user's on this machine. Raises `StudyError` where that is somebody else's.
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
    # Old names of parts of a GPU have slashes.
    places = {gpu: f"{job}-{quote(gpu, safe='')}-" for gpu in gpus}
    with (folder / job).open("a") as turn:
        # One after the other, or two that count at the same moment choose the same.
        with suppress(OSError):  # a disk without locks: they choose as if each were alone
            fcntl.flock(turn, fcntl.LOCK_EX)
        gpu = min(gpus, key=lambda one: _trainings(folder, places[one]))
        for place in itertools.count():
            lock = _lock(folder / f"{places[gpu]}{place}")
            if lock is not None:
                _held.append(lock)
                return gpu
    raise AssertionError("there is always a place")


def set_up() -> None:
    """Choose the GPU of this process, if there are any; to be called before CUDA starts.

    Raises `StudyError` where there are, and torch cannot use them.
    """
    use_one()
    check()
    be_deterministic()


def use_one() -> None:
    """Let this process see one GPU, where there are several; to be called before CUDA starts.

    A single one is held as well: a training that sees others beside it goes elsewhere.
    """
    import torch

    gpus = visible()
    gpu = take(gpus)
    if gpu is not None and len(gpus) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
        # To count them, some machines had to start CUDA, which does not read the list again.
        if torch.cuda.device_count() > 1:
            torch.cuda.set_device(gpus.index(gpu))


def check() -> None:
    """Raise `StudyError` where there is a GPU and a torch for GPUs, and one cannot use the other.

    A training that falls back to the processor would take hours, and be compared with others. A
    GPU that is older than all that this torch was built for is found, but computes nothing.
    """
    import torch

    cuda, hip = torch.version.cuda, torch.version.hip
    runtime = f"CUDA {cuda}" if cuda else f"ROCm {hip}"
    if count() and (cuda or hip) and not torch.cuda.is_available():
        raise StudyError(
            "training.gpu: 1, but torch cannot use a GPU that CUDA_VISIBLE_DEVICES, /dev or its"
            f" driver tells of: is the driver recent enough for {runtime}, and is the GPU free for"
            " several processes?\n"
            "  training.gpu: 0 trains on the processor"
        )
    if torch.cuda.is_available():
        try:
            torch.zeros(1, device="cuda").add_(1).item()
        except RuntimeError as error:
            if not any(words in str(error) for words in _FOREIGN):
                raise
            raise StudyError(
                f"training.gpu: 1, but this build of torch ({runtime}) has no code for"
                f" {torch.cuda.get_device_name()}; install a build of the same version that has"
                " (for older GPUs: https://download.pytorch.org/whl/cu126)\n"
                "  training.gpu: 0 trains on the processor"
            ) from None


def be_deterministic(*, strictly: bool = True) -> None:
    """Let a GPU add up in the same order each time, as a processor does by itself.

    Only where torch is asked strictly do its fused attentions take their deterministic way back;
    what has no such kernel then raises an error that `lacks_deterministic` knows. To be called
    before the first product, when cuBLAS reads its setting from the environment.
    """
    import torch

    if torch.cuda.is_available():
        if os.environ.get("CUBLAS_WORKSPACE_CONFIG") not in _CUBLAS:
            os.environ["CUBLAS_WORKSPACE_CONFIG"] = _CUBLAS[0]
        torch.use_deterministic_algorithms(True, warn_only=not strictly)
        # No kernel here reads memory that nothing was written to: to fill it is only slow.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        # It plans anew for every length of a batch, and is no deterministic one.
        torch.backends.cuda.enable_cudnn_sdp(False)


def lacks_deterministic(error: BaseException) -> bool:
    """Tell whether torch refused to compute because it has no deterministic kernel for it."""
    return "does not have a deterministic implementation" in str(error)


def _names(listed: str) -> list[str]:
    """Return the GPUs of a list; as CUDA has it, what is no GPU (-1) ends the list."""
    names = (name.strip() for name in listed.split(","))
    return list(itertools.takewhile(lambda name: name not in ("", "-1"), names))


def _trainings(folder: Path, prefix: str) -> int:
    """Return how many places of a GPU are held, whose locks' names begin with `prefix`."""
    held = 0
    for path in folder.iterdir():
        if path.name.startswith(prefix) and path.name.removeprefix(prefix).isdigit():
            lock = _lock(path)
            if lock is None:
                held += 1
            else:
                os.close(lock)
    return held


def _lock(path: Path) -> int | None:
    """Return a file that is open and locked; None where another process holds it."""
    lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    if try_lock(lock):
        return lock
    os.close(lock)
    return None
