"""A training that runs out of memory says so in words; what it left is no result."""

import subprocess
import sys
from pathlib import Path

import pytest
import transformers

from scripts.study.errors import command, out_of_memory
from scripts.study.files import write_json
from scripts.training.data import load
from scripts.training.model import build
from scripts.training.tokens import load_tokens, save_tokens
from tests.training_parts import random_tokens, train_options, values, write_inputs, write_model
from tools.project import PROJECT

LENGTH = 64
# The training itself, where all that it may take beyond its imports are so many bytes.
LIMITED = """
import re, resource, sys
from pathlib import Path
from scripts import train
from scripts.study.errors import command
used = int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv.pop(1)), resource.RLIM_INFINITY))
command(train.main)
"""


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """Return the options of a training whose one batch takes hundreds of MB."""
    model = write_model(tmp_path / "model")
    splits = {"train": random_tokens(4096, longest=LENGTH), "validation": random_tokens(16, seed=1)}
    write_inputs(tmp_path, model, splits, LENGTH)
    chosen = values(max_seq_length=LENGTH, train_batch_size=4096, num_train_epochs=1)
    write_json(tmp_path / "run/run.json", {"hyperparameters": chosen, "seed": 7})
    return train_options(tmp_path, tmp_path / "run")


@pytest.mark.parametrize(("room", "enough"), [(2**27, False), (2**33, True)])
def test_a_training_with_too_little_memory(
    arguments: list[str], tmp_path: Path, room: int, enough: bool
) -> None:
    process = subprocess.run(
        [sys.executable, "-c", LIMITED, str(room), *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == (0 if enough else 1), process.stderr
    assert (tmp_path / "run/metrics.json").exists() is enough
    if not enough:
        told, cure = process.stderr.splitlines()[-2:]
        assert told.startswith("snaketune: out of memory (")
        assert "smaller train_batch_size" in cure
        assert "Traceback" not in process.stderr


def caused_by(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has"),
        # As torch says it where another process has the memory of the GPU.
        RuntimeError("CUDA error: out of memory\nCompile with `TORCH_USE_CUDA_DSA`"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: not enough memory"),
        OSError(12, "Cannot allocate memory"),
        ImportError("libtorch.so: failed to map segment: Cannot allocate memory"),
        caused_by(ValueError("an error occurred"), MemoryError()),
    ],
)
def test_each_way_to_say_it_is_known(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        raise error

    with pytest.raises(SystemExit):
        command(main)
    assert capsys.readouterr().err.startswith("snaketune: out of memory (")


def test_another_error_is_not_taken_for_it() -> None:
    assert not out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    # So it is where libraries lie on a disk from which nothing may run.
    assert not out_of_memory(ImportError("libtorch.so: failed to map segment from shared object"))


def short(*arguments: object, **options: object) -> None:
    raise OSError(12, "unable to mmap 90868376 bytes from file <weights>: Cannot allocate memory")


def test_it_is_no_mistake_of_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What reads models and data tells of each fault of theirs; want of memory is none."""
    folder = write_model(tmp_path / "model")
    examples = tmp_path / "examples.csv"
    examples.write_text("a,b\n1,2\n")
    tokens = tmp_path / "16.safetensors"
    save_tokens(tokens, {"train": random_tokens(4)}, 0)
    monkeypatch.setattr(transformers.AutoModelForSequenceClassification, "from_pretrained", short)
    monkeypatch.setattr("datasets.load_dataset_builder", short)
    monkeypatch.setattr("scripts.training.tokens.load_file", short)
    for read in (
        lambda: build(folder, ["a", "b"], values(), 7),
        lambda: load({"path": "csv", "data_files": str(examples)}, "train"),
        lambda: load_tokens(tokens),
    ):
        with pytest.raises(OSError, match="Cannot allocate memory"):
            read()
