"""Any encoder that AutoModelForSequenceClassification loads: trained, saved, loaded, the same."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AlbertConfig, DebertaV2Config, ModernBertConfig, PreTrainedConfig
from transformers import AutoModelForSequenceClassification as Classifier

from scripts import train
from scripts.study.files import read_json, write_json
from scripts.study.schema import validate
from scripts.training.loop import predict
from tests.training_parts import (
    ARCHITECTURES,
    POSITIONS,
    VOCABULARY,
    config,
    random_tokens,
    train_options,
    values,
    write_inputs,
)

SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": POSITIONS,
}
SPECIAL = {"pad_token_id": 0, "cls_token_id": 1, "bos_token_id": 1, "sep_token_id": 2}
FURTHER: dict[str, PreTrainedConfig] = {
    "albert": AlbertConfig(embedding_size=8, **SIZES),
    "deberta-v2": DebertaV2Config(**SIZES),
    "modernbert": ModernBertConfig(**SPECIAL, **SIZES),
}


@pytest.mark.parametrize("architecture", [*ARCHITECTURES, *FURTHER])
def test_an_encoder_trains_and_is_saved_whole(
    architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = FURTHER.get(architecture) or config(architecture)
    torch.manual_seed(0)
    Classifier.from_config(own).save_pretrained(tmp_path / "model")
    pad = own.pad_token_id or 0
    tokens = {
        role: random_tokens(size, seed, classes=3)
        for seed, (role, size) in enumerate({"train": 48, "validation": 20}.items())
    }
    write_inputs(tmp_path, tmp_path / "model", tokens, 128, labels=["a", "b", "c"], pad=pad)
    changed = values(dropout=0.1, attention_dropout=0.1, weight_decay=0.1)
    write_json(tmp_path / "run/run.json", {"hyperparameters": changed, "seed": 1})
    further = {"metric": "matthews_correlation", "save-model": tmp_path / "saved"}
    flat = train_options(tmp_path, tmp_path / "run", **further)
    monkeypatch.setattr(sys, "argv", ["train", *flat])
    train.main()

    found = read_json(tmp_path / "run/metrics.json")
    validate(found, "metrics")
    assert found["status"] == "complete"
    with (tmp_path / "run/predictions.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    stored = np.array([[float(row[f"probability_{i}"]) for i in range(3)] for row in rows])
    saved = Classifier.from_pretrained(tmp_path / "saved")
    assert saved.get_input_embeddings().num_embeddings == VOCABULARY
    again, _ = predict(saved, tokens["validation"], pad, 32, "fp32")
    np.testing.assert_allclose(again, stored, atol=1e-5)
    assert [row.argmax() for row in again] == [int(row["predicted"]) for row in rows]
