"""A study's final model, loaded from its folder, and texts scored with it as in the study."""

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel
from transformers.utils import logging

from scripts.study.documents import CSV_OPTIONS, FACTS, MODEL_CURE
from scripts.study.errors import StudyError, out_of_memory
from scripts.study.files import file_sha256, read_json
from scripts.study.model_files import WEIGHTS
from scripts.study.reading import show
from scripts.training.first_token import only_first_token
from scripts.training.loop import predict
from scripts.training.model import PRECISIONS, device, precision
from scripts.training.tokens import tokenise

_KEYS = {"files", "text_columns", "csv", "max_seq_length", "precision", "eval_batch_size"}


@dataclass(frozen=True)
class Classifier:
    """A final model; `facts` is its snaketune.json, `labels` are the names of the classes."""

    model: PreTrainedModel
    tokenizer: Any
    facts: Mapping[str, Any]
    labels: Sequence[str]


def load(folder: Path) -> Classifier:
    """Return the model in `folder`; raise `StudyError` where there is none that can be loaded."""
    facts = read_json(folder / FACTS, MODEL_CURE) if (folder / FACTS).exists() else None
    if facts is None:
        raise StudyError(
            f"--model: {folder} holds no {FACTS}; name the model folder of a finished study,"
            " such as results/demo/model"
        )
    whole = isinstance(facts, dict) and facts.keys() >= _KEYS
    if not whole or not isinstance(facts["files"], dict):
        raise StudyError(
            f"{folder / FACTS}: {', '.join(sorted(_KEYS))} are not all in it, so it is not what the"
            f" study wrote; {MODEL_CURE}"
        )
    _check(folder / FACTS, facts)
    for name, sha256 in facts["files"].items():
        file = folder / name
        if not file.is_file() or file_sha256(file) != sha256:
            what = "changed, or another model's" if file.is_file() else "not there"
            raise StudyError(f"{file}: not the file that {FACTS} names: it is {what}; {MODEL_CURE}")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    where = device()
    try:
        model = AutoModelForSequenceClassification.from_pretrained(
            folder,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            attn_implementation=None if where.type == "cuda" else "eager",
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # transformers and safetensors raise many kinds
        if out_of_memory(error):
            raise
        reason = " ".join(str(error).split())[:300]
        raise StudyError(f"--model: {folder} cannot be loaded: {reason}") from None
    only_first_token(model)
    names = model.config.id2label
    return Classifier(model.to(where), tokenizer, facts, [names[i] for i in range(len(names))])


def _check(path: Path, facts: Mapping[str, Any]) -> None:
    """Raise `StudyError` where a study has not written this: a value of another type or range."""
    columns, csv = facts["text_columns"], facts["csv"]
    right = {
        "files": WEIGHTS in facts["files"],
        "text_columns": isinstance(columns, list)
        and len(columns) in (1, 2)
        and all(isinstance(column, str) for column in columns),
        "csv": _is_csv(csv),
        "max_seq_length": _is_whole(facts["max_seq_length"]),
        "precision": facts["precision"] in PRECISIONS,
        "eval_batch_size": _is_whole(facts["eval_batch_size"]),
    }
    wrong = [key for key, is_right in right.items() if not is_right]
    if wrong:
        raise StudyError(
            f"{path}: {wrong[0]} is {show(facts[wrong[0]])}, which no study writes; {MODEL_CURE}"
        )


def _is_csv(csv: object) -> bool:
    """Tell whether these are options of a CSV file, as a config's `dataset` may have them."""
    if not isinstance(csv, dict) or not csv.keys() <= set(CSV_OPTIONS):
        return False
    names, encoding = csv.get("column_names", [""]), csv.get("encoding", "utf-8")
    signs = [csv[key] for key in ("delimiter", "quotechar") if key in csv]
    if not isinstance(encoding, str) or not isinstance(names, list):
        return False
    try:
        codecs.lookup(encoding)
    except (LookupError, ValueError):
        return False
    return (
        all(isinstance(sign, str) and len(sign) <= 1 for sign in signs)
        and csv.get("delimiter") != ""
        and bool(names)
        and all(isinstance(name, str) for name in names)
    )


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def probabilities(
    classifier: Classifier,
    texts: Sequence[Sequence[str]],
    wanted: str | None = None,
    batch_size: int | None = None,
) -> np.ndarray:
    """Return class probabilities (n, classes), float64, of n examples of one or two texts each.

    Precision (`fp32`, `bf16` or `auto`) and batch size are the study's unless given.
    """
    facts = classifier.facts
    keys = ("text_a", "text_b")[: len(facts["text_columns"])]
    columns: dict[str, Sequence[Any]] = dict(zip(keys, zip(*texts, strict=True), strict=True))
    tokens = tokenise(
        {**columns, "label": [0] * len(texts)}, classifier.tokenizer, facts["max_seq_length"]
    )
    pad = classifier.tokenizer.pad_token_id or 0
    # A trained model predicts alike in fp32, on any device.
    stored = facts["precision"].replace("tf32", "fp32")
    used = precision(wanted or stored, classifier.model.device, classifier.model.config.model_type)
    found, _ = predict(classifier.model, tokens, pad, batch_size or facts["eval_batch_size"], used)
    return found
