"""How far a study is, for a terminal."""

import statistics

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scripts.analysis.luck import beside_noise, chance
from scripts.analysis.state import Stage, State

# So many of the runs that are at work or failed are listed by name.
LISTED = 8


def render(state: State) -> RenderableType:
    """Return the table of stages, and below it time, score and what is at work or failed."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("stage")
    for column in ("runs", "done", "running", "failed", "left"):
        table.add_column(column, justify="right")
    for stage in state.stages:
        table.add_row(*_cells(stage))
    table.add_section()
    table.add_row(*_cells(state.total), style="bold")
    lines = [f"Study:    {state.study['study']}{'' if state.begun else ', not yet begun'}"]
    return Group(Text("\n".join(lines)), table, *(Text(line) for line in _below(state)))


def _cells(stage: Stage) -> list[str]:
    """Return a row; what depends on earlier runs is the most that it can be."""
    most = "" if stage.known else "≤ "
    return [
        stage.name,
        f"{most}{stage.planned}",
        str(stage.done),
        str(stage.running),
        str(stage.failed),
        f"{most if stage.left else ''}{stage.left}",
    ]


def _below(state: State) -> list[str]:
    lines = [f"Time:     {_time(state)}"]
    if state.pruned or state.diverged or state.lost:
        lost = f", {state.lost} failed" if state.lost else ""
        ended = f"{state.pruned} pruned, {state.diverged} diverged{lost}"
        lines.append(f"Ended:    {ended}, of those done")
    lines += _score(state)
    for title, found in (("Running:", state.running), ("Failed:", state.failed)):
        for number, (name, line) in enumerate(found.items()):
            if number == LISTED:
                lines.append(f"          and {len(found) - LISTED} more")
                break
            lines.append(f"{title if not number else '':<10}{name}: {line or 'starting'}")
    if state.failed:
        where = f"results/{state.study['study']}/logs/train/"
        lines.append(f"          their logs lie in {where}; snakemake tries them again")
    if state.verdict:
        lines.append(f"Verdict:  {state.verdict}")
    if state.report:
        old = "" if state.total.ended else ", of an earlier state"
        lines.append(f"Report:   results/{state.study['study']}/report.html{old}")
    return lines


def _time(state: State) -> str:
    """Return the time so far and to go, in words."""
    spent = f"{duration(sum(state.seconds.values()))} of training so far"
    at_once = max(1, state.total.running)
    if state.total.ended:
        return f"{spent}, nothing to go"
    if state.to_go is None:
        return f"{spent}; how long the rest takes shows when a run is done"
    most = "" if state.total.known else "at most "
    return f"{spent}, {most}about {duration(state.to_go)} to go, {at_once} at a time"


def duration(seconds: float) -> str:
    """Return a time in the two units that tell it: `2 h 05 min`, `3 min 20 s`, `12 s`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _score(state: State) -> list[str]:
    """Return the best so far, the baseline, and what lies between them beside the noise."""
    metric = state.study["objective"]["metric"]
    if state.best is None:
        none = "none; no run came to its end" if state.total.ended else "none yet"
        return [f"Best:     {none}"]
    lines = [f"Best:     {metric} {state.best.objective:.4f}, {state.best.run}"]
    if not state.baseline:
        ended = any(stage.name == "baseline" and stage.ended for stage in state.stages)
        none = "none; it diverged on every seed" if ended else "no seed is done yet"
        return [*lines, f"Baseline: {none}"]
    mean, seeds = statistics.mean(state.baseline), len(state.baseline)
    sd = statistics.stdev(state.baseline) if seeds > 1 else None
    of = " on one seed" if sd is None else f", mean of {seeds} seeds (sd {sd:.4f})"
    lines.append(f"Baseline: {metric} {mean:.4f}{of}")
    if not state.best.changed:  # the baseline on one seed is no gain over its mean
        return lines
    gain = state.best.objective - mean
    if state.study["objective"]["direction"] == "minimize":
        gain = -gain
    beside = beside_noise(gain, sd, chance(gain, sd, seeds, state.best.of))
    return [*lines, f"Gain:     {gain:+.4f}{beside}"]
