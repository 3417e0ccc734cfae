"""Ask Optuna for one batch of trials: a pure function of the files of all earlier ones.

In: `optuna/space.json`, `optuna/warm-start.csv`, the earlier batches and their trials' metrics.
Out: `optuna/batch-<number>.json` with a full batch of proposals, and `optuna/told-<number>.txt`, a
sum over all earlier files, by which Snakemake sees from the batch before that any of them changed.
"""

import argparse
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.study.errors import command
from scripts.study.failures import check_failed
from scripts.study.files import read_text, write_json, write_text
from scripts.study.names import trial_name
from scripts.study.search import distributions, propose
from scripts.study.search_files import read_batch, read_scores, read_space, read_warm_start
from scripts.study.trial import Trial


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.ask", description=__doc__)
    parser.add_argument("--space", required=True, type=Path, help="optuna/space.json of the study")
    parser.add_argument("--batch", required=True, type=int, help="number of the batch, from 1")
    parser.add_argument("--max-failed", type=int, default=0, help="earlier trials that may fail")
    options = parser.parse_args()
    space = read_space(options.space)
    folder = options.space.parent
    warm_start = read_warm_start(folder / "warm-start.csv", space["space"])
    earlier = [
        _trial(folder, space, proposal)
        for batch in range(1, options.batch)
        for proposal in read_batch(folder / f"batch-{batch:04d}.json")["trials"]
    ]
    failed = {
        Path(trial.attributes["folder"]): trial.attributes["failure"]
        for trial in earlier
        if "failure" in trial.attributes
    }
    check_failed(failed, options.max_failed, len(earlier))
    size = space["batch_size"]
    proposals = propose(
        distributions(space["space"]),
        [*warm_start, *earlier],
        direction=space["objective"]["direction"],
        sampler=space["sampler"],
        seed=space["seed"],
        batch=options.batch,
        size=size,
    )
    first = (options.batch - 1) * size + 1
    pruning = None
    if space["pruner"]["name"] != "none":
        pruning = {
            "pruner": space["pruner"],
            "direction": space["objective"]["direction"],
            "earlier": [{"status": t.status, "values": list(t.values)} for t in earlier],
        }
    write_json(
        folder / f"batch-{options.batch:04d}.json",
        {
            "batch": options.batch,
            "seed": space["seed"],
            "pruning": pruning,
            "trials": [
                {"trial": first + index, "hyperparameters": {**space["baseline"], **parameters}}
                for index, parameters in enumerate(proposals)
            ],
        },
    )
    write_text(
        folder / f"told-{options.batch:04d}.txt", _told(folder, space, options.batch - 1) + "\n"
    )
    print(f"batch {options.batch}: trials {first} to {first + size - 1}")


def _told(folder: Path, space: Mapping[str, Any], before: int) -> str:
    """Return the sha256 of what the search was told up to the batch `before`, in hex.

    That is the sum of the batch before it, its proposals and the metrics of its trials.
    """
    digest = hashlib.sha256()
    if before:
        batch = folder / f"batch-{before:04d}.json"
        trials = read_batch(batch)["trials"]
        files = [folder / f"told-{before:04d}.txt", batch]
        files += [_home(folder, space, proposal) / "metrics.json" for proposal in trials]
        for file in files:
            digest.update(hashlib.sha256(read_text(file).encode()).digest())
    return digest.hexdigest()


def _home(folder: Path, space: Mapping[str, Any], proposal: Mapping[str, Any]) -> Path:
    return folder.parent / "runs" / trial_name(proposal["trial"], space["seed"])


def _trial(folder: Path, space: Mapping[str, Any], proposal: Mapping[str, Any]) -> Trial:
    """Return a finished trial; one that failed is to the sampler what one that diverged is."""
    home = _home(folder, space, proposal)
    status, values, failure = read_scores(home / "metrics.json")
    parameters = {name: proposal["hyperparameters"][name] for name in space["space"]}
    if status == "failed":
        return Trial(parameters, "diverged", [], {"folder": str(home), "failure": failure})
    return Trial(parameters, status, values)


if __name__ == "__main__":
    command(main)
