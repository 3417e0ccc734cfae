"""Checks across the keys of a resolved study: what a JSON Schema cannot say."""

import json
import math
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.study import designs, model_sources, sources, splits
from scripts.study.errors import StudyError
from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.study.plan import batches, candidates, screened, searched_values, source
from scripts.study.reading import show
from scripts.study.schema import unknown

Study = Mapping[str, Any]

# Optuna's batches are a chain of files, and Snakemake follows chains by recursion.
MAX_BATCHES = 100
MAX_GRID = 100_000
# The system takes no more than 131,072 in one piece, with the rest of the command.
MAX_SOURCE = 120_000
# The data are tokenised once for each length before a trial's own is known.
MAX_LENGTHS = 32


def check(study: Study) -> None:
    """Raise `StudyError`, one line without the file's name, for the first mistake found."""
    _check_name(study["study"])
    model_sources.check_model(study["model"])
    sources.check_dataset(study["dataset"])
    _check_columns(study)
    _check_labels(study)
    _check_encoding(study)
    splits.check(study)
    _check_own_results(study)
    _check_length(study)
    _check_warmup(study)
    designs.check(study)
    _check_rank(study)
    _check_grid(study)
    _check_batches(study)
    _check_lengths(study)
    _check_pruner(study)
    _check_warm_start(study)
    _check_precision(study)


def _check_name(name: str) -> None:
    """The name is a folder; the schema allows no slash, and this no way up."""
    if ".." in name or name.endswith("."):
        raise StudyError(
            f"study: {show(name)} is not a safe folder name; no '..', no '.' at the end"
        )


def _check_columns(study: Study) -> None:
    text, label = study["columns"]["text"], study["columns"]["label"]
    if label in text:
        raise StudyError(f"columns.label: {show(label)} is one of columns.text; name another")
    if "generated" in study["dataset"]:
        for index, name in enumerate(text):
            if name not in sources.GENERATED_COLUMNS[:2]:
                raise StudyError(
                    f"columns.text[{index}]: {show(name)} is not a column of generated data; "
                    "these have sentence1 and sentence2"
                )
        if label != sources.GENERATED_COLUMNS[2]:
            raise StudyError(
                f"columns.label: {show(label)} is not a column of generated data; these have label"
            )


def _check_labels(study: Study) -> None:
    names = study["labels"]
    if "generated" in study["dataset"] and names is not None and len(names) != 2:
        raise StudyError(
            f"labels: {show(names)} has {len(names)} names; generated data have two classes"
        )


def _check_encoding(study: Study) -> None:
    name = study["dataset"].get("encoding")
    if name is None:
        return
    try:
        "a".encode(name)  # refuses those of no text too, such as hex
    except (LookupError, ValueError):
        raise StudyError(
            f"dataset.encoding: {show(name)} is not an encoding that Python knows, such as utf-8 or"
            " latin-1"
        ) from None


def _check_own_results(study: Study) -> None:
    """What a study makes cannot be what it is made of."""
    own = Path("results", study["study"]).resolve()
    path = study["model"]["path"]
    model = model_sources.model_folder(path)
    if model is not None and own in (model.resolve(), *model.resolve().parents):
        raise StudyError(
            f"model.path: {show(path)} is a result of this very study; copy the folder and name the"
            " copy, or give the study another name"
        )
    for file in sources.local_data_files(study["dataset"]):
        if own in file.resolve().parents:
            raise StudyError(
                f"dataset: {show(str(file))} is a result of this very study; copy the file to"
                " another folder, and name the copy"
            )


def _check_length(study: Study) -> None:
    """Where the data come from is told to the command that reads them on its command line."""
    size = len(shlex.quote(json.dumps(source(study))))
    if size > MAX_SOURCE:
        files, labels = list(sources.patterns(study["dataset"].get("data_files"))), study["labels"]
        key, cure = "dataset.data_files", "name the files by a pattern, such as data/*.csv"
        if len(json.dumps(labels)) > len(json.dumps(files)):
            key, cure = "labels", "shorten the names"
        raise StudyError(
            f"{key}: {size:,} characters are too many for a command line, which takes"
            f" {MAX_SOURCE:,}; {cure}"
        )


def _check_warmup(study: Study) -> None:
    """Both warmups at once would contradict each other; the resolved defaults are both 0."""
    steps, ratio = _set(study, "warmup_steps"), _set(study, "warmup_ratio")
    if steps and ratio:
        raise StudyError(
            f"{steps[0]}: {show(steps[1])} beside {ratio[0]}: {show(ratio[1])}; use one of the two "
            "(null removes a block)"
        )


def _set(study: Study, name: str) -> tuple[str, Any] | None:
    """Return where a hyperparameter is set and to what; None where it has its default alone."""
    block = study["hyperparameters"][name]
    if block["baseline"] != HYPERPARAMETERS[name].default:
        return f"hyperparameters.{name}.baseline", block["baseline"]
    for key, value in block.items():
        if key != "baseline":
            return f"hyperparameters.{name}.{key}", value
    for stage in ("screen", "refine"):
        for index, configuration in enumerate(study[stage]["configurations"]):
            if name in configuration:
                return f"{stage}.configurations[{index}].{name}", configuration[name]
    return None


def _check_rank(study: Study) -> None:
    """The choice must be possible, and each later stage must know what was chosen."""
    stages = [("grid", "grid.enabled", study["grid"]["enabled"])]
    stages.append(("search", "optuna.trials", study["optuna"]["trials"] > 0))
    needed = [(key, switch) for key, switch, on in stages if on]
    named = study["rank"]["hyperparameters"]
    blocks = study["hyperparameters"]
    for index, name in enumerate(named or ()):
        where = f"rank.hyperparameters[{index}]"
        if name not in blocks:
            raise StudyError(unknown(where, name, HYPERPARAMETERS, "hyperparameter"))
        for key, _ in needed:
            if key not in blocks[name]:
                raise StudyError(
                    f"{where}: {show(name)} has no {key}; add hyperparameters.{name}.{key}"
                )
    for key, switch in needed:
        if not any(key in block for block in blocks.values()):
            value = study["grid"]["enabled"] if key == "grid" else study["optuna"]["trials"]
            off = "false" if key == "grid" else "0"
            raise StudyError(
                f"{switch}: {show(value)}, but no hyperparameter has a {key}; "
                f"add one, or set {switch}: {off}"
            )
    if named or not needed:
        return
    possible, top = candidates(study), study["rank"]["top"]
    both = " and a ".join(key for key, _ in needed)
    if top > len(possible):
        raise StudyError(
            f"rank.top: {top} is more than the {len(possible)} hyperparameters that have a {both}"
            + (f": {', '.join(possible)}" if possible else "")
        )
    if top < len(possible) and not set(screened(study)) & set(possible):
        raise StudyError(
            f"rank.top: {top} of {len(possible)} cannot be ranked without screening; "
            "give some of them a screen, or name rank.hyperparameters"
        )


def _check_grid(study: Study) -> None:
    if not study["grid"]["enabled"]:
        return
    blocks, rank = study["hyperparameters"], study["rank"]
    names = rank["hyperparameters"] or candidates(study)
    sizes = sorted((len(blocks[name]["grid"]) for name in names), reverse=True)
    points = math.prod(sizes[: rank["top"]])
    if points > MAX_GRID:
        raise StudyError(
            f"grid: up to {points} points, more than {MAX_GRID}; "
            "give fewer levels or a lower rank.top"
        )


def _check_batches(study: Study) -> None:
    number, size = study["optuna"]["trials"], study["optuna"]["batch_size"]
    if number and batches(study) > MAX_BATCHES:
        raise StudyError(
            f"optuna.batch_size: {size} makes {batches(study)} batches of {number} trials, more "
            f"than {MAX_BATCHES}; use at least {-(-number // MAX_BATCHES)}"
        )


def _check_lengths(study: Study) -> None:
    lengths = searched_values(study, "max_seq_length")
    if study["optuna"]["trials"] and len(lengths) > MAX_LENGTHS:
        raise StudyError(
            f"hyperparameters.max_seq_length.search: {len(lengths)} lengths, for each of which the"
            f" data are tokenised, are more than {MAX_LENGTHS}; give choices, or a larger step"
        )


def _check_pruner(study: Study) -> None:
    """A pruner that waits for more epochs than there are would prune nothing, and not say so."""
    least = study["optuna"]["pruner"]["options"].get("min_resource")
    longest = max(map(int, searched_values(study, "num_train_epochs")))
    if study["optuna"]["trials"] and isinstance(least, int) and least > longest:
        raise StudyError(
            f"optuna.pruner.options.min_resource: {least} is more epochs than any trial has,"
            f" {longest}: nothing would be pruned"
        )


def _check_warm_start(study: Study) -> None:
    """A stage without runs would teach the sampler nothing, and nobody would notice."""
    if not study["optuna"]["trials"]:
        return
    off = {
        "screen": (not screened(study), "nothing is screened"),
        "grid": (not study["grid"]["enabled"], "grid.enabled is false"),
        "refine": (not study["refine"]["configurations"], "refine.configurations is empty"),
    }
    for index, stage in enumerate(study["optuna"]["warm_start"]):
        missing, why = off.get(stage, (False, ""))
        if missing:
            raise StudyError(
                f"optuna.warm_start[{index}]: {show(stage)} has no runs, {why}; leave it out"
            )


def _check_precision(study: Study) -> None:
    training = study["training"]
    if training["precision"] == "tf32" and not training["gpu"]:
        raise StudyError(
            "training.precision: tf32 is a number format of GPUs, and training.gpu is 0; take auto,"
            " fp32 or bf16"
        )
