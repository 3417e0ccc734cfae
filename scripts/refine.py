"""Write grid/refinement.csv: one row a listed configuration around the grid's best."""

import argparse
from pathlib import Path

from scripts.analysis.collect import collect, write_table
from scripts.analysis.comparison import describe
from scripts.study.documents import open_study
from scripts.study.errors import command


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m scripts.refine", description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="results/<study>/study.json")
    path = parser.parse_args().study
    study, folder = open_study(path)
    frame = collect(study, folder, ("refine",))
    write_table(folder / "grid" / "refinement.csv", frame)
    print(f"refinement: {describe(study, frame)}")


if __name__ == "__main__":
    command(main)
