"""Write down what each DVC stage depends on of a config, so that DVC reruns no other stage.

In: a config and its overlays. Out: a folder with `<stage>.json` for every stage of dvc.yaml. A
stage's file holds, with all defaults filled in, what the stage reads of the study and no stage
before it does; what every run is told is in those of all stages that train.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.study import plan
from scripts.study.config import load
from scripts.study.errors import StudyError, command
from scripts.study.files import write_json

Study = Mapping[str, Any]


def stages(study: Study) -> dict[str, dict[str, Any]]:
    """Return by stage what it depends on; `report` on the whole study, texts and resources too."""
    # A design of screening lies in the searched ranges.
    # What every run is told: a change that leaves the screening's bytes as they are must not stop
    # there, or the later stages' files would be of two studies.
    told = {
        **_keys(study, "seed", "objective"),
        "training": plan.training_options(study),
        "values": _values(study, "baseline"),
    }
    designed = {"search": _values(study, "search")} if study["screen"].get("design") else {}
    return {
        "prepare": {
            **_keys(study, "study", "model", "dataset", "columns", "splits", "labels"),
            **plan.split_seed(study),
            "lengths": plan.lengths(study),
        },
        "screen": {
            **_keys(study, "baseline", "screen", "rank"),
            **told,
            "screened": _values(study, "screen"),
            **designed,
            "candidates": plan.candidates(study),
        },
        "grid": {**_keys(study, "grid", "refine"), **told, "levels": _values(study, "grid")},
        "optuna": {**_keys(study, "optuna"), **told, "search": _values(study, "search")},
        "confirm": {**_keys(study, "confirm"), **told},
        "report": dict(study),
    }


def _keys(study: Study, *keys: str) -> dict[str, Any]:
    return {key: study[key] for key in keys}


def _values(study: Study, key: str) -> dict[str, Any]:
    """Return what every hyperparameter's block holds under `key`, by name."""
    blocks = study["hyperparameters"]
    return {name: block[key] for name, block in blocks.items() if key in block}


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m scripts.stages", description=__doc__)
    parser.add_argument(
        "--config", type=Path, required=True, nargs="+", help="the study's config, and overlays"
    )
    parser.add_argument("--study", required=True, help="the study's name, as params.yaml has it")
    options = parser.parse_args()
    # A config without an overlay is named twice by dvc.yaml.
    paths = list(dict.fromkeys(options.config))
    study, named = load(*paths), " + ".join(map(str, paths))
    if study["study"] != options.study:
        raise StudyError(
            f"params.yaml: study: {options.study} is not the study of {named}; "
            f"it is {study['study']}"
        )
    folder = Path("results") / options.study / "stages"
    for stage, slice_ in stages(study).items():
        write_json(folder / f"{stage}.json", slice_)
    print(f"stages: {named} is the study {options.study}")


if __name__ == "__main__":
    command(main)
