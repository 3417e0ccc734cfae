"""Write summary/runs.csv beside study.json: one row a run of every stage, with its wall time.

The confirmation's runs are among them; what they score on the test split is in confirm/ alone.
"""

import argparse
from pathlib import Path

from scripts.analysis.collect import collect, write_table
from scripts.analysis.comparison import describe
from scripts.study.documents import open_study
from scripts.study.errors import command
from scripts.study.plan import ALL_STAGES


def summary(path: Path) -> str:
    """Write the table of all runs for the study.json at `path`; return what to tell the user."""
    study, folder = open_study(path)
    frame = collect(study, folder, ALL_STAGES)
    write_table(folder / "summary" / "runs.csv", frame, seconds=True)
    line = f"summary: {describe(study, frame)}"
    hours = frame["seconds"].sum() / 3600
    return line if frame["seconds"].isna().all() else f"{line}, {hours:.2f} training hours"


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="path of study.json")
    print(summary(parser.parse_args().study))


if __name__ == "__main__":
    command(main)
