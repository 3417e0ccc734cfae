"""Fix what the Optuna study searches.

In: the study and the chosen hyperparameters. Out: `space.json`: their search spaces, and all else
that a batch of trials is computed from beside the runs.
"""

import argparse
from pathlib import Path

from scripts.study.documents import open_study, read_chosen
from scripts.study.errors import StudyError, command
from scripts.study.files import write_json
from scripts.study.plan import baseline_values


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.search_space", description=__doc__)
    parser.add_argument("--study", required=True, type=Path, help="results/<study>/study.json")
    options = parser.parse_args()
    study, folder = open_study(options.study)
    chosen = read_chosen(study, folder)
    blocks = study["hyperparameters"]
    space = {name: blocks[name]["search"] for name in chosen if "search" in blocks[name]}
    if not space:
        raise StudyError(
            f"{options.study}: hyperparameters: none of the chosen ones ({', '.join(chosen)})"
            " has a search block"
        )
    write_json(
        folder / "optuna/space.json",
        {key: study[key] for key in ("seed", "objective")}
        | {key: study["optuna"][key] for key in ("batch_size", "sampler", "pruner")}
        | {"space": space, "baseline": baseline_values(study)},
    )
    print(f"search space: {', '.join(sorted(space))}")


if __name__ == "__main__":
    command(main)
