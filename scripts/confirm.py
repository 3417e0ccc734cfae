"""Write confirm/results.csv and verdict.json beside study.json: what holds on fresh seeds.

In: the finalists, their runs and the baseline's on fresh seeds, the per-example predictions.
"""

import argparse
from pathlib import Path

from scripts.analysis import confirmation, verdict
from scripts.study.documents import open_study
from scripts.study.errors import command
from scripts.study.files import write_csv, write_json


def confirm(path: Path) -> str:
    """Write the two files for the study.json at `path`; return what to tell the user."""
    study, folder = open_study(path)
    confirmed = confirmation.read(study, folder)
    write_csv(
        folder / "confirm" / "results.csv",
        confirmation.COLUMNS,
        confirmation.result_rows(confirmed),
    )
    document = verdict.verdict(study, confirmed)
    write_json(folder / "verdict.json", document)
    return f"confirm: {document['verdict']}"


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m scripts.confirm", description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="results/<study>/study.json")
    print(confirm(parser.parse_args().study))


if __name__ == "__main__":
    command(main)
