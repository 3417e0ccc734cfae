"""Cut one trial's run.json out of its batch.

In: `optuna/batch-<number>.json`. Out: `runs/optuna-<trial>-seed<seed>/run.json`.
"""

import argparse
from pathlib import Path

from scripts.study.errors import StudyError, command
from scripts.study.files import write_json
from scripts.study.search_files import read_batch


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.trial", description=__doc__)
    parser.add_argument("--batch", required=True, type=Path, help="optuna/batch-<number>.json")
    parser.add_argument("--trial", required=True, type=int, help="number of the trial, from 1")
    parser.add_argument("--output", required=True, type=Path, help="run.json to write")
    options = parser.parse_args()
    batch = read_batch(options.batch)
    for proposal in batch["trials"]:
        if proposal["trial"] == options.trial:
            run = {"hyperparameters": proposal["hyperparameters"], "seed": batch["seed"]}
            if batch["pruning"] is not None:
                run["pruning"] = {**batch["pruning"], "trial": options.trial}
            write_json(options.output, run)
            return
    raise StudyError(f"{options.batch}: trials: no trial {options.trial}; delete the file")


if __name__ == "__main__":
    command(main)
