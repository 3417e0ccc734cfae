"""Where an interrupted training goes on: the state after an epoch, in one file of the run's folder.

A training that goes on from it ends with the bytes of one that was never interrupted.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from scripts.study.files import json_text, remove, replacing
from scripts.study.names import CHECKPOINT

# Writing takes at most this share of a training's time, but for its first checkpoint.
SHARE = 0.01


@dataclass(frozen=True)
class Parts:
    """What a training changes as it goes, its results apart.

    `bits` are the bit generators that batches and dropout draw from. torch's own generators are
    saved as well.
    """

    model: torch.nn.Module
    optimizer: Optimizer
    scheduler: LRScheduler
    bits: tuple[np.random.BitGenerator, ...]

    @property
    def device(self) -> torch.device:
        """Where the model is, and with it everything that is loaded."""
        return next(self.model.parameters()).device


class Checkpoint:
    """The checkpoint of one training.

    Args:
        folder: the run's folder.
        identity: all that the training's result depends on. A file of another identity is ignored.
        seconds: of training that may be lost, beside the epoch that is interrupted; 0 keeps every
            epoch. Where writing takes long, more may be lost: see `SHARE`.
        tell: takes a line of text.
    """

    def __init__(
        self,
        folder: Path,
        identity: Mapping[str, Any],
        seconds: float,
        tell: Callable[[str], None] = print,
    ) -> None:
        self.path = folder / CHECKPOINT
        self._identity = hashlib.sha256(json_text(dict(identity)).encode()).hexdigest()
        self._seconds = seconds
        self._tell = tell
        self._last = time.monotonic()
        self._cost = 0.0

    def save(self, parts: Parts, results: Mapping[str, Any]) -> None:
        """Write the state where enough time has passed since the last one was written.

        `results` is what JSON holds, and NumPy arrays. A full disk costs the checkpoint and a line
        of text, not the training.
        """
        wait = max(self._seconds, self._cost / SHARE) if self._seconds else 0.0
        start = time.monotonic()
        if start - self._last < wait:
            return
        tensors, facts = _packed(parts, results)
        try:
            with replacing(self.path) as temporary:
                found = {"identity": self._identity, "facts": facts, "sum": _sum(tensors, facts)}
                save_file(tensors, temporary, found)
        except (OSError, SafetensorError) as error:
            self._tell(f"no checkpoint: {self.path} cannot be written ({error})")
        self._last = time.monotonic()
        self._cost = self._last - start

    def load(self, parts: Parts) -> dict[str, Any]:
        """Bring `parts` to the state of the file and return its `results`; none without a file.

        A file that is damaged, or of another identity, is as good as none; a line says so.
        """
        if not self.path.exists():
            return {}
        try:
            with safe_open(self.path, "pt") as file:
                found = file.metadata() or {}
                if found.get("identity") != self._identity:
                    self._tell(f"{self.path}: of another training, ignored")
                    return {}
                # Copied out of the file's mapping, which closes here.
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
            if found.get("sum") != _sum(tensors, found.get("facts", "")):
                self._tell(f"{self.path}: damaged, ignored")
                return {}
        except (OSError, SafetensorError) as error:
            self._tell(f"{self.path}: cannot be read, ignored ({error})")
            return {}
        return _unpacked(parts, tensors, json.loads(found["facts"]))

    def remove(self) -> None:
        """Remove the file, and what a killed training left half-written."""
        remove(self.path)


def _sum(tensors: Mapping[str, torch.Tensor], facts: str) -> str:
    """Return the sha256 over all that a checkpoint holds, in hex."""
    digest = hashlib.sha256(facts.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    # By parameter: each once, also where two modules share it.
    return {
        name: tensor.detach()
        for name, tensor in (*model.named_parameters(), *model.named_buffers())
    }


def _packed(parts: Parts, results: Mapping[str, Any]) -> tuple[dict[str, torch.Tensor], str]:
    """Return all tensors by name, and as JSON what is none."""
    tensors = {f"model/{name}": tensor for name, tensor in _weights(parts.model).items()}
    optimizer = parts.optimizer.state_dict()
    plain: dict[str, dict[str, Any]] = {}
    for number, state in optimizer["state"].items():
        for name, value in state.items():
            if isinstance(value, torch.Tensor):
                tensors[f"optimizer/{number}/{name}"] = value
            else:
                plain.setdefault(str(number), {})[name] = value
    tensors["torch/cpu"] = torch.get_rng_state()
    if parts.device.type == "cuda":
        tensors["torch/cuda"] = torch.cuda.get_rng_state(parts.device)
    for name, value in results.items():
        if isinstance(value, np.ndarray):
            tensors[f"results/{name}"] = torch.from_numpy(value)
    facts = {
        "optimizer": plain,
        "rates": [group["lr"] for group in optimizer["param_groups"]],
        "scheduler": parts.scheduler.state_dict(),
        "bits": [generator.state for generator in parts.bits],
        "results": {k: value for k, value in results.items() if not isinstance(value, np.ndarray)},
    }
    return (
        {name: tensor.cpu().contiguous() for name, tensor in tensors.items()},
        json.dumps(facts, default=_listed),
    )


def _listed(value: Any) -> Any:
    """Return a NumPy array or number, such as a generator's state holds, as JSON has it."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not saved in a checkpoint")


def _unpacked(
    parts: Parts, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]
) -> dict[str, Any]:
    for name, tensor in _weights(parts.model).items():
        tensor.copy_(tensors[f"model/{name}"])
    states: dict[int, dict[str, Any]] = {
        int(number): dict(state) for number, state in facts["optimizer"].items()
    }
    results = dict(facts["results"])
    for name, tensor in tensors.items():
        kind, _, rest = name.partition("/")
        if kind == "optimizer":
            number, _, key = rest.partition("/")
            states.setdefault(int(number), {})[key] = tensor
        elif kind == "results":
            results[rest] = tensor.numpy()
    groups = parts.optimizer.state_dict()["param_groups"]
    for group, rate in zip(groups, facts["rates"], strict=True):
        group["lr"] = rate
    parts.optimizer.load_state_dict({"state": states, "param_groups": groups})
    parts.scheduler.load_state_dict(facts["scheduler"])
    for generator, state in zip(parts.bits, facts["bits"], strict=True):
        generator.state = state
    torch.set_rng_state(tensors["torch/cpu"])
    if parts.device.type == "cuda":
        torch.cuda.set_rng_state(tensors["torch/cuda"], parts.device)
    return results
