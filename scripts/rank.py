"""Rank the screened hyperparameters by their effect and choose those for grid and Optuna.

Reads the baseline's and the screening's runs; writes screen/ranking.csv, screen/chosen.json and
screen/results.csv (baseline and screening) beside study.json.
"""

import argparse
from pathlib import Path

from scripts.analysis.collect import collect_planned, planned, write_table
from scripts.analysis.comparison import describe
from scripts.analysis.effects import RANKING_COLUMNS, choose, noise_sd, ranking_rows
from scripts.analysis.evidence import too_close
from scripts.analysis.screening import design_columns, effects_of
from scripts.study.documents import open_study
from scripts.study.errors import command
from scripts.study.files import write_csv, write_json
from scripts.study.plan import candidates


def rank(path: Path) -> str:
    """Write the three files for the study.json at `path`; return what to tell the user."""
    study, folder = open_study(path)
    stages = ("baseline", "screen")
    runs = planned(study, folder, [], stages)
    frame = collect_planned(study, folder, runs, stages)
    effects = effects_of(study, frame)
    chosen, rule = choose(study, effects)
    noise = noise_sd(study, frame)
    completed = frame[frame["status"] == "complete"]
    seeds = int(completed["run"].isin(runs.stages["baseline"]).sum())
    screened = frame[frame["run"].isin(runs.stages["screen"])]
    write_table(folder / "screen" / "results.csv", frame)
    write_csv(
        folder / "screen" / "ranking.csv",
        (*RANKING_COLUMNS, *design_columns(study)),
        ranking_rows(effects, chosen, noise, seeds),
    )
    # A choice that the user made was not a close one, whatever the ranking says.
    named = study["rank"]["hyperparameters"] is not None
    close = [] if named else too_close(effects, chosen, candidates(study), noise, seeds)
    write_json(
        folder / "screen" / "chosen.json",
        {"hyperparameters": chosen, "rule": rule, "too_close": close},
    )
    sizes = {effect.hyperparameter: effect.size for effect in effects}
    words = [name if sizes.get(name) is None else f"{name} ({sizes[name]:.4f})" for name in chosen]
    spread = "unknown" if noise is None else f"{noise:.4f}"
    return (
        f"screen: {describe(study, screened)}\n"
        f"rank: chosen {', '.join(words) or 'nothing'}; sd of the baseline's seeds {spread}"
    )


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="path of study.json")
    print(rank(parser.parse_args().study))


if __name__ == "__main__":
    command(main)
