"""Write best.json beside study.json: the best of the search, and the best of each stage.

It is the final configuration unless a confirmation says otherwise, which verdict.json tells.
"""

import argparse
from pathlib import Path

from scripts.analysis import comparison
from scripts.analysis.collect import collect_planned, planned, read_info
from scripts.study.documents import open_study, read_chosen
from scripts.study.errors import command
from scripts.study.files import write_json


def best(path: Path) -> str:
    """Write best.json for the study.json at `path`; return what to tell the user."""
    study, folder = open_study(path)
    runs = planned(study, folder, read_chosen(study, folder))
    frame = collect_planned(study, folder, runs)
    document = comparison.best(study, frame, runs, read_info(folder))
    write_json(folder / "best.json", document)
    if document["run"] is None:
        return f"best: {document['reason']}"
    metric = study["objective"]["metric"]
    ties = f", {len(document['ties'])} tied with it" if document["ties"] else ""
    lines = [f"best: {document['run']}, {metric} {document['objective']['value']:.4f}{ties}"]
    for entry in document["comparison"]:
        score = (
            "none completed"
            if entry["run"] is None
            else (f"{metric} {entry['objective']:.4f}, run {entry['found_at']} of {entry['of']}")
        )
        lines.append(f"  {entry['label']}: {score}")
    return "\n".join(lines)


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="path of study.json")
    print(best(parser.parse_args().study))


if __name__ == "__main__":
    command(main)
