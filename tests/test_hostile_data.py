"""Data that people, exports and attackers hand over: kept as they are, or refused by file, row."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scripts import prepare
from scripts.study.errors import StudyError

SCRIPT = "<script>alert(1)</script>\"'&{{ 7 * 7 }}${HOME}`id`;$(touch pwned)"
TEXTS = {
    "long": "word " * 20_000,
    "null bytes": "a\x00b",
    "html": SCRIPT,
    "right to left": "مرحبا \u202eevil\u202c עולם",
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "control": "\x1b[2J\x07\r\n\t",
    "byte order mark": "\ufefftext",
    "formula": '=cmd|"/c calc"!A1',
    "empty": "",
    "a word that means missing": "NA",
}


# What a CSV file cannot say.
CSV_HAS_NOT = {"empty": "an empty cell is a missing one"}


def prepared(folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str, **changes: Any) -> Path:
    """Run the command on train.<kind> and validation.<kind> in the folder; return its output."""
    files = {role: str(folder / f"{role}.{kind}") for role in ("train", "validation")}
    source = {
        "dataset": {"path": {"jsonl": "json"}.get(kind, kind), "data_files": files, **changes},
        "columns": {"text": ["one"], "label": "label"},
        "splits": {"train": "train", "validation": "validation", "test": None},
        "labels": None,
    }
    output = folder / "data"
    monkeypatch.setattr(
        sys, "argv", ["prepare", "--source", json.dumps(source), "--output", str(output)]
    )
    prepare.main()
    return output


def write(path: Path, texts: list[str], labels: list[Any]) -> None:
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
            writer.writerows([("one", "label"), *zip(texts, labels, strict=True)])
        return
    lines = [
        json.dumps({"one": text, "label": label}, ensure_ascii=False)
        for text, label in zip(texts, labels, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_text_stays_what_it_is(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "csv" and name in CSV_HAS_NOT:
        pytest.skip(CSV_HAS_NOT[name])
    monkeypatch.chdir(tmp_path)
    texts = ["plain", TEXTS[name], "plain too"]
    for role in ("train", "validation"):
        write(tmp_path / f"{role}.{kind}", texts, ["a", "b", "a"])
    folder = prepared(tmp_path, monkeypatch, kind)
    assert pd.read_parquet(folder / "train.parquet")["text_a"].tolist() == texts
    assert not (tmp_path / "pwned").exists()


def test_hostile_classes_are_names_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for role in ("train", "validation"):
        write(tmp_path / f"{role}.jsonl", ["a", "b"], [SCRIPT, "../../outside"])
    info = json.loads((prepared(tmp_path, monkeypatch, "jsonl") / "info.json").read_text())
    assert sorted(info["labels"]) == sorted([SCRIPT, "../../outside"])
    assert {path.name for path in tmp_path.iterdir()} == {
        *("train.jsonl", "validation.jsonl", "data")
    }


def test_repeated_rows_are_kept_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "train.jsonl", ["same"] * 4 + ["other"], ["a"] * 4 + ["b"])
    write(tmp_path / "validation.jsonl", ["same"], ["a"])
    info = json.loads((prepared(tmp_path, monkeypatch, "jsonl") / "info.json").read_text())
    assert info["splits"]["train"] == {"examples": 5, "by_class": [4, 1]}
    assert info["splits"]["validation"] == {"examples": 1, "by_class": [1, 0]}


@pytest.mark.parametrize(
    ("texts", "labels", "words"),
    [
        (["x"], ["a"], "'label' has one class only in the train split (a)"),
        (["x", "y"], ["a", "a"], "'label' has one class only in the train split (a)"),
        (
            ["x", None],
            ["a", "b"],
            "row 2 of the train split has nothing in 'one'; a text is needed",
        ),
        (["x", "y"], ["a", None], "row 2 of the train split has nothing in 'label'"),
    ],
)
def test_what_is_refused_is_named_by_file_row_and_column(
    texts: list[Any],
    labels: list[Any],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(tmp_path / "train.jsonl", texts, labels)
    write(tmp_path / "validation.jsonl", ["x", "y"], ["a", "a"])
    with pytest.raises(StudyError) as caught:
        prepared(tmp_path, monkeypatch, "jsonl")
    assert words in str(caught.value)
    assert str(caught.value).endswith(f"\n  that split is of {tmp_path / 'train.jsonl'}")


def test_the_file_is_that_of_the_split_at_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the message speaks of another split too."""
    write(tmp_path / "train.jsonl", ["x", "y"], ["a", "b"])
    write(tmp_path / "validation.jsonl", ["x", "y"], ["a", "c"])
    with pytest.raises(StudyError, match="row 2 of the validation split has 'c'") as caught:
        prepared(tmp_path, monkeypatch, "jsonl")
    assert str(caught.value).endswith("validation.jsonl")


@pytest.mark.parametrize(
    "content",
    [b"one,label\nna\xefve,a\nx,b\n", b"\xff\xfeo\x00n\x00e\x00", b"", b"\x00" * 100],
    ids=["latin-1", "utf-16", "empty", "zeros"],
)
def test_a_file_in_another_encoding_or_of_nothing_is_named(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "train.csv").write_bytes(content)
    (tmp_path / "validation.csv").write_text("one,label\nx,a\ny,b\n")
    with pytest.raises(StudyError) as caught:
        prepared(tmp_path, monkeypatch, "csv")
    assert str(tmp_path / "train.csv") in str(caught.value)
    assert str(caught.value).count("\n") <= 1


def test_the_encoding_that_the_config_names_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for role in ("train", "validation"):
        (tmp_path / f"{role}.csv").write_bytes("one,label\nnaïve,a\nx,b\n".encode("latin-1"))
    folder = prepared(tmp_path, monkeypatch, "csv", encoding="latin-1")
    assert pd.read_parquet(folder / "train.parquet")["text_a"].tolist() == ["naïve", "x"]
