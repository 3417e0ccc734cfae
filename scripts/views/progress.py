"""Values over time as pictures: Optuna's trials, and the training curves of the best run."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scripts.study import plan
from scripts.views import style
from scripts.views.results import Results
from scripts.views.scales import within_fence
from scripts.views.words import METRIC_NAMES, on_validation, sentence_case

# Share of the steps that the running mean of the noisy loss by step looks back on.
SMOOTHING = 0.04


def optuna_history(results: Results) -> Figure:
    """Return the objective by trial, the best so far, the baseline's band and the batches."""
    trials = results.stage("optuna")
    if trials.empty:
        return style.message("This study has no Optuna trials: `optuna.trials` is 0.")
    trials = trials.sort_values("trial", kind="stable")
    drawing = style.new(height=3.8)
    axes = drawing.add_subplot()
    style.band_across(axes, results.noise)
    _reference(axes, results)
    _draw_trials(axes, results, trials)
    _draw_batches(axes, results, int(trials["trial"].max()))
    axes.set(
        xlabel="Trial", ylabel=on_validation(results.metric),
        xlim=(0.4, trials["trial"].max() + 0.6),
    )  # fmt: skip
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    drawing.legend(loc="outside lower left", ncols=4, columnspacing=1.4)
    return drawing


def _reference(axes: Axes, results: Results) -> None:
    """Draw the grid's best: what the search has to beat."""
    grid = results.complete(results.stage("grid"))
    if len(grid):
        axes.axhline(grid["objective"].iloc[0], color=style.BLUE, lw=1.2, ls=(0, (5, 3)),
                     label="best of grid")  # fmt: skip


def _draw_trials(axes: Axes, results: Results, trials: pd.DataFrame) -> None:
    """Draw trials by status and the best so far; outliers sit at the plot's edge as triangles."""
    done = trials[(trials["status"] == "complete") & trials["objective"].notna()]
    pruned = trials[(trials["status"] == "pruned") & trials["objective"].notna()]
    diverged = trials[trials["objective"].isna()]
    inside = within_fence(sorted(trials["objective"].dropna().tolist()), results.sign)
    grid = results.complete(results.stage("grid"))["objective"].head(1).tolist()
    ends = [*inside, *grid, *(results.noise.band or ())] or [0.0, 1.0]
    room = 0.08 * (max(ends) - min(ends)) or 0.01
    low, high = min(ends) - room, max(ends) + room
    axes.set_ylim(low, high)
    for runs, style_of in (
        (done, {"mfc": style.ORANGE, "mec": style.INK, "label": "trial"}),
        (pruned, {"mfc": "white", "mec": style.GREY, "label": "pruned (value when stopped)"}),
    ):
        if len(runs):
            shown = runs[runs["objective"].between(low, high)]
            axes.plot(shown["trial"], shown["objective"], ls="", marker="o", ms=6, mew=0.8,
                      zorder=4, **style_of)  # fmt: skip
    edge, arrow = (0.0, "v") if results.sign > 0 else (1.0, "^")
    across = axes.get_xaxis_transform()
    outside = trials[trials["objective"].notna() & ~trials["objective"].between(low, high)]
    for trial, value in zip(outside["trial"], outside["objective"], strict=True):
        axes.plot([trial], [edge], arrow, ms=7, mfc=style.ORANGE, mec=style.INK, mew=0.8,
                  transform=across, clip_on=False, zorder=5)  # fmt: skip
        axes.annotate(f"{value:.3f}", (trial, edge), (0, 7 if edge == 0 else -7),
                      xycoords=across, textcoords="offset points", ha="center", fontsize=7,
                      va="bottom" if edge == 0 else "top")  # fmt: skip
    if len(diverged):
        axes.plot(diverged["trial"], [edge] * len(diverged), ls="", marker="x", ms=7, mew=1.8,
                  color=style.VERMILLION, transform=across, clip_on=False, zorder=5,
                  label=" or ".join(sorted(set(diverged["status"]))))  # fmt: skip
    if len(done):
        so_far = done["objective"].cummax() if results.sign > 0 else done["objective"].cummin()
        x = [*done["trial"], trials["trial"].max()]
        axes.step(x, [*so_far, so_far.iloc[-1]], where="post", color=style.INK, lw=1.4, zorder=3,
                  label="best so far")  # fmt: skip
        best = results.complete(done).iloc[0]
        side = "right" if best["trial"] > 0.7 * trials["trial"].max() else "left"
        axes.annotate(
            f"trial {int(best['trial'])}: {best['objective']:.4f}",
            (best["trial"], best["objective"]), (0, 6 if results.sign > 0 else -6),
            textcoords="offset points", ha=side, va="bottom" if results.sign > 0 else "top",
            fontsize=8, fontweight="bold", bbox=style.PLATE,
        )  # fmt: skip


def _draw_batches(axes: Axes, results: Results, last: int) -> None:
    """Draw a line between batches: what a batch asks knows the earlier batches alone."""
    starts = [
        trial for trial in range(2, last + 1)
        if plan.batch_of(results.study, trial) != plan.batch_of(results.study, trial - 1)
    ]  # fmt: skip
    if len(starts) > 40:
        return
    for at, start in enumerate(starts):
        axes.axvline(start - 0.5, color=style.GREY, lw=0.8, ls=":", zorder=1,
                     label="next batch" if at == 0 else None)  # fmt: skip


def training_curves(results: Results) -> Figure:
    """Return the best run's loss by step and its metrics by epoch, beside the baseline's."""
    best = results.best.get("run")
    curves = [(str(best), "best run", style.VERMILLION)] if best else []
    base = results.stage("baseline")
    same_seed = base[base["seed"] == results.study["seed"]]["run"].tolist()
    if same_seed and same_seed[0] != best:
        curves.insert(0, (same_seed[0], "baseline", style.GREY))
    read = [(results.history(run), label, colour) for run, label, colour in curves]
    read = [(history, label, colour) for history, label, colour in read if len(history)]
    if not read:
        return style.message("No complete run, so no training curves.")
    metrics = [metric for metric in {results.metric: 0} | METRIC_NAMES if metric != "loss"]
    drawing = style.new(width=9.5, height=4.6)
    losses, below = drawing.subfigures(1, 2, width_ratios=[1, 1.7])
    loss = losses.subplots()
    grid = below.subplots(2, 3, sharex=True)
    # The epochs are below the last panel of each column.
    grid[1, 2].set_axis_off()
    grid[0, 2].tick_params(labelbottom=True)
    panels = grid.flat[: len(metrics)]
    for history, label, colour in read:
        _draw_loss(loss, history, label, colour)
        for axes, metric in zip(panels, metrics, strict=True):
            epochs = history[history[metric].notna()]
            axes.plot(epochs["epoch"], epochs[metric], marker="o", ms=4, lw=1.5, color=colour)
    if results.metric == "loss":
        style.band_across(loss, results.noise)
    loss.set(xlabel="Step", ylabel="Loss (cross-entropy)", title="Loss")
    for axes, metric in zip(panels, metrics, strict=True):
        title = sentence_case(METRIC_NAMES[metric])
        note = " (objective)" if metric == results.metric else ""
        if note:
            style.band_across(axes, results.noise)
        axes.set_title(f"{title}{note}")
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        axes.margins(x=0.12)
    for axes in (*grid[1, :2], grid[0, 2]):
        axes.set_xlabel("Epoch")
    drawing.legend(loc="outside lower left", ncols=5, columnspacing=1.4)
    return drawing


def _draw_loss(axes: Axes, history: pd.DataFrame, label: str, colour: str) -> None:
    """Draw the training loss by step, thin, its running mean, and the validation loss by epoch."""
    axes.plot(history["step"], history["train_loss"], color=colour, lw=0.6, alpha=0.35)
    window = max(1, math.ceil(SMOOTHING * len(history)))
    smooth = history["train_loss"].rolling(window, min_periods=1).mean()
    axes.plot(history["step"], smooth, color=colour, lw=1.6, label=f"{label}: training")
    epochs = history[history["validation_loss"].notna()]
    axes.plot(epochs["step"], epochs["validation_loss"], color=colour, lw=1.4, ls="--", marker="s",
              ms=5, mec="white", mew=0.8, label=f"{label}: validation")  # fmt: skip
