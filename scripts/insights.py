"""Write what all runs of a study say together, into summary/ beside study.json.

In: the runs of the search and grid/interactions.csv. Out: searches.csv, best-so-far.csv and
random-search.csv (search against search), importances.csv, advice.json.
"""

import argparse
from pathlib import Path

from scripts.analysis import importances, interactions, noise, searches
from scripts.analysis.advice import advise
from scripts.analysis.collect import collect_planned, planned, read_info
from scripts.study.documents import open_study, read_chosen
from scripts.study.errors import command
from scripts.study.files import read_json, write_csv, write_json
from scripts.study.trial import epoch_values


def insights(path: Path) -> str:
    """Write the files for the study.json at `path`; return what to tell the user."""
    study, folder = open_study(path)
    chosen = read_chosen(study, folder)
    runs = planned(study, folder, chosen)
    frame = collect_planned(study, folder, runs)
    home = folder / "summary"
    ordered = searches.order(study, frame, runs)
    found = searches.summary(study, frame, ordered)
    lengths = [len(one) for one in ordered.values()]
    chance = searches.random_search(study, frame, runs, lengths)
    write_csv(home / "searches.csv", searches.COLUMNS, found)
    write_csv(home / "best-so-far.csv", searches.CURVE_COLUMNS, searches.curves(study, ordered))
    write_csv(home / "random-search.csv", searches.RANDOM_COLUMNS, chance)
    write_csv(home / "importances.csv", importances.COLUMNS, importances.rows(study, frame))
    document = advise(
        study,
        frame,
        chosen,
        lambda run: epoch_values(read_json(folder / "runs" / run / "metrics.json")),
        interactions.rows(
            frame[frame["run"].isin(runs.stages["grid"])],
            frame[frame["run"].isin(runs.stages["baseline"])],
            chosen,
        ),
        noise.example_size(read_info(folder)["splits"]["validation"]["examples"]),
    )
    write_json(home / "advice.json", document)
    lines = [
        f"{row['search']}: nothing better after run {row['found_at']} of {row['runs']}"
        for row in found
        if row["found_at"] is not None
    ]
    lines += [f"advice: {entry['advice']}" for entry in document["advice"]]
    nothing = "nothing to compare" if (frame["status"] == "complete").any() else "no run completed"
    return "\n".join(lines) or f"insights: {nothing}"


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m scripts.insights", description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="results/<study>/study.json")
    print(insights(parser.parse_args().study))


if __name__ == "__main__":
    command(main)
