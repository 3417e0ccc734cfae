"""Write summary/gathered.csv beside study.json: a line for every run that competes for best.

What is made of all runs waits for this one file, with the checksum of each run's metrics and
learning curve, and not for two files of every run: of 10,000 runs Snakemake would otherwise plan,
compare and write down all of them again for each of the forty files that are made of them.
"""

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path

from scripts.analysis.collect import planned
from scripts.study.documents import open_study, read_chosen
from scripts.study.errors import StudyError, command
from scripts.study.files import write_csv
from scripts.study.plan import STAGES

FILES = ("metrics.json", "history.csv")


def rows(folder: Path, names: list[str]) -> Iterator[dict[str, str]]:
    """Yield for each run the sha256 of its files; raise `StudyError` where one cannot be read."""
    for name in names:
        paths = {file: folder / "runs" / name / file for file in FILES}
        try:
            sums = {
                file: hashlib.sha256(path.read_bytes()).hexdigest() for file, path in paths.items()
            }
        except OSError as error:
            raise StudyError(
                f"{error.filename}: cannot be read ({error.strerror}); delete the folder"
                f" {folder / 'runs' / name} and run snakemake again"
            ) from None
        yield {"run": name, **sums}


def gather(path: Path) -> str:
    """Write the lines for the study.json at `path`; return what to tell the user."""
    study, folder = open_study(path)
    names = planned(study, folder, read_chosen(study, folder)).names(STAGES)
    write_csv(folder / "summary" / "gathered.csv", ["run", *FILES], rows(folder, names))
    return f"gather: {len(names)} runs compete"


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m scripts.gather", description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="results/<study>/study.json")
    print(gather(parser.parse_args().study))


if __name__ == "__main__":
    command(main)
