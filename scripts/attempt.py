"""Train a run with scripts.train; write down a trial of Optuna that fails: its study goes on.

A trial whose training is killed, runs out of memory, or ends with an error of Python, is tried once
more, unless whoever runs this tries again himself. What fails then is in metrics.json: status
`failed`, no score; how many trials may fail the study says (optuna.max_failed). A mistake that the
user can mend, a full disk and a request to end say nothing of the configuration: they stop here, as
every failure of another run does.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from scripts.study.errors import OUT_OF_MEMORY, command
from scripts.study.files import read_json, remove, write_csv, write_json
from scripts.study.names import CHECKPOINT

# How often a run is tried by whoever runs this, such as `snakemake --retries`; 1 where unknown.
ATTEMPTS = "SNAKETUNE_ATTEMPTS"
# A training that ends so was asked to.
ASKED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_ERROR = re.compile(r"^(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)(?::|$)")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.attempt",
        description=__doc__,
        epilog="All other options are those of python -m scripts.train.",
    )
    parser.add_argument("--attempt", type=int, default=1, help="the how manyth try this is, from 1")
    parser.add_argument("--max-failed", type=int, default=0, help="trials that may fail")
    own, options = parser.parse_known_args()
    attempts = int(os.environ.get(ATTEMPTS, "1"))
    run = _value(options, "--run").parent.name
    writes = own.max_failed > 0 and run.startswith("optuna-")
    for again in [True, False] if writes and attempts == 1 else [False]:
        code, error = train(options)
        reason = why(code, error)
        if reason is None:
            raise SystemExit(code)
        if again:
            print(f"{reason}; trying once more", flush=True)
    assert reason is not None
    if not writes or own.attempt < attempts:
        raise SystemExit(code)
    write_failed(options, reason)
    print(f"{run}: failed, {reason}")


def train(options: list[str]) -> tuple[int, str]:
    """Run the training; return its exit code (128 and the signal where one ended it) and stderr."""
    with subprocess.Popen(
        [sys.executable, "-m", "scripts.train", *options], stderr=subprocess.PIPE, text=True
    ) as process:
        # A cluster asks this process to end: the training is to keep its checkpoint.
        signal.signal(signal.SIGTERM, lambda number, frame: process.send_signal(number))
        # Ctrl-C reaches the training by itself.
        signal.signal(signal.SIGINT, lambda number, frame: None)
        assert process.stderr is not None
        lines: list[str] = []
        for line in process.stderr:
            print(line, end="", file=sys.stderr, flush=True)
            lines = [*lines[-50:], line]
    code = process.returncode
    return (code if code >= 0 else 128 - code), "".join(lines)


def why(code: int, error: str) -> str | None:
    """Return in words how a training failed, the same words each time; None where it did not.

    `error` is the end of what it wrote to stderr.
    """
    asked = code - 128 in ASKED
    lines = [line for line in error.splitlines() if line.strip()]
    told = next((line for line in lines[-3:] if line.startswith("snaketune: ")), "")
    short = told.startswith(OUT_OF_MEMORY)
    if code == 0 or asked or (told and not short):
        return None
    if short:
        return "out of memory"
    if code > 128:
        try:
            return f"killed by {signal.Signals(code - 128).name}"
        except ValueError:
            pass
    names = [found[1] for line in lines if (found := _ERROR.match(line))]
    return f"ended with {names[-1]}" if names else f"ended with exit code {code}"


def write_failed(options: list[str], reason: str) -> None:
    """Write a failed run's files: metrics.json says what it was, the tables are empty."""
    run, model, info = (read_json(_value(options, name)) for name in ("--run", "--model", "--info"))
    folder = _value(options, "--output")
    # Nothing goes on from it any more.
    remove(folder / CHECKPOINT)
    write_csv(folder / "history.csv", ["epoch", "step"], [])
    write_csv(folder / "predictions.csv", ["split", "index", "label", "predicted"], [])
    objective = {key: str(_value(options, f"--{key}")) for key in ("metric", "direction")}
    write_json(
        folder / "metrics.json",
        {
            "schema_version": 1,
            "status": "failed",
            "failure": reason,
            "objective": {**objective, "value": None},
            "epochs": [],
            "hyperparameters": run["hyperparameters"],
            "seed": run["seed"],
            "data": {"fingerprint": info["fingerprint"]},
            "model": {key: model[key] for key in ("path", "revision", "sha256")},
        },
    )


def _value(options: list[str], name: str) -> Path:
    return Path(options[options.index(name) + 1])


if __name__ == "__main__":
    command(main)
