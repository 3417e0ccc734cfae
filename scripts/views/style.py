"""How every figure looks, and how it is saved: the same bytes for the same data."""

import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no window and no display, wherever the figures are made

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scripts.study.files import write_bytes
from scripts.views.results import Noise

# Okabe and Ito's colours, told apart with any common colour blindness.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
INK, GREY, PALE, BAND = "#222222", "#6b6b6b", "#c9c9c9", "#e3e3e3"
STAGE_COLOURS = {
    "baseline": BLACK, "screen": SKY, "grid": BLUE, "refine": PURPLE, "optuna": ORANGE,
}  # fmt: skip

# Between two neighbouring ticks' labels, in pixels.
GAP = 6.0
# Under a text that a line may cross.
PLATE: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.82, "pad": 0.8}

DPI = 150
WIDTH = 8.0  # inches

STYLE: dict[str, Any] = {
    **sns.axes_style("ticks"),
    **sns.plotting_context("paper"),
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.labelsize": 9.0,
    "axes.titlesize": 10.0,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "text.usetex": False,
    # A name such as `$x$` in a config is a name, not mathematics.
    "text.parse_math": False,
    "svg.hashsalt": "snaketune",
    "svg.fonttype": "path",
}


def sequential(sign: int) -> LinearSegmentedColormap:
    """Return the colours of the objective, pale for bad and dark for good runs.

    They are viridis without its palest part, which is lost on white paper.
    """
    colours = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.8, 128))
    return LinearSegmentedColormap.from_list("objective", colours[::-1] if sign > 0 else colours)


def norm(low: float, high: float) -> Normalize:
    """Return a colour scale from `low` to `high` that takes outliers at its ends."""
    return Normalize(low, high if high > low else low + 1e-9, clip=True)


def new(width: float = WIDTH, height: float = 4.0) -> Figure:
    """Return an empty figure of this size in inches; its parts share the room without overlap."""
    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def message(text: str) -> Figure:
    """Return a figure that says in words why there is nothing to draw."""
    figure = new(height=1.6)
    figure.text(0.5, 0.5, text, ha="center", va="center", fontsize=10, color=GREY, wrap=True)
    return figure


def band_across(axes: Axes, noise: Noise, vertical: bool = False) -> None:
    """Draw the baseline's mean and mean +- 2 sd behind a plot, along x or y."""
    if noise.mean is None:
        return
    span, line = (axes.axvspan, axes.axvline) if vertical else (axes.axhspan, axes.axhline)
    if noise.band:
        label = "baseline mean \N{PLUS-MINUS SIGN} 2 sd"
        span(*noise.band, color=BAND, zorder=0, lw=0, label=label)
    line(noise.mean, color=GREY, lw=1, zorder=1, label=None if noise.band else "baseline")


def crowded(axes: Axes) -> bool:
    """Return whether the labels below a figure's axes, which is laid out, touch each other."""
    boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
    inside = [box for box in boxes if axes.bbox.x0 <= (box.x0 + box.x1) / 2 <= axes.bbox.x1]
    ends = sorted((box.x0, box.x1) for box in inside)
    return any(after[0] - one[1] < GAP for one, after in pairwise(ends))


def _thin(axes: Axes) -> bool:
    """Take ticks away until their labels have room; return whether any had to go.

    Matplotlib counts on short numbers: those with a sign and three decimals run into each other.
    """
    locator = axes.xaxis.get_major_locator()
    if not isinstance(locator, MaxNLocator):
        return False
    bins = len(axes.get_xticks())
    thinner = False
    while bins > 1 and crowded(axes):
        bins -= 1
        locator.set_params(nbins=bins)
        thinner = True
    return thinner


def save(figure: Figure, stem: Path) -> None:
    """Write `stem`.png (150 dpi) and `stem`.svg; the files carry no date and no version."""
    # Lay out once for both files: it is half of the work.
    figure.draw_without_rendering()
    thinned = [_thin(axes) for axes in figure.axes]
    if any(thinned):
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for suffix, metadata in (
        ("png", {"Software": None}),
        ("svg", {"Date": None, "Creator": None, "Format": None, "Type": None}),
    ):
        stream = io.BytesIO()
        figure.savefig(stream, format=suffix, dpi=DPI, metadata=metadata, facecolor="white")
        write_bytes(stem.with_suffix(f".{suffix}"), stream.getvalue())
