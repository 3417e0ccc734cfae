"""Write grid/results.csv and grid/interactions.csv beside study.json.

The first has one row a run of the grid, in the grid's order; the second an analysis of variance.
"""

import argparse
from pathlib import Path

from scripts.analysis import interactions
from scripts.analysis.collect import collect, write_table
from scripts.analysis.comparison import describe
from scripts.study.documents import open_study, read_chosen
from scripts.study.errors import command
from scripts.study.files import write_csv


def grid(path: Path) -> str:
    """Write the grid's table for the study.json at `path`; return what to tell the user."""
    study, folder = open_study(path)
    frame = collect(study, folder, ("grid",))
    write_table(folder / "grid" / "results.csv", frame)
    chosen = read_chosen(study, folder)
    baseline = collect(study, folder, ("baseline",), chosen)
    found = interactions.rows(frame, baseline, chosen)
    write_csv(folder / "grid" / "interactions.csv", interactions.COLUMNS, found)
    return f"grid: {describe(study, frame)}"


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="path of study.json")
    print(grid(parser.parse_args().study))


if __name__ == "__main__":
    command(main)
