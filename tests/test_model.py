"""The classifier: an encoder that is loaded whole, a head from the seed, dropout as asked for."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2ForSequenceClassification

from scripts.study.errors import StudyError
from scripts.training.batches import collate
from scripts.training.model import build, device, precision
from tests.training_parts import ARCHITECTURES, random_tokens, values, write_model

LABELS = ["no", "yes"]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: write_model(tmp_path_factory.mktemp(name), name) for name in ARCHITECTURES}


def outputs(model: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return model(**inputs()).logits


def inputs() -> dict[str, torch.Tensor]:
    tokens = random_tokens(4)
    batch = collate(tokens, torch.arange(4).numpy(), 0, CPU)
    del batch["labels"]
    return batch


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_dropout_reaches_the_model(folders: dict[str, Path], name: str) -> None:
    model = build(folders[name], LABELS, values(dropout=0.25, attention_dropout=0.35), 1)
    rates = {path: m.p for path, m in model.named_modules() if isinstance(m, nn.Dropout)}
    if name == "distilbert":
        # It has a setting of its own for the head alone, which no hyperparameter changes.
        assert rates.pop("dropout") == model.config.seq_classif_dropout
    assert set(rates.values()) <= {0.25, 0.35}
    assert 0.25 in rates.values()


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("rates", [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5)])
def test_dropout_of_each_kind_drops(
    folders: dict[str, Path], name: str, rates: tuple[float, float]
) -> None:
    model = build(folders[name], LABELS, values(dropout=rates[0], attention_dropout=rates[1]), 1)
    encoder = model.base_model
    with torch.no_grad():
        still = encoder.eval()(**inputs()).last_hidden_state
        encoder.train()
        torch.manual_seed(1)
        one = encoder(**inputs()).last_hidden_state
        two = encoder(**inputs()).last_hidden_state
        torch.manual_seed(1)
        again = encoder(**inputs()).last_hidden_state
    assert torch.equal(one, again)
    assert torch.equal(one, two) is (rates == (0.0, 0.0))
    assert torch.equal(one, still) is (rates == (0.0, 0.0))


def test_the_head_comes_from_the_seed_alone(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    keep_the_encoder(folder)
    first = build(folder, LABELS, values(), 1)
    torch.rand(1000)
    torch.nn.Linear(7, 7)
    again, other = (build(folder, LABELS, values(), seed) for seed in (1, 2))
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.state_dict().values(), again.state_dict().values(), strict=True)
    )
    different = [
        name
        for name, weight in other.state_dict().items()
        if not torch.equal(weight, first.state_dict()[name])
    ]
    assert different == ["classifier.weight"]


def keep_the_encoder(folder: Path, drop: str = "classifier.") -> None:
    """Rewrite the weights without those whose names begin with `drop`."""
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    kept = {name: w for name, w in load_file(path).items() if not name.startswith(drop)}
    save_file(kept, path, metadata={"format": "pt"})


def test_names_of_the_classes_and_eager_attention(folders: dict[str, Path]) -> None:
    model = build(folders["bert"], LABELS, values(), 1)
    assert model.config.id2label == {0: "no", 1: "yes"}
    assert model.config.label2id == {"no": 0, "yes": 1}
    assert model.config._attn_implementation == "eager"
    assert model.device == device()
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}


def test_a_head_for_other_classes_is_replaced(folders: dict[str, Path]) -> None:
    model = build(folders["bert"], ["a", "b", "c"], values(), 1)
    assert outputs(model).shape == (4, 3)
    kept = build(folders["bert"], LABELS, values(), 1)
    assert torch.equal(
        model.bert.embeddings.word_embeddings.weight, kept.bert.embeddings.word_embeddings.weight
    )


@pytest.mark.parametrize("kind", ["multi_label_classification", "regression", None])
def test_what_the_model_was_for_before_is_forgotten(tmp_path: Path, kind: str | None) -> None:
    """Pipelines score by it: not by the softmax over classes that a study trains."""
    folder = write_model(tmp_path)
    known = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(known | {"problem_type": kind}))
    assert build(folder, LABELS, values(), 1).config.problem_type == "single_label_classification"


def test_a_pooler_may_be_new(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    keep_the_encoder(folder, "bert.pooler.")
    assert outputs(build(folder, LABELS, values(), 1)).shape == (4, 2)


def test_weights_of_another_model_are_refused(tmp_path: Path, folders: dict[str, Path]) -> None:
    folder = write_model(tmp_path)
    shutil.copy(folders["distilbert"] / "model.safetensors", folder)
    with pytest.raises(StudyError, match=r"model\.safetensors lacks \d+ weights of a bert, such"):
        build(folder, LABELS, values(), 1)


@pytest.mark.parametrize(
    "key", ["max_position_embeddings", "vocab_size", "intermediate_size", "hidden_size"]
)
def test_weights_of_other_sizes_than_the_config_says_are_refused(tmp_path: Path, key: str) -> None:
    folder = write_model(tmp_path)
    known = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(known | {key: known[key] + 4}))
    with pytest.raises(StudyError, match=r"in other sizes than config\.json says \d+ weights of a"):
        build(folder, LABELS, values(), 1)


def test_settings_that_the_loop_cannot_train_with_are_off(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    known = json.loads((folder / "config.json").read_text())
    odd = {"return_dict": False, "gradient_checkpointing": True}
    (folder / "config.json").write_text(json.dumps(known | odd))
    model = build(folder, LABELS, values(), 1)
    assert not model.is_activation_checkpointing
    assert outputs(model).shape == (4, 2)


@pytest.mark.parametrize("damage", ["weights", "config"])
def test_a_damaged_model_is_named(tmp_path: Path, damage: str) -> None:
    folder = write_model(tmp_path)
    path = folder / {"weights": "model.safetensors", "config": "config.json"}[damage]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StudyError, match=r"model\.path: .* cannot be loaded: \S"):
        build(folder, LABELS, values(), 1)


def test_a_model_without_dropout_of_that_kind(tmp_path: Path) -> None:
    config = GPT2Config(vocab_size=30, n_embd=16, n_layer=1, n_head=2, n_positions=16)
    GPT2ForSequenceClassification(config).save_pretrained(tmp_path)
    with pytest.raises(StudyError, match="dropout: gpt2 has none of the settings"):
        build(tmp_path, LABELS, values(), 1)


def test_code_beside_a_model_is_never_run(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    settings |= {
        "model_type": "homemade",
        "auto_map": {
            "AutoConfig": "homemade.Config",
            "AutoModelForSequenceClassification": "homemade.Model",
        },
    }
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    code = f"open({str(tmp_path / 'ran')!r}, 'w').close()\n"
    (folder / "homemade.py").write_text(code, encoding="utf-8")
    with pytest.raises(StudyError, match=r"model\.path: .* cannot be loaded"):
        build(folder, LABELS, values(), 1)
    assert not (tmp_path / "ran").exists()


def test_a_gpu_takes_the_attention_that_the_model_has(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gpu:
        type = "cuda"

    monkeypatch.setattr("scripts.training.model.device", Gpu)
    monkeypatch.setattr(nn.Module, "to", lambda model, where: model)
    assert build(folders["bert"], LABELS, values(), 1).config._attn_implementation == "sdpa"
    from transformers import BertForSequenceClassification, BertPreTrainedModel

    monkeypatch.setattr(BertPreTrainedModel, "_supports_sdpa", False)
    monkeypatch.setattr(BertForSequenceClassification, "_supports_sdpa", False)
    assert build(folders["bert"], LABELS, values(), 1).config._attn_implementation == "eager"


def test_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    assert precision("fp32", CPU) == "fp32"
    assert precision("bf16", CPU) == "bf16"
    for has_amx, has_avx, expected in (
        (True, True, "bf16"),
        (True, False, "bf16"),
        (False, True, "bf16"),
        (False, False, "fp32"),
    ):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda has=has_amx: has)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda has=has_avx: has)
        assert precision("auto", CPU) == expected
        # Its masks overflow in bf16.
        assert precision("auto", CPU, "deberta") == "fp32"
    assert precision("fp32", CPU, "deberta") == "fp32"
    with pytest.raises(StudyError, match=r"^training\.precision: deberta does not compute in bf16"):
        precision("bf16", CPU, "deberta")
    with pytest.raises(StudyError, match=r"training\.precision: tf32 is a number format of GPUs"):
        precision("tf32", CPU)
    gpu = torch.device("cuda")
    assert precision("tf32", gpu) == "tf32"
    for has_bf16, expected in ((True, "bf16"), (False, "fp32")):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda has=has_bf16, **_: has)
        assert precision("auto", gpu) == expected
