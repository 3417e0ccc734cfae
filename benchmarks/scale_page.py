"""The page that tells what the workflow itself costs by size of a study, in Markdown."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import linear_regression
from typing import Any

from benchmarks.output import version

_HEAD = """\
# What the workflow itself costs

Written by `python -m benchmarks.scale --runs {runs}`; do not edit.
Studies whose trainings take no time were run to their end by Snakemake's local executor on two
cores: half of the runs a Latin hypercube, half a grid, a tenth as many Optuna trials in up to 100
batches, a confirmation and all that follows. What is left is planning, asking, tables, figures and
report. Seconds are processor time of a command and all that it started, unless they are by the
clock; memory is that of the largest process.

"""
# What follows the trainings, as Snakemake runs it, and what each part of it does.
AFTER = ("rank", "grid", "trials", "gather", "finalists", "confirm", "summary", "best", "insights",
         "provenance", "figures", "report")  # fmt: skip
# From this size on costs are to grow no faster than studies do.
LEAST = 1000


def slope(sizes: Sequence[Mapping[str, Any]], what: str) -> float | None:
    """Return the slope of a straight line through log(processor time) over log(runs) by size.

    1 is a cost that grows as the study does; what a command costs at any size counts in, and makes
    it less. None for fewer than two sizes of at least `LEAST`.
    """
    points = [
        (math.log(size["runs"]), math.log(size["costs"][what]["processor"]))
        for size in sizes
        if size["runs"] >= LEAST and what in size["costs"]
    ]
    if len(points) < 2:
        return None
    return linear_regression(*zip(*points, strict=True)).slope


def _row(sizes: Sequence[Mapping[str, Any]], title: str, what: str) -> str:
    steep = slope(sizes, what)
    costs = [size["costs"].get(what) for size in sizes]
    cells = [f"{cost['processor']:.1f}" if cost else "-" for cost in costs]
    cells.append("" if steep is None else f"{steep:.2f}")
    return f"| {title} | {' | '.join(cells)} |"


def page(sizes: Sequence[Mapping[str, Any]]) -> str:
    """Return the page for what `benchmarks.scale` measured, by size, the smallest first."""
    columns = "".join(f" {size['runs']:,} |" for size in sizes)
    rule = "| --- |" + " --- |" * len(sizes)
    seconds = [sum(size["costs"][name]["wall"] for name in AFTER) for size in sizes]
    memory = [max(size["costs"][name]["mib"] for name in AFTER) for size in sizes]

    def line(title: str, cells: Sequence[str]) -> str:
        return f"| {title} | {' | '.join(cells)} |"

    rows = [
        f"| screening and grid runs |{columns}",
        rule,
        line("Optuna trials", [f"{size['trials']:,}" for size in sizes]),
        line("batches", [str(size["batches"]) for size in sizes]),
        line("the whole study by the clock, s", [_of(size, "study", "wall") for size in sizes]),
        line("the same, processor time, s", [_of(size, "study", "processor") for size in sizes]),
        line(
            "the same, a job of Snakemake, s",
            [f"{size['costs']['study']['processor'] / size['jobs']:.3f}" for size in sizes],
        ),
        line("largest process, MiB", [_of(size, "study", "mib") for size in sizes]),
        line(
            "the commands but trainings and asks, each once by itself, by the clock, s",
            [f"{second:.0f}" for second in seconds],
        ),
        line("largest process of those, MiB", [f"{mib:.0f}" for mib in memory]),
        line(
            "from the last training to the end of the study, by the clock, s",
            [f"{size['after']:.0f}" if "after" in size else "-" for size in sizes],
        ),
        line(
            "`snakemake -n -q` when all is done, MiB",
            [_of(size, "dry run after", "mib") for size in sizes],
        ),
        line("`report.html`, MB", [f"{size['report_bytes'] / 1e6:.1f}" for size in sizes]),
        line("log files, mostly empty", [f"{size['jobs']:,}" for size in sizes]),
        *(
            line(f"{title}: files, and their MB", [_files(size[key]) for size in sizes])
            for title, key in (("runs", "runs_files"), ("Snakemake's own", "records_files"))
        ),
    ]
    parts = [
        f"| processor time, s |{columns} slope from {LEAST:,} on |",
        rule + " --- |",
        _row(sizes, "`snakemake -n -q` before anything is trained", "dry run before"),
        _row(sizes, "`snakemake -n -q` when all is done", "dry run after"),
        _row(sizes, "`snakemake --report` when all is done", "Snakemake's report"),
        _row(sizes, "the last `ask`", "last ask"),
        *(_row(sizes, f"`{name}`", name) for name in AFTER),
    ]
    told = f"Machine: {_listed(_machine(size['machine']) for size in sizes)}."
    commits: dict[str, list[str]] = {}
    for size in sizes:
        commits.setdefault(version(size["git"]), []).append(f"{size['runs']:,}")
    of = [f"{commit} ({', '.join(runs)} runs)" for commit, runs in commits.items()]
    told += f" Commit: {_listed(of)}."
    # A cost that one of them mended makes a slope over both steeper, or flatter, than either's.
    if len(commits) > 1:
        told += " Slopes are over all of them."
    head = _HEAD.format(runs=" ".join(str(size["runs"]) for size in sizes))
    return "\n".join([head + told, "", *rows, "", *parts]) + "\n"


def _listed(words: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(words))


def _machine(found: Mapping[str, Any]) -> str:
    return f"{found['cpu']}, {found['cores']} cores"


def _of(size: Mapping[str, Any], what: str, key: str) -> str:
    return f"{size['costs'][what][key]:.0f}"


def _files(found: Mapping[str, int]) -> str:
    return f"{found['count']:,}, {found['bytes'] / 1e6:.1f}"
