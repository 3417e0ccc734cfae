"""Search against search as a picture and a table: by hand, grid and Optuna, and chance."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scripts.analysis.luck import LEAST_TRIALS
from scripts.views import style
from scripts.views.results import Results
from scripts.views.scales import within_fence
from scripts.views.words import count, hours, listed, metric_name, on_validation, score

COLOURS = {"by hand": style.SKY, "grid": style.BLUE, "Optuna": style.ORANGE}
# A training time's units: seconds in one, and its name.
UNITS = ((3600.0, "h"), (60.0, "min"), (1.0, "s"))


def figure(results: Results) -> Figure:
    """Return the best so far of each search, by run on the left and by training time on the right.

    The right half is left out where no training time is known.
    """
    table = _with_time(results)
    if table.empty or table["best_so_far"].isna().all():
        return style.message("This study has no search with a run that completed.")
    timed = bool(table["elapsed"].notna().all() and table["elapsed"].max() > 0)
    drawing = style.new(height=3.9)
    panels = drawing.subplots(1, 1 + timed, sharey=True, squeeze=False)[0]
    _limits(panels[0], results, table)
    for axes in panels:
        style.band_across(axes, results.noise)
    _draw_chance(panels[0], results)
    scale, unit = 1.0, "s"
    if timed:
        longest = float(table["elapsed"].max())
        scale, unit = next(one for one in UNITS if longest >= 2 * one[0] or one[0] == 1)
    for search, runs in table.groupby("search", sort=False):
        entry = results.searches.set_index("search").loc[str(search)].to_dict()
        _draw_search(panels[0], str(search), runs, runs["number"], entry)
        if timed:
            _draw_search(panels[1], str(search), runs, runs["elapsed"] / scale, entry)
    panels[0].set(xlabel="Run of the search", ylabel=on_validation(results.metric))
    panels[0].set_xlim(0.5, table["number"].max() + 0.5)
    panels[0].xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    if timed:
        panels[1].set(xlabel=f"Training time ({unit}), one run after the other")
        panels[1].set_xlim(0, 1.03 * table["elapsed"].max() / scale)
    handles, labels = panels[0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside lower left", ncols=3, columnspacing=1.4)
    return drawing


def _with_time(results: Results) -> pd.DataFrame:
    """Return summary/best-so-far.csv with `elapsed`: seconds of training up to the end of a run."""
    table = results.so_far
    if table.empty:
        return table
    seconds = results.runs.drop_duplicates("run").set_index("run")["seconds"]
    own = table["run"].map(seconds)
    return table.assign(elapsed=own.groupby(table["search"]).cumsum())


def _limits(axes: Axes, results: Results, table: pd.DataFrame) -> None:
    """Set the objective's range: that of the curves and the noise, without a very bad start."""
    inside = within_fence(sorted(table["best_so_far"].dropna().tolist()), results.sign)
    ends = [*inside, *(results.noise.band or ())]
    room = 0.08 * (max(ends) - min(ends)) or 0.01
    axes.set_ylim(min(ends) - room, max(ends) + room)


def _draw_search(axes: Axes, search: str, runs: pd.DataFrame, x: pd.Series,
                 entry: Mapping[Any, Any]) -> None:  # fmt: skip
    colour = COLOURS[search]
    axes.step(x, runs["best_so_far"], where="post", color=colour, lw=1.8, zorder=4, label=search)
    if pd.notna(entry["found_at"]):
        at = int(entry["found_at"]) - 1
        axes.plot([x.iloc[at]], [runs["best_so_far"].iloc[at]], "o", ms=6, mfc=colour,
                  mec=style.INK, mew=0.8, zorder=5)  # fmt: skip


def _draw_chance(axes: Axes, results: Results) -> None:
    """Draw the expected best of n random trials; a side without a bound is not drawn."""
    table = results.chance
    if table.empty:
        return
    low, high = axes.get_ylim()
    axes.plot(table["n"], table["expected"], color=style.PURPLE, lw=1.4, ls=":", zorder=3,
              label="expected best of n random trials")  # fmt: skip
    axes.fill_between(
        table["n"], table["expected_low"].fillna(low), table["expected_high"].fillna(high),
        color=style.PURPLE, alpha=0.13, lw=0, zorder=1, label="its 95% band",
    )  # fmt: skip


def context(results: Results) -> Mapping[str, Any]:
    """Return the rows of the report's table, and what must be known to read them."""
    table = _with_time(results)
    rows = []
    for entry in results.searches.to_dict("records"):
        own = table[table["search"] == entry["search"]]
        known = pd.notna(entry["found_at"])
        rows.append({
            "search": entry["search"],
            "runs": f"{entry['runs']}",
            "time": _time(own["elapsed"].iloc[-1]),
            "best": score(entry["best"]) if known else "none",
            "found": _found(own, int(entry["found_at"])) if known else "no run completed",
            "near": f"run {int(entry['within_noise_at'])}"
                    if pd.notna(entry["within_noise_at"]) else "",
            "chance": _chance(results, int(entry["runs"])),
        })  # fmt: skip
    return {"rows": rows, "words": _words(results)}


def _time(seconds: float) -> str:
    return "" if pd.isna(seconds) else hours(float(seconds))


def _found(own: pd.DataFrame, at: int) -> str:
    """Return which run of a search was the last to improve, with the time spent until then."""
    spent = _time(own["elapsed"].iloc[at - 1])
    return f"run {at} of {len(own)}" + (f", {spent}" if spent else "")


def _chance(results: Results, runs: int) -> str:
    """Return the expected best of so many random trials, with its band where that has two ends."""
    if results.chance.empty:
        return ""
    row = results.chance[results.chance["n"] == runs].iloc[0]
    ends = row["expected_low"], row["expected_high"]
    band = "" if any(map(pd.isna, ends)) else f"{score(ends[0])} to {score(ends[1])}"
    if pd.isna(row["expected"]):
        return band
    return score(row["expected"]) + (f" ({band})" if band else "")


def _words(results: Results) -> str:
    """Return what the table compares, and what the random trials are."""
    words = (
        "Each search is counted as if it had trained all of its runs itself, one after the other;"
        " by hand begins with the baseline."
    )
    told = results.study["optuna"]["warm_start"]
    if told and len(results.stage("optuna")):
        words += (
            f" Optuna knew the runs of {listed(told)} before its first trial (warm start); what"
            " they took is not counted."
        )
    if results.noise.sd:
        words += (
            f" Within the noise: no further from the search's best than 2 sd,"
            f" {2 * results.noise.sd:.4f} of {metric_name(results.metric)}."
        )
    if results.chance.empty:
        return words + (
            f" The study has fewer than {LEAST_TRIALS} completed runs that were drawn at random, so"
            " that nothing says what as many random trials would have found."
        )
    first = results.chance.iloc[0]
    lost = int(first["incomplete"])
    words += (
        f" As many random trials: the expected best of as many, with its"
        f" {first['confidence']:.0%} band, from {count(int(first['sample']), 'random trial')}"
        f" ({first['trials_from']}"
    )
    words += f", {lost} of them did not complete and count as the worst)" if lost else ")"
    return (
        f"{words}. The band holds for all numbers of trials together; of more trials than were run"
        " there is nothing but the band."
    )
