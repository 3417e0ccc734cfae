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
from scripts.analysis.runfiles import refuse
from scripts.study.documents import open_study, read_chosen
from scripts.study.errors import command
from scripts.study.files import write_csv
from scripts.study.plan import STAGES

FILES = ("metrics.json", "history.csv")


def rows(folder: Path, names: list[str]) -> Iterator[dict[str, str]]:
    """Yield for each run the sha256 of its files; raise `StudyError` where one cannot be read."""
    for name in names:
        yield {"run": name, **{file: _sha256(folder / "runs" / name / file) for file in FILES}}


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        refuse(path, f"cannot be read ({error.strerror})")


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
