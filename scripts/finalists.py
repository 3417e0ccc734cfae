"""Write confirm/finalists.json beside study.json: the best configurations of the whole study."""

import argparse
from pathlib import Path

from scripts.analysis.collect import collect
from scripts.analysis.finalists import finalists
from scripts.analysis.words import none_completed
from scripts.study.documents import open_study
from scripts.study.errors import command
from scripts.study.files import write_json


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m scripts.finalists", description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="results/<study>/study.json")
    study, folder = open_study(parser.parse_args().study)
    frame = collect(study, folder)
    document = finalists(study, frame)
    write_json(folder / "confirm" / "finalists.json", document)
    names = ", ".join(entry["run"] for entry in document["finalists"])
    none = none_completed(bool((frame["status"] == "complete").any()))
    print(f"finalists: {names or f'none; {none}'}")


if __name__ == "__main__":
    command(main)
