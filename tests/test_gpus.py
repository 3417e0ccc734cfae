"""Each training on a machine with several GPUs sees one of its own. The devices here are names."""

import errno
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

from scripts.study.errors import StudyError
from scripts.training import gpus
from tests.conftest import Snakemake
from tests.tiny import make_study

# Stands in for scripts/train.py: takes a GPU as that does, and waits until AT_ONCE are there.
STUB = """
import argparse, json, os, time
from pathlib import Path
from scripts.training.gpus import use_one

parser = argparse.ArgumentParser()
parser.add_argument("--output", type=Path)
folder = parser.parse_known_args()[0].output
use_one()
(folder / "gpu.json").write_text(json.dumps([os.environ["CUDA_VISIBLE_DEVICES"], time.time()]))
end = time.monotonic() + 100
while len(list(folder.parent.glob("*/gpu.json"))) < AT_ONCE and time.monotonic() < end:
    time.sleep(0.1)
if time.monotonic() > end:
    raise SystemExit("they never were")
for name in ("history.csv", "predictions.csv", "metrics.json"):
    (folder / name).write_text(str(time.time()))
"""


@pytest.fixture(autouse=True)
def release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(gpus.tempfile, "tempdir", None)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    yield
    while gpus._held:
        with suppress(OSError):
            os.close(gpus._held.pop())


def test_gpus_are_taken_in_turn_then_shared_evenly(tmp_path: Path) -> None:
    taken = [gpus.take(["0", "2", "GPU-8f2"], tmp_path / "locks") for _ in range(7)]
    assert taken == ["0", "2", "GPU-8f2"] * 2 + ["0"]
    assert gpus.take([]) is None


def test_without_locks_trainings_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.ENOSYS, "no locks here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert gpus.take(["0", "1"], tmp_path / "locks") == "0"


def test_locks_lie_in_a_folder_of_ones_own_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")
    with pytest.raises(StudyError, match="link: not a folder of yours"):
        gpus.take(["0"], tmp_path / "link")
    (tmp_path / "theirs").mkdir()
    me = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: me + 1)
    with pytest.raises(StudyError, match="theirs: not a folder of yours"):
        gpus.take(["0"], tmp_path / "theirs")
    assert not [*(tmp_path / "elsewhere").iterdir(), *(tmp_path / "theirs").iterdir()]


def test_a_training_that_ends_gives_its_gpu_back(tmp_path: Path) -> None:
    code = "from scripts.training.gpus import take; print(take(['0', '1']), flush=True); input()"
    others = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    streams: list[Any] = [other.stdout for other in others]
    found = {
        stream.readline().strip(): other for stream, other in zip(streams, others, strict=True)
    }
    assert set(found) == {"0", "1"}
    found["1"].kill()
    found["1"].wait()
    assert gpus.take(["0", "1"]) == "1"
    found["0"].communicate("\n")
    assert gpus.take(["0", "1"]) == "0"
    for stream in streams + [other.stdin for other in others]:
        stream.close()


@pytest.mark.parametrize(
    ("listed", "seen"),
    [
        *[("3", "3"), ("1,3", "1"), (" 2 , 3", "2"), ("", ""), ("GPU-1,GPU-2", "GPU-1")],
        *[("-1", "-1"), ("2,3,-1", "2"), ("MIG-GPU-8f/1/0,MIG-GPU-8f/2/0", "MIG-GPU-8f/1/0")],
    ],
)
def test_a_list_of_the_user_s_or_of_slurm_s_is_kept_to(
    monkeypatch: pytest.MonkeyPatch, listed: str, seen: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    gpus.use_one()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == seen


def test_where_cuda_has_begun_the_gpu_is_chosen_within_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without NVIDIA's management library, to count the GPUs is to start CUDA."""
    chosen: list[int] = []
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    monkeypatch.setattr("torch.cuda.set_device", chosen.append)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # to be as it was in the end
    for _ in range(2):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
        gpus.use_one()
    assert chosen == [0, 1]
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    gpus.use_one()
    assert chosen == [0, 1]


def test_a_single_gpu_is_held_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    gpus.use_one()
    assert gpus.take(["0", "1"]) == "1"


def test_without_a_list_the_machine_s_gpus_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    assert gpus.visible({}) == ["0", "1", "2"]


def test_jobs_of_a_cluster_do_not_share_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for job in ("7", "8"):
        monkeypatch.setenv("SLURM_JOB_ID", job)
        assert gpus.take(["0", "1"]) == "0"


def test_the_gpu_with_the_fewest_trainings_is_next(tmp_path: Path) -> None:
    taken = [gpus.take(["0", "1"], tmp_path) for _ in range(4)]
    assert taken == ["0", "1", "0", "1"]
    for index in (3, 1):  # both of GPU 1 end, and the second of GPU 0 is the later one
        os.close(gpus._held.pop(index))
    assert [gpus.take(["0", "1"], tmp_path) for _ in range(3)] == ["1", "1", "0"]


class Driver:
    """Stands in for NVIDIA's management library, of a machine with two GPUs."""

    def __init__(self, name: str) -> None:
        assert name == "libnvidia-ml.so.1"

    def nvmlInit_v2(self) -> int:
        return 0

    def nvmlDeviceGetCount_v2(self, number: Any) -> int:
        number._obj.value = 2
        return 0


def no_driver(name: str) -> NoReturn:
    raise OSError(f"{name}: cannot open shared object file")


def test_gpus_are_counted_without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "version", lambda package: "2.13.0")
    for name in ("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert gpus.count({}, tmp_path) == 3
    assert gpus.count({"CUDA_VISIBLE_DEVICES": "4,7"}, tmp_path) == 2
    assert gpus.count({"CUDA_VISIBLE_DEVICES": ""}, tmp_path) == 0
    monkeypatch.setattr("ctypes.CDLL", no_driver)
    assert gpus.count({}, tmp_path / "nowhere") == 0
    monkeypatch.setattr("ctypes.CDLL", Driver)  # under WSL there are no devices
    assert gpus.count({}, tmp_path / "nowhere") == 2
    monkeypatch.setattr(Driver, "nvmlInit_v2", lambda self: 9)
    assert gpus.count({}, tmp_path / "nowhere") == 0
    monkeypatch.setattr(gpus, "version", lambda package: "2.13.0+cpu")
    assert gpus.count({}, tmp_path) == 0
    assert gpus.count({"CUDA_VISIBLE_DEVICES": "4,7"}, tmp_path) == 2  # somebody chose them


def test_gpus_are_counted_where_there_is_no_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(package: str) -> str:
        raise PackageNotFoundError(package)

    (tmp_path / "nvidia0").touch()
    monkeypatch.setattr(gpus, "version", version)
    assert gpus.count({}, tmp_path) == 1


def test_a_gpu_that_torch_cannot_use_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr("torch.version.cuda", None)
    monkeypatch.setattr("torch.version.hip", None)
    gpus.check()  # a torch for processors
    monkeypatch.setattr("torch.version.cuda", "13.0")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(StudyError, match=r"training\.gpu: 1, but torch cannot use a GPU"):
        gpus.check()
    monkeypatch.setattr("torch.version.cuda", None)
    monkeypatch.setattr("torch.version.hip", "7.1")
    with pytest.raises(StudyError, match=r"recent enough for ROCm 7\.1, and"):
        gpus.check()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")  # as with training.gpu: 0
    gpus.check()


def test_a_gpu_that_torch_has_no_code_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "CUDA error: no kernel image is available for execution on the device"

    def zeros(count: int, device: str) -> torch.Tensor:
        raise RuntimeError(said)

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr("torch.version.cuda", "13.0")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "Tesla V100")
    monkeypatch.setattr("torch.zeros", zeros)
    words = r"training\.gpu: 1, but this build of torch \(CUDA 13\.0\) has no code for Tesla V100;"
    with pytest.raises(StudyError, match=words):
        gpus.check()
    said = "CUDA out of memory"
    with pytest.raises(RuntimeError, match=said):
        gpus.check()


def test_a_gpu_is_asked_for_its_deterministic_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[bool, bool]] = []
    monkeypatch.setattr(
        "torch.use_deterministic_algorithms",
        lambda wanted, warn_only: asked.append((wanted, warn_only)),
    )
    fused: list[bool] = []
    monkeypatch.setattr("torch.backends.cuda.enable_cudnn_sdp", fused.append)
    monkeypatch.setattr("torch.utils.deterministic.fill_uninitialized_memory", True)
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    gpus.be_deterministic()  # a processor needs none of it
    assert asked == []
    assert torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":0:0")  # of which torch would complain
    gpus.be_deterministic()
    # Attention on GPUs is deterministic on its way back where torch is asked strictly alone.
    assert (asked, fused) == ([(True, False)], [False])
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    gpus.be_deterministic(strictly=False)
    assert asked[1:] == [(True, True)]
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"
    assert not torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("devices", "training", "options", "at_once", "seen"),
    [
        # One training on each GPU: as many as typed, or as there are.
        ("0,1,2,3", {"gpu": 1}, "--cores 8 --resources gpu=4", 4, "0 1 2 3"),
        ("0,1,2", {"gpu": 1}, "--cores 8", 3, "0 1 2"),
        ("0,1,2", {"gpu": 1}, "-j 8", 3, "0 1 2"),
        ("0,1", {"gpu": 1, "per_gpu": 2}, "--cores 8", 4, "0 1"),
        ("0,1", {"gpu": 1, "per_gpu": 3}, "--cores 8 --resources gpu=1", 3, "0 1"),
        ("0,1", {"gpu": 0}, "--cores 8", 6, "-1"),
    ],
)
def test_trainings_at_once_see_gpus_of_their_own_or_share_them(
    workdir: Path,
    snakemake: Snakemake,
    monkeypatch: pytest.MonkeyPatch,
    devices: str,
    training: dict[str, int],
    options: str,
    at_once: int,
    seen: str,
) -> None:
    make_study(
        workdir,
        hyperparameters={"max_seq_length": {"baseline": 16}},
        training=training,
        baseline={"seeds": 6},
        rank={},
        grid={"enabled": False},
        refine={"configurations": []},
        optuna={"trials": 0},
    )
    (workdir / "scripts/train.py").write_text(STUB.replace("AT_ONCE", str(at_once)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", devices)
    runs = workdir / "results/tiny/runs"
    snakemake(
        *(f"results/tiny/runs/baseline-seed{seed}/metrics.json" for seed in range(7, 13)),
        *("--configfile", "tiny.yaml", *options.split()),
    )
    stays = []
    for run in runs.iterdir():
        gpu, start = json.loads((run / "gpu.json").read_text())
        stays.append((gpu, start, float((run / "metrics.json").read_text())))
    assert len(stays) == 6
    first = sorted(stays, key=lambda stay: stay[1])
    together = 0
    for _, start, _ in stays:
        beside = [gpu for gpu, other, end in stays if other <= start < end]
        together = max(together, len(beside))
        assert seen == "-1" or max(map(beside.count, beside)) <= training.get("per_gpu", 1)
    assert together == at_once
    assert {gpu for gpu, _, _ in first[:at_once]} == set(seen.split(" "))
