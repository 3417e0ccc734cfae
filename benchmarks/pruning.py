"""What pruning saves, and what it costs: simulated studies of real learning curves.

`python -m benchmarks.pruning` draws the trials of each simulated study from the runs that
docs/results keeps (`epochs.csv`: every epoch of real trainings), each at most once, since a twin of
the best trial would hide that it was lost; and lets the pruner that trainings use
(scripts/training/pruning.py) judge them batch by batch. The same study without a pruner is the
comparison: epochs and training time saved, and how much worse the best completed trial is. Choice
and order are random; how a sampler would change its mind is not part of this. Writes
docs/pruning.md and docs/pruning.json.
"""

import argparse
import csv
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import output
from scripts.study.errors import StudyError, command
from scripts.training.pruning import should_stop

PRUNERS: tuple[dict[str, Any], ...] = (
    {"name": "median", "options": {}},
    {"name": "median", "options": {"n_warmup_steps": 1}},
    {"name": "percentile", "options": {"percentile": 25.0}},
    {"name": "successive_halving", "options": {"min_resource": 1, "reduction_factor": 2}},
    {"name": "hyperband", "options": {"min_resource": 1, "reduction_factor": 2}},
)


@dataclass(frozen=True)
class Curve:
    """A real run: its objective after each epoch, and the seconds that all of them took."""

    values: tuple[float, ...]
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What a pruner did to one simulated study of `trials`.

    Attributes:
        pruned: share of the trials that it stopped.
        epochs: share of the epochs that were not trained.
        time: share of the training time that was not spent.
        cost: best objective without the pruner less that with it; 0 where the best one survived.
    """

    pruned: float
    epochs: float
    time: float
    cost: float


def read_curves(path: Path, metric: str) -> list[Curve]:
    """Return the complete runs of a published `epochs.csv`; `metric` is a column of it.

    Raises `StudyError` where there are none.
    """
    runs: dict[str, list[dict[str, str]]] = {}
    with path.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row["status"] == "complete" and row["split"] == "validation":
                runs.setdefault(row["run"], []).append(row)
    if not runs:
        raise StudyError(f"{path}: no complete run; name a table of tools.publish")
    return [
        Curve(
            tuple(float(row[metric]) for row in sorted(rows, key=lambda row: int(row["epoch"]))),
            float(rows[0]["seconds"]),
        )
        for _, rows in sorted(runs.items())
    ]


def simulate(trials: Sequence[Curve], pruner: Mapping[str, Any], batch_size: int) -> Outcome:
    """Return what `pruner` does to a study of these trials, in this order, objectives maximised."""
    earlier: list[dict[str, Any]] = []
    for start in range(0, len(trials), batch_size):
        batch = []
        for number, curve in enumerate(trials[start : start + batch_size], start=start + 1):
            stop = should_stop(
                {"pruner": pruner, "direction": "maximize", "trial": number, "earlier": earlier}
            )
            # As in training, the last epoch is not asked about: nothing is left to stop.
            last = next(
                (e for e, v in enumerate(curve.values[:-1], start=1) if stop(e, v)),
                len(curve.values),
            )
            batch.append(
                {
                    "status": "complete" if last == len(curve.values) else "pruned",
                    "values": list(curve.values[:last]),
                }
            )
        earlier += batch
    shares = [len(past["values"]) / len(t.values) for past, t in zip(earlier, trials, strict=True)]
    finished = [past["values"][-1] for past in earlier if past["status"] == "complete"]
    return Outcome(
        pruned=1 - len(finished) / len(trials),
        epochs=1
        - sum(len(past["values"]) for past in earlier) / sum(len(t.values) for t in trials),
        time=1
        - sum(t.seconds * share for t, share in zip(trials, shares, strict=True))
        / sum(t.seconds for t in trials),
        cost=max(t.values[-1] for t in trials) - max(finished),
    )


def campaign(
    curves: Sequence[Curve], *, studies: int, trials: int, batch_size: int, seed: int
) -> list[dict[str, Any]]:
    """Return a row a pruner: means over `studies` simulated studies, the same for each pruner.

    Raises `StudyError` where there are fewer curves than trials.
    """
    if trials > len(curves):
        raise StudyError(
            f"--trials: {trials} cannot be drawn from {len(curves)} runs; at most that many"
        )
    rng = np.random.default_rng(seed)
    draws = [rng.choice(len(curves), size=trials, replace=False) for _ in range(studies)]
    rows = []
    for pruner in PRUNERS:
        outcomes = [simulate([curves[i] for i in draw], pruner, batch_size) for draw in draws]
        costs = [outcome.cost for outcome in outcomes]
        rows.append(
            {
                **pruner,
                **{
                    name: statistics.fmean(getattr(outcome, name) for outcome in outcomes)
                    for name in ("pruned", "epochs", "time", "cost")
                },
                "cost_95": float(np.quantile(costs, 0.95)),
                "lost": statistics.fmean(cost > 0 for cost in costs),
            }
        )
    return rows


def page(document: Mapping[str, Any]) -> str:
    """Return the page in Markdown."""
    lines = [
        "# What pruning saves, and what it costs",
        "",
        "Written by `python -m benchmarks.pruning`; do not edit.",
        "",
        f"{document['studies']} simulated studies of {document['trials']} trials in batches of"
        f" {document['batch_size']}. Each trial is a real run of `{document['source']}`"
        f" ({document['curves']} complete runs of {document['epochs']} epochs, of all stages),"
        " drawn at random, none twice, and judged by the pruner as a training would be: from the"
        " trials of earlier batches alone. How a sampler would change its mind is not part of this."
        " Time is a run's whole time by its share of epochs; of that its start is never saved.",
        "",
        "| pruner | options | trials stopped | epochs saved | time saved, at most |"
        f" {document['metric']} lost, mean | in the worst 5 % of studies, at least |"
        " studies that lost their best trial |",
        "| --- " * 8 + "|",
    ]
    for row in document["pruners"]:
        options = ", ".join(f"`{k}: {v:g}`" for k, v in row["options"].items()) or "defaults"
        lines.append(
            f"| `{row['name']}` | {options} | {row['pruned']:.0%} | {row['epochs']:.0%}"
            f" | {row['time']:.0%} | {row['cost']:.4f} | {row['cost_95']:.4f} | {row['lost']:.0%} |"
        )
    lines += [
        "",
        f"The spread of these runs' {document['metric']} after the last epoch: sd"
        f" {document['sd']:.4f}, from {document['lowest']:.4f} to {document['highest']:.4f}."
        f" {document['crossing']:.0%} of pairs of runs change their order between the first epoch"
        " and the last (ties in either count as a half): that is what a pruner is up against.",
    ]
    return "\n".join(lines) + "\n"


def crossing(curves: Sequence[Curve]) -> float:
    """Return the share of pairs of curves whose order after epoch 1 is not that at the end."""
    pairs = [
        (np.sign(a.values[0] - b.values[0]), np.sign(a.values[-1] - b.values[-1]))
        for i, a in enumerate(curves)
        for b in curves[:i]
    ]
    return statistics.fmean(abs(first - last) / 2 for first, last in pairs)


def main() -> None:
    """Parse the command line, simulate, and write the page and its figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pruning", description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("docs/results/demo/epochs.csv"))
    parser.add_argument("--metric", default="f1", help="a column of that table, maximised")
    parser.add_argument("--studies", type=int, default=300)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--output", type=Path, default=Path("docs/pruning"))
    options = parser.parse_args()
    curves = read_curves(options.runs, options.metric)
    final = [curve.values[-1] for curve in curves]
    document = {
        "source": str(options.runs),
        "metric": options.metric,
        "curves": len(curves),
        "epochs": max(len(curve.values) for curve in curves),
        "sd": statistics.stdev(final),
        "lowest": min(final),
        "highest": max(final),
        "crossing": crossing(curves),
        "studies": options.studies,
        "trials": options.trials,
        "batch_size": options.batch_size,
        "seed": options.seed,
        "pruners": campaign(
            curves,
            studies=options.studies,
            trials=options.trials,
            batch_size=options.batch_size,
            seed=options.seed,
        ),
    }
    output.write(options.output, document, page(document))
    print(f"{options.output}.md: {options.studies} studies, {len(PRUNERS)} pruners")


if __name__ == "__main__":
    command(main)
