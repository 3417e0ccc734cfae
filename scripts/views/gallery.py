"""Every figure of a study: its name, its title, its category and the function that draws it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from scripts.views import (
    comparison,
    confirmation,
    grid,
    importances,
    interactions,
    parallel,
    progress,
    screening,
    searches,
    style,
)
from scripts.views.results import Results

CAPTIONS = Path(__file__).resolve().parents[2] / "workflow" / "report"


@dataclass(frozen=True)
class Picture:
    """One figure: `name` is its file's stem and its caption's, workflow/report/<name>.rst.

    `category` is where `snakemake --report` shows it (workflow/rules/report.smk).
    """

    name: str
    title: str
    category: str
    draw: Callable[[Results], Figure]

    def caption(self) -> str:
        """Return the caption, the same one that `snakemake --report` shows, on one line."""
        text = (CAPTIONS / f"{self.name}.rst").read_text(encoding="utf-8")
        return " ".join(text.replace("``", "").split())


PICTURES = (
    Picture("comparison", "Baseline, by hand, grid and Optuna", "1 Result", comparison.figure),
    *(
        Picture(
            f"parallel-coordinates-{stage}",
            f"Parallel coordinates: {words}",
            category,
            partial(parallel.figure, stage=stage),
        )
        for stage, words, category in (
            ("all", "all runs", "1 Result"), ("screen", "screening", "2 Screening"),
            ("grid", "grid", "3 Grid"), ("optuna", "Optuna", "4 Optuna"),
        )
    ),
    Picture("effects", "Effects of the screened hyperparameters", "2 Screening", screening.figure),
    Picture("grid-heatmap", "Objective over the grid", "3 Grid", grid.figure),
    Picture("interactions", "Interactions in the grid", "3 Grid", interactions.figure),
    Picture("optuna-history", "Optuna history", "4 Optuna", progress.optuna_history),
    Picture("training-curves", "Training curves of the best run", "1 Result",
            progress.training_curves),
    Picture("importances", "Importances of the hyperparameters", "6 Insights", importances.figure),
    Picture("searches", "Search against search", "6 Insights", searches.figure),
    Picture("confirmation", "The finalists on fresh seeds", "5 Confirmation", confirmation.figure),
)  # fmt: skip


def draw_all(results: Results, folder: Path) -> list[Path]:
    """Draw every figure into `folder`, as PNG and SVG, and return the files' stems."""
    stems = []
    with matplotlib.rc_context(style.STYLE):
        for picture in PICTURES:
            stem = folder / picture.name
            style.save(picture.draw(results), stem)
            stems.append(stem)
    return stems
