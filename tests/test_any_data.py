"""Data sets of every shape: GLUE's eight tasks, files of every kind, one that has no validation."""

import csv
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from scripts import prepare, tokenise, train
from scripts.study.config import load, resolve
from scripts.study.errors import StudyError
from scripts.study.files import read_json, write_json
from scripts.training.splitting import cut_off
from scripts.views import page, results
from scripts.views.classes import classes as class_table
from tests.configs import message, small
from tests.conftest import Snakemake
from tests.fabricate import fabricate
from tests.pages import Elements, with_pictures
from tests.tiny import WORDS, make_model
from tests.training_parts import values

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ("--configfile", "config/local-csv.yaml")
# Text columns, classes and splits of GLUE's classification tasks.
PLAIN = {"train": "train", "validation": "validation", "test": "test"}
MATCHED = {"train": "train", "validation": "validation_matched", "test": "test_matched"}
GLUE: dict[str, tuple[list[str], list[str], dict[str, str]]] = {
    "cola": (["sentence"], ["unacceptable", "acceptable"], PLAIN),
    "sst2": (["sentence"], ["negative", "positive"], PLAIN),
    "mrpc": (["sentence1", "sentence2"], ["not_equivalent", "equivalent"], PLAIN),
    "qqp": (["question1", "question2"], ["not_duplicate", "duplicate"], PLAIN),
    "mnli": (["premise", "hypothesis"], ["entailment", "neutral", "contradiction"], MATCHED),
    "qnli": (["question", "sentence"], ["entailment", "not_entailment"], PLAIN),
    "rte": (["sentence1", "sentence2"], ["entailment", "not_entailment"], PLAIN),
    "wnli": (["sentence1", "sentence2"], ["not_entailment", "entailment"], PLAIN),
}


def prepared(folder: Path, source: dict[str, Any]) -> dict[str, Any]:
    """Run prepare on `source`; return what info.json holds."""
    before, sys.argv = (
        sys.argv,
        ["prepare", "--source", json.dumps(source), "--output", str(folder)],
    )
    try:
        prepare.main()
    finally:
        sys.argv = before
    return dict(read_json(folder / "info.json"))


def sentences(number: int, shift: int) -> list[str]:
    return [" ".join(WORDS[(i + shift + k) % len(WORDS)] for k in range(3)) for i in range(number)]


def glue(folder: Path, task: str) -> dict[str, Any]:
    """Write a data set of a GLUE task's form, its test split without labels; return its source."""
    texts, names, splits = GLUE[task]
    features = Features(
        {column: Value("string") for column in texts}
        | {"label": ClassLabel(names=names), "idx": Value("int32")}
    )
    files = {}
    for role, split in splits.items():
        size = 24 if role == "train" else 12
        rows: dict[str, Any] = {column: sentences(size, i) for i, column in enumerate(texts)}
        rows["label"] = [-1 if role == "test" else i % len(names) for i in range(size)]
        rows["idx"] = list(range(size))
        files[split] = str(folder / f"{split}.parquet")
        Dataset.from_dict(rows, features=features).to_parquet(files[split])
    return {
        "dataset": {"path": "parquet", "data_files": files},
        "columns": {"text": texts, "label": "label"},
        "splits": splits,
        "labels": None,
    }


@pytest.mark.parametrize("task", GLUE)
def test_the_tasks_of_glue(task: str, tmp_path: Path) -> None:
    texts, names, _ = GLUE[task]
    info = prepared(tmp_path / "data", glue(tmp_path, task))
    assert info["labels"] == names
    assert info["text_columns"] == len(texts)
    assert info["splits"]["train"]["by_class"] == [24 // len(names)] * len(names)
    assert info["splits"]["validation"]["examples"] == 12
    assert info["splits"]["test"] == {"examples": 12, "by_class": [0] * len(names)}


@pytest.mark.parametrize("task", ["cola", "mnli"])
def test_one_text_or_two_and_two_classes_or_three_are_trained(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(tmp_path / "data", glue(tmp_path, task))
    sha256 = make_model(tmp_path / "model")
    facts = {"path": str(tmp_path / "model"), "revision": None, "sha256": sha256}
    write_json(tmp_path / "data/model.json", facts)
    parts = ["--data", tmp_path / "data", "--model", tmp_path / "data/model.json"]
    parts += ["--max-seq-length", 16, "--output", tmp_path / "data/tokens/16.safetensors"]
    monkeypatch.setattr(sys, "argv", ["tokenise", *map(str, parts)])
    tokenise.main()
    document = {"hyperparameters": values(max_seq_length=16), "seed": 1, "test": True}
    write_json(tmp_path / "run/run.json", document)
    parts = ["--run", tmp_path / "run/run.json", "--tokens", tmp_path / "data/tokens"]
    parts += ["--model", tmp_path / "data/model.json", "--info", tmp_path / "data/info.json"]
    parts += ["--metric", "matthews_correlation", "--output", tmp_path / "run"]
    monkeypatch.setattr(sys, "argv", ["train", *map(str, parts)])
    train.main()
    found = read_json(tmp_path / "run/metrics.json")
    assert found["status"] == "complete"
    assert "test" not in found
    with (tmp_path / "run/predictions.csv").open(newline="") as stream:
        header = next(csv.reader(stream))
    assert sum(name.startswith("probability_") for name in header) == len(GLUE[task][1])


TEXTS = ['a "quoted" word', "NA", "12", "null", "007", "it's, well"]
LABELS = ["None", "yes", "None", "yes", "yes", "None"]


def local(folder: Path, kind: str) -> dict[str, Any]:
    """Write `TEXTS` with `LABELS` as a file of that kind with columns of its own."""
    frame = pd.DataFrame({"Review text": TEXTS, "class!": LABELS, "note": ["", "x"] * 3})
    path = folder / f"data.{kind}"
    options: dict[str, Any] = {}
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "tsv":
        path.write_text(
            "\n".join("\t".join(row) for row in [list(frame), *frame.values.tolist()]) + "\n"
        )
        options = {"delimiter": "\t", "quotechar": ""}
    elif kind == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    names = {"tsv": "csv", "jsonl": "json"}
    files = {"train": str(path), "validation": str(path)}
    return {
        "dataset": {"path": names.get(kind, kind), "data_files": files, **options},
        "columns": {"text": ["Review text"], "label": "class!"},
        "splits": {"train": "train", "validation": "validation", "test": None},
        "labels": None,
    }


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_files_of_every_kind_say_the_same(kind: str, tmp_path: Path) -> None:
    info = prepared(tmp_path / "data", local(tmp_path, kind))
    assert info["labels"] == ["None", "yes"]
    frame = pd.read_parquet(tmp_path / "data/train.parquet")
    assert frame["text_a"].tolist() == TEXTS
    assert frame["label"].tolist() == [0, 1, 0, 1, 1, 0]


def test_an_empty_cell_is_a_missing_text(tmp_path: Path) -> None:
    source = local(tmp_path, "csv")
    (tmp_path / "data.csv").write_text("Review text,class!\na,1\n,0\nb,0\n")
    with pytest.raises(StudyError, match="row 2 of the train split has nothing in 'Review text'"):
        prepared(tmp_path / "data", source)


def columns(labels: Sequence[int]) -> dict[str, list[Any]]:
    return {"text_a": [f"text {i}" for i in range(len(labels))], "label": list(labels)}


@given(
    counts=st.lists(st.integers(4, 30), min_size=2, max_size=4),
    share=st.sampled_from([0.25, 0.3, 0.5]),
    seed=st.integers(0, 5),
)
@example(counts=[4, 13], share=0.3, seed=0)
@hypothesis_settings(deadline=None, max_examples=40)
def test_what_is_cut_off_has_each_class_in_proportion(
    counts: list[int], share: float, seed: int
) -> None:
    labels = [index for index, count in enumerate(counts) for _ in range(count)][::-1]
    whole = columns(labels)
    train_split, validation = cut_off(whole, share, seed, list("abcd"))
    assert sorted(train_split["text_a"] + validation["text_a"]) == sorted(whole["text_a"])
    for part in (train_split, validation):
        places = [int(text.removeprefix("text ")) for text in part["text_a"]]
        assert places == sorted(places)
        assert [labels[place] for place in places] == part["label"]
    held = math.ceil(share * len(labels))
    assert len(validation["label"]) == held
    for index, count in Counter(labels).items():
        # Of the examples that are held out, whose number is rounded up, and not of the share.
        assert abs(validation["label"].count(index) - held * count / len(labels)) < 1
    assert (train_split, validation) == cut_off(whole, share, seed, list("abcd"))


def test_the_seed_says_what_is_cut_off() -> None:
    whole = columns([0, 1] * 20)
    assert cut_off(whole, 0.25, 1, ["a", "b"]) != cut_off(whole, 0.25, 2, ["a", "b"])


@pytest.mark.parametrize(
    ("labels", "share", "words"),
    [([0, 0, 0, 1], 0.5, "class b has one example"), ([0, 1] * 10, 0.01, "fewer examples than")],
)
def test_what_cannot_be_cut_is_told(labels: list[int], share: float, words: str) -> None:
    with pytest.raises(StudyError, match=f"splits.validation_share: .*{words}"):
        cut_off(columns(labels), share, 1, ["a", "b"])


def test_a_study_without_a_validation_split(tmp_path: Path) -> None:
    source = local(tmp_path, "csv")
    source["splits"] = {"train": "train", "validation": None, "validation_share": 0.5, "test": None}
    info = prepared(tmp_path / "one", source | {"seed": 3})
    assert {role: split["by_class"] for role, split in info["splits"].items()} in (
        {"train": [1, 2], "validation": [2, 1]}, {"train": [2, 1], "validation": [1, 2]},
    )  # fmt: skip
    assert prepared(tmp_path / "two", source | {"seed": 3}) == info
    names = ("train.parquet", "validation.parquet")
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    others = {prepared(tmp_path / "x", source | {"seed": seed})["fingerprint"] for seed in range(6)}
    assert len(others) > 1


def config(**splits: Any) -> dict[str, Any]:
    path = str(ROOT / "config/local-csv/reviews.csv")
    dataset = {"path": "csv", "data_files": {"train": path}}
    return {**small(), "dataset": dataset, "columns": {"text": ["review"]}, "splits": splits}


def test_the_share_stands_for_the_validation_split() -> None:
    study = resolve(config(validation_share=0.25))
    assert study["splits"] == {
        "train": "train", "validation": None, "validation_share": 0.25, "test": None,
    }  # fmt: skip
    assert resolve(study) == study
    text = message(config(validation_share=0.25, validation="train[:10%]"))
    assert "splits.validation_share: 0.25 does not go with splits.validation" in text
    assert "splits.validation_share: 0.1 cuts one off" in message(config())
    for wrong in (0, 1, 1.5, "a"):
        assert f"splits.validation_share: {wrong!r} is not" in message(
            config(validation_share=wrong)
        )


@pytest.mark.parametrize(
    ("name", "metric", "texts", "validation"),
    [
        ("sst2", "accuracy", ["sentence"], "validation"),
        ("cola", "matthews_correlation", ["sentence"], "validation"),
        ("mnli", "accuracy", ["premise", "hypothesis"], "validation_matched"),
        ("local-csv", "f1", ["review"], None),
    ],
)
def test_the_examples(
    name: str, metric: str, texts: list[str], validation: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(ROOT)
    study = load(f"config/{name}.yaml")
    assert study["study"] == name
    assert study["objective"]["metric"] == metric
    assert study["columns"]["text"] == texts
    assert study["splits"]["validation"] == validation
    if name in GLUE:
        assert study["labels"] == GLUE[name][1]


def test_the_local_example_is_planned_and_prepared(
    tmp_path: Path, snakemake: Snakemake, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert re.search(r"^train +\d+$", snakemake("-n", *EXAMPLE).stdout, re.MULTILINE)
    monkeypatch.chdir(ROOT)
    study = load(EXAMPLE[1])
    keys = ("dataset", "columns", "splits", "labels", "seed")
    info = prepared(tmp_path / "data", {key: study[key] for key in keys})
    assert info["splits"] == {
        "train": {"examples": 120, "by_class": [21, 36, 63]},
        "validation": {"examples": 40, "by_class": [7, 12, 21]},
    }


def test_the_report_shows_the_classes(tmp_path: Path) -> None:
    found = results.load(with_pictures(fabricate(tmp_path)))
    table = class_table(found)
    assert table is not None
    assert table["rows"][0] == (
        "equivalent", [("378 (59.1%)", 378), ("189 (59.1%)", 189), ("191 (59.7%)", 191)],
    )  # fmt: skip
    assert table["words"].endswith("equivalent is 1.44 times as common as not_equivalent.")
    assert "1.44 times as common" in Elements(page.render(found)).text


@pytest.mark.parametrize(
    ("by_class", "words", "rows"),
    [
        ([50, 50], "All classes are equally common", 2),
        ([90, 10], "accuracy mostly tells of the common ones", 2),
        ([90, 0, 10], "no example of 1 class, such as class 1", 3),
        ([1 + i for i in range(50)], "50 times as common", 20),
    ],
)
def test_imbalance_is_told(tmp_path: Path, by_class: list[int], words: str, rows: int) -> None:
    path = fabricate(tmp_path)
    info = read_json(tmp_path / "data/info.json")
    info["labels"] = [f"class {i}" for i in range(len(by_class))]
    info["splits"] = {"train": {"examples": sum(by_class), "by_class": by_class}}
    write_json(tmp_path / "data/info.json", info)
    table = class_table(results.load(path))
    assert table is not None
    assert words in table["words"]
    assert (len(table["rows"]), table["left_out"]) == (rows, len(by_class) - rows)
    write_json(tmp_path / "data/info.json", {})
    assert class_table(results.load(path)) is None
