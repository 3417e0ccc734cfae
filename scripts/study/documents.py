"""What a study is and what it chose on its way, read and checked.

These are study.json, screen/chosen.json, confirm/finalists.json and model/snaketune.json.
"""

from pathlib import Path
from typing import Any

from scripts.study.errors import StudyError
from scripts.study.files import STUDY_CURE, read_json, read_object
from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.study.plan import Study
from scripts.study.reading import show

# What a final model's folder holds beside transformers' own files.
FACTS = "snaketune.json"
# What it keeps of `dataset`, of a study of CSV files: how these are written.
CSV_OPTIONS = ("delimiter", "quotechar", "encoding", "column_names")
# The card goes last into a finished folder: without it the model is made again.
MODEL_CURE = "delete the model's README.md and run snakemake again"
_KEYS = ("study", "seed", "objective", "model", "training", "hyperparameters", "baseline",
         "screen", "rank", "grid", "refine", "optuna", "confirm")  # fmt: skip


def open_study(path: Path | str) -> tuple[dict[str, Any], Path]:
    """Return the resolved study in study.json at `path`, and the study's folder."""
    cure = f"it is not a resolved study: {STUDY_CURE}"
    return read_object(path, *_KEYS, cure=cure), Path(path).parent


def read_facts(model: Path, *keys: str) -> dict[str, Any]:
    """Return what the snaketune.json of a final model's folder says of it, `keys` checked."""
    facts = read_object(model / FACTS, *keys, cure=MODEL_CURE)
    if "files" in keys and not isinstance(facts["files"], dict):
        what = f"files is {show(facts['files'])}"
        raise StudyError(f"{model / FACTS}: {what}, which no study writes; {MODEL_CURE}")
    return facts


def read_chosen(study: Study, folder: Path) -> list[str]:
    """Return the hyperparameters chosen for grid and Optuna; none where the study has neither."""
    if not (study["grid"]["enabled"] or study["optuna"]["trials"]):
        return []
    path = folder / "screen" / "chosen.json"
    document = read_json(path)
    names = document.get("hyperparameters") if isinstance(document, dict) else None
    if not isinstance(names, list) or len(set(map(str, names))) != len(names):
        raise StudyError(
            f"{path}: hyperparameters is {names!r}, not a list of names, each once; delete the file"
            " and run snakemake again"
        )
    for name in names:
        if not isinstance(name, str) or name not in study["hyperparameters"]:
            raise StudyError(
                f"{path}: {name!r} is not a hyperparameter; delete the file and run snakemake again"
            )
    return names


def read_finalists(folder: Path) -> list[dict[str, Any]]:
    """Return the finalists in confirm/finalists.json, the best first (`finalists.finalists`)."""
    path = folder / "confirm" / "finalists.json"
    document = read_json(path)
    found = document.get("finalists") if isinstance(document, dict) else None
    if not isinstance(found, list) or not all(
        isinstance(entry, dict) and set(entry.get("hyperparameters", ())) == set(HYPERPARAMETERS)
        for entry in found
    ):
        raise StudyError(
            f"{path}: finalists is not a list of configurations with all {len(HYPERPARAMETERS)}"
            " hyperparameters; delete the file and run snakemake again"
        )
    return found
