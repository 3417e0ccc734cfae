"""Send a finished study to trackers: MLflow, Weights & Biases, TensorBoard.

In: what scripts.figures reads, figures/*, report.html and, if it is there, model/. Out: what the
trackers lack of it; sent twice, nothing is added, and what was interrupted goes on. Which trackers
is said by `tracking` in the config; where that switches none on, MLflow's local store it is.
"""

import argparse
from pathlib import Path

from scripts.study import trackers
from scripts.study.errors import command
from scripts.views import results
from scripts.views.trackers import to_mlflow, to_tensorboard, to_wandb


def main() -> None:
    """Send the study named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m scripts.track", description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="results/<study>/study.json")
    parser.add_argument(
        "--to", action="append", choices=trackers.TRACKERS, help="this tracker, config or not"
    )
    parser.add_argument(
        "--ui", type=int, metavar="PORT", help="then open MLflow's UI on this port of 127.0.0.1"
    )
    options = parser.parse_args()
    finished = results.load(options.study)
    tracking = trackers.read(finished.study, options.study)
    ways = {
        "mlflow": lambda: to_mlflow.send(finished, tracking["mlflow"]),
        "wandb": lambda: to_wandb.send(finished, tracking["wandb"]),
        "tensorboard": lambda: to_tensorboard.send(finished),
    }
    for tracker in options.to or trackers.enabled(finished.study) or ["mlflow"]:
        print(ways[tracker](), flush=True)
    if options.ui is not None:
        to_mlflow.open_ui(finished, tracking["mlflow"], options.ui)


if __name__ == "__main__":
    command(main)
