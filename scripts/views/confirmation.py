"""What holds on fresh seeds, as a picture: scores beside the search's, gains with intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from scripts.analysis.words import none_completed
from scripts.views import style
from scripts.views.results import Noise, Results
from scripts.views.words import count, number, on_validation, score, signed

COLOURS = {"winner": style.VERMILLION, "finalist": style.BLUE, "baseline": style.INK}
# A configuration that changes more than so many hyperparameters is named by the first ones.
NAMED = 4


def role(results: Results, entry: Mapping[str, Any]) -> str:
    """Return `winner`, `finalist` or `baseline`: what an entry of verdict.json is."""
    if "finalist" not in entry:
        return "baseline"
    return "winner" if entry["finalist"] == results.verdict["winner"] else "finalist"


def ordered(results: Results) -> list[Mapping[str, Any]]:
    """Return the entries of verdict.json to show: the winner, the other finalists, the baseline."""
    finalists = results.verdict.get("finalists") or []
    if not finalists:
        return []
    winner = results.verdict["winner"]
    return [
        *sorted(finalists, key=lambda one: (one["finalist"] != winner, one["finalist"])),
        results.verdict["baseline"],
    ]


def interval(entry: Mapping[str, Any]) -> Sequence[float] | None:
    """Return a finalist's interval of the gain: the one that holds for all finalists together."""
    found: Sequence[float] | None = entry.get("interval_all") or entry.get("interval")
    return found


def why_not(results: Results) -> str:
    """Return why there is no confirmation to show, in words; empty where there is one."""
    confirm = results.study["confirm"]
    for key in ("configurations", "seeds"):
        if not confirm[key]:
            return f"This study has no confirmation: `confirm.{key}` is 0."
    if not results.verdict:
        return "This study has not been confirmed yet: there is no verdict.json."
    if not results.verdict.get("finalists"):
        why = none_completed(results.verdict["baseline"]["before"] is not None)
        return f"This study has nothing to confirm: {why}."
    return ""


def figure(results: Results) -> Figure:
    """Return a row a configuration: its fresh seeds on the left, its gain on the right."""
    if reason := why_not(results):
        return style.message(reason)
    entries = ordered(results)
    labels = [_label(results, entry) for entry in entries]
    lines = sum(max(2, label.count("\n") + 1) for label in labels)
    drawing = style.new(width=9.2, height=1.5 + 0.23 * lines)
    left, right = drawing.subplots(1, 2, sharey=True, width_ratios=[1.25, 1])
    heights = [max(2, label.count("\n") + 1) for label in labels]
    ends = [sum(heights[: at + 1]) for at in range(len(heights))]
    places = [end - height / 2 for end, height in zip(ends, heights, strict=True)]
    _draw_scores(left, results, entries, places)
    _draw_gains(right, results, entries, places)
    left.set_yticks(places, labels)
    left.set_ylim(ends[-1] + 0.3, -0.3)
    for axes in (left, right):
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    drawing.legend(handles=_legend(results), loc="outside lower left", ncols=4, columnspacing=1.4)
    return drawing


def _label(results: Results, entry: Mapping[str, Any]) -> str:
    """Return a row's name: what it is, and what it changes, a line each."""
    name = role(results, entry)
    head = f"{name} ({entry['finalist']})" if name == "finalist" else name
    changed = sorted(entry.get("changed", {}).items())
    lines = [f"{key}={number(value)}" for key, value in changed[:NAMED]]
    more = [f"and {len(changed) - NAMED} more"] if len(changed) > NAMED else []
    gaps = len(entry["values"]) - entry["completed"]
    lost = [f"diverged on {count(gaps, 'seed')}"] if gaps else []
    return "\n".join([head, *lines, *more, *lost])


def _draw_scores(
    axes: Axes, results: Results, entries: Sequence[Mapping[str, Any]], places: Sequence[float]
) -> None:
    """Draw every fresh seed, their mean, and from where in the search the mean fell."""
    base = results.verdict["baseline"]
    floor = Noise(base["mean"], base["sd"], ())
    style.band_across(axes, floor, vertical=True)
    for entry, place in zip(entries, places, strict=True):
        colour = COLOURS[role(results, entry)]
        values = [value for value in entry["values"] if value is not None]
        # Seeds with equal scores stand beside each other.
        beside = [place + 0.16 * values[:at].count(v) for at, v in enumerate(values)]
        axes.plot(values, beside, "o", ms=5, mfc=colour, mec="white", mew=0.6, zorder=4)
        before, mean = entry["before"], entry["mean"]
        above = place - 0.55
        if mean is not None:
            axes.plot([mean, mean], [place - 0.38, place + 0.38], color=colour, lw=2.4, zorder=5)
            axes.annotate(score(mean), (mean, place), (0, -9), textcoords="offset points",
                          ha="center", va="top", fontsize=7.5, color=colour,
                          bbox=style.PLATE)  # fmt: skip
        if before is not None:
            axes.plot([before], [above], "D", ms=5, mfc="white", mec=colour, mew=1.2, zorder=5)
        if before is not None and mean is not None:
            axes.annotate("", (mean, above), (before, above), zorder=3, annotation_clip=False,
                          arrowprops={"arrowstyle": "->", "color": style.GREY, "lw": 1.0,
                                      "shrinkA": 4, "shrinkB": 0})  # fmt: skip
    axes.margins(x=0.08)
    axes.set(xlabel=on_validation(results.metric),
             title=count(len(results.verdict["seeds"]), "fresh seed"))  # fmt: skip


def _draw_gains(
    axes: Axes, results: Results, entries: Sequence[Mapping[str, Any]], places: Sequence[float]
) -> None:
    """Draw the gain of each finalist over the baseline with its interval, on both splits."""
    axes.axvline(0, color=style.INK, lw=1)
    least = results.verdict["detectable"]["gain"]
    if least is not None:
        axes.axvline(least, color=style.GREY, lw=1.2, ls=":")
    for entry, place in zip(entries, places, strict=True):
        name = role(results, entry)
        test = entry.get("test") or {}
        for gain, ends, lower, face in (
            (entry.get("gain"), interval(entry), 0.0, COLOURS[name]),
            (test.get("gain"), test.get("interval"), 0.55, "white"),
        ):
            if gain is None:
                continue
            if ends:
                axes.plot(ends, [place + lower] * 2, color=COLOURS[name], lw=1.6, zorder=3)
            axes.plot([gain], [place + lower], "o" if face != "white" else "s", ms=5.5, mfc=face,
                      mec=COLOURS[name], mew=1.2, zorder=4)  # fmt: skip
        if entry.get("gain") is not None:
            axes.annotate(signed(entry["gain"]), (entry["gain"], place), (0, 5), fontsize=7.5,
                          textcoords="offset points", ha="center", va="bottom",
                          color=COLOURS[name], bbox=style.PLATE)  # fmt: skip
    axes.margins(x=0.1)
    less = " (better is to the right)" if results.sign < 0 else ""
    axes.set(xlabel=f"Gain over the baseline{less}",
             title=f"Gain, {results.verdict['confidence']:.0%} interval")  # fmt: skip


def _legend(results: Results) -> list[Any]:
    """Return the legend's entries: what the marks mean, whatever their colour."""
    made: list[Any] = [
        Line2D([], [], ls="", marker="o", ms=5, color=style.GREY, label="a fresh seed"),
        Line2D([], [], ls="", marker="|", ms=10, mew=2.4, color=style.GREY, label="their mean"),
        Line2D([], [], ls="", marker="D", ms=5, mfc="white", color=style.GREY,
               label="score in the search"),
    ]  # fmt: skip
    base = results.verdict["baseline"]
    if base["mean"] is not None and base["sd"]:
        made.append(Line2D([], [], lw=7, color=style.BAND,
                           label="baseline mean \N{PLUS-MINUS SIGN} 2 sd"))  # fmt: skip
    made.append(Line2D([], [], marker="o", ms=5.5, lw=1.6, color=style.GREY,
                       label="gain on validation"))  # fmt: skip
    if any(one["test"] for one in results.verdict["finalists"]):
        made.append(Line2D([], [], marker="s", ms=5.5, lw=1.6, mfc="white", color=style.GREY,
                           label="gain on test"))  # fmt: skip
    if results.verdict["detectable"]["gain"] is not None:
        made.append(Line2D([], [], ls=":", lw=1.2, color=style.GREY,
                           label="smallest detectable gain"))  # fmt: skip
    return made
