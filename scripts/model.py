"""Make the final model: train the recommended configuration again, and keep it this time.

In: best.json and verdict.json beside study.json, the run that they recommend, data and pretrained
model. Out: the folder `model` with weights (safetensors), config, tokenizer and a model card,
README.md, which is written last. Where no run completed README.md says so, and stands alone.

The weights of all runs would be most of what a study takes on disk; one more training of the same
run.json gives the same model.
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer
from transformers.utils import logging

from scripts.analysis.again import compare, train_again
from scripts.analysis.recommended import recommended
from scripts.study.documents import CSV_OPTIONS, FACTS, open_study
from scripts.study.errors import StudyError, command
from scripts.study.files import file_sha256, read_json, write_json, write_text
from scripts.study.plan import fresh_seeds
from scripts.training.weights import locate
from scripts.views import card

# Settings that say how a tokenizer was loaded, not what it is.
LOADING = ("is_local", "local_files_only", "name_or_path")


def make(path: Path) -> str:
    """Make the model of the study.json at `path`; return what to tell the user."""
    study, folder = open_study(path)
    chosen = recommended(study, folder)
    target = folder / "model"
    if chosen.run is None:
        _replace(target, None)
        write_text(target / "README.md", card.without_model(study, chosen.why))
        return f"model: {chosen.why}"
    stored = read_json(folder / "runs" / chosen.run / "metrics.json")
    for abandoned in folder.glob(".model.*"):
        # A training that was killed here had no time to tidy up; its weights are large.
        shutil.rmtree(abandoned, ignore_errors=True)
    # Beside the target, so that moving it there takes no copy.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".model.") as scratch:
        made = Path(scratch) / "model"
        home = train_again(study, folder, chosen.run, Path(scratch), "--save-model", str(made))
        metrics = read_json(home / "metrics.json")
        best = read_json(folder / "best.json")
        same, words = compare(stored, metrics, best["baseline"]["sd"])
        # Where nothing tells what the difference means, the card tells of it.
        if same is False:
            raise StudyError(
                f"{folder / 'runs' / chosen.run / 'metrics.json'}: trained again for the final"
                f" model, the run gave {words}; train where the study was trained, or delete"
                f" {folder} to train all of it here"
            )
        info, model = (read_json(folder / "data" / name) for name in ("info.json", "model.json"))
        length = metrics["hyperparameters"]["max_seq_length"]
        _save_tokenizer(locate(model), length, made)
        write_json(made / FACTS, _facts(study, info, metrics, chosen.run, made))
        _replace(target, made)
    confirmed = folder / "verdict.json"
    verdict = read_json(confirmed) if fresh_seeds(study) and confirmed.exists() else {}
    text = card.render(
        card.Card(study, info, model, best, verdict, chosen.run, chosen.why, metrics, words)
    )
    write_text(target / "README.md", text)
    return f"model: {chosen.run}, trained again: {words}"


def _save_tokenizer(base: Path, length: int, made: Path) -> None:
    """Save the pretrained model's tokenizer, which cuts texts as in training where asked to cut."""
    logging.set_verbosity_error()
    tokenizer = AutoTokenizer.from_pretrained(base, trust_remote_code=False)
    tokenizer.model_max_length = length
    tokenizer.name_or_path = ""
    tokenizer.save_pretrained(made)
    # How it was loaded here is nobody's business, and would differ with the environment.
    path = made / "tokenizer_config.json"
    settings = read_json(path)
    write_json(path, {key: settings[key] for key in settings if key not in LOADING})


def _facts(
    study: dict[str, Any], info: dict[str, Any], metrics: dict[str, Any], run: str, made: Path
) -> dict[str, Any]:
    """Return what scripts.predict needs to know beside the model itself, which is in `made`."""
    dataset = study["dataset"]
    return {
        "study": study["study"],
        "run": run,
        "files": {file.name: file_sha256(file) for file in made.iterdir()},
        "text_columns": study["columns"]["text"],
        # How the study's own CSV files are written, which others of the kind will be, too.
        "csv": {key: dataset[key] for key in CSV_OPTIONS if key in dataset}
        if dataset.get("path") == "csv"
        else {},
        "max_seq_length": metrics["hyperparameters"]["max_seq_length"],
        "precision": metrics["precision"],
        "eval_batch_size": study["training"]["eval_batch_size"],
        "fingerprint": info["fingerprint"],
    }


def _replace(target: Path, made: Path | None) -> None:
    """Put the files of `made` into the place of those in `target`; the card goes first."""
    target.mkdir(exist_ok=True)
    (target / "README.md").unlink(missing_ok=True)
    for old in target.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    # What safetensors writes is its owner's alone; a study on a shared disk is read by colleagues.
    mask = os.umask(0)
    os.umask(mask)
    for new in sorted(made.iterdir()) if made else ():
        new.chmod(0o666 & ~mask)
        os.replace(new, target / new.name)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.model", description=__doc__)
    parser.add_argument("--study", required=True, type=Path, help="results/<study>/study.json")
    print(make(parser.parse_args().study))


if __name__ == "__main__":
    command(main)
