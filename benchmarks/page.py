"""The page that tells what was measured, in Markdown."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.output import version

_HEAD = """\
# Performance

Written by `make bench`; do not edit. Each contestant trains one epoch of {short} and of {long}
steps (batches of {batch} examples), {repeats} times, in turn with the others. The slope between
the two is the time a step; the intercept is all that does not grow with the steps: start,
loading, the evaluation of {validated} examples, writing, the end of the process, and of (c) the
longer padding of batches from few examples. A trial at its real length is {epochs} epochs of
{examples:,} examples, start included; its time is computed from the two. Medians, with the smallest
and the largest in brackets; the last column compares round by round.

Machine: {cpu}, {cores} cores, {capability}, {device}; the processor multiplies matrices of less
than fp32 by: {formats}. Model: `{model}`. Commit: {commit}.

"""
_PRODUCTS = """
The matrix products of a step of (c) alone are {operations:.0f} billion operations (counted by
torch's FlopCounterMode), and one of its trainings does {rate:.0f} billion such a second here (the
largest matrix of the model, forwards and backwards, {parallel} at once): at least {least:.3f} s of
the {step:.3f} s, {share:.0%}. If nothing else took any time, (c) would be {most} times as fast
as (a) on this machine, round by round.
"""
_COLUMNS = (
    "",
    "seconds a step",
    "seconds apart from steps",
    "seconds a trial",
    "trials at once",
    "examples a second, whole machine",
    "peak memory of a process, MiB",
    "(c) is faster by",
)


def _cell(values: Mapping[str, float], digits: int) -> str:
    return (
        f"{values['median']:.{digits}f} ({values['min']:.{digits}f} to {values['max']:.{digits}f})"
    )


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median of some values, with the smallest and the largest."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def page(document: Mapping[str, Any]) -> str:
    """Return the page for what `benchmarks.compare` measured."""
    machine, trial = document["machine"], document["trial"]
    head = _HEAD.format(
        short=document["steps"][0],
        long=document["steps"][1],
        batch=trial["batch_size"],
        repeats=document["repeats"],
        validated=document["validated"],
        epochs=trial["epochs"],
        examples=trial["examples"],
        cpu=machine["cpu"],
        cores=machine["cores"],
        capability=machine["cpu_capability"],
        device=", ".join(machine["gpus"]) or "no GPU",
        formats=", ".join(document["number_formats"]) or "none that `auto` takes",
        commit=version(document["git"]),
        model=document["model"],
    )
    rows = [
        f"| {figure['title']}, {figure['precision']} | {_cell(figure['seconds_a_step'], 3)}"
        f" | {_cell(figure['seconds_apart_from_steps'], 1)} | {_cell(figure['seconds_a_trial'], 0)}"
        f" | {figure['parallel']} | {_cell(figure['examples_a_second'], 1)}"
        f" | {_cell(figure['peak_memory_mib'], 0)}"
        f" | {_cell(document['times_faster'][key], 1)} times |"
        for key in ("lightning", "trainer", "snaketune")
        for figure in [document["contestants"][key]]
    ]
    columns = f"| {' | '.join(_COLUMNS)} |\n|{' --- |' * len(_COLUMNS)}\n"
    told = _products(document) if "products" in document else ""
    return head + columns + "\n".join(rows) + "\n" + told


def _products(document: Mapping[str, Any]) -> str:
    """Return what the machine allows at most, in words."""
    recipe, own = (document["contestants"][key] for key in ("lightning", "snaketune"))
    products, batch_size = document["products"], document["trial"]["batch_size"]
    least, step = products["seconds_a_step"], own["seconds_a_step"]["median"]
    most = spread([own["parallel"] * batch_size / least / rate for rate in recipe["rounds"]])
    return _PRODUCTS.format(
        operations=products["operations"] / 1e9,
        rate=products["rate"] / 1e9,
        parallel=own["parallel"],
        least=least,
        step=step,
        share=least / step,
        most=_cell(most, 1),
    )
