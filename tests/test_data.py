"""Data of many forms come to one form; a mistake in them is named by split, row and column."""

import csv
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import ClassLabel, Dataset
from datasets.arrow_writer import ArrowWriter

from scripts import prepare
from scripts.study.errors import StudyError
from scripts.study.files import read_json
from scripts.training.data import fingerprint, load, standardise
from scripts.training.metrics import score
from scripts.training.tokens import UNLABELLED
from tests.tiny import make_data

PAIR = {"text": ["one", "two"], "label": "label"}
SINGLE = {"text": ["one"], "label": "label"}
Rows = list[dict[str, Any]]


def rows(labels: Sequence[Any]) -> Rows:
    return [{"one": f"a{i}", "two": f"b{i}", "label": label} for i, label in enumerate(labels)]


def splits(
    train: Sequence[Any], validation: Sequence[Any] = (), test: Sequence[Any] | None = None
) -> dict[str, Dataset]:
    """Return data sets with these labels; validation repeats train unless given."""
    roles = {"train": train, "validation": validation or train, "test": test}
    return {
        role: Dataset.from_list(rows(labels))
        for role, labels in roles.items()
        if labels is not None
    }


def write(path: Path, lines: Rows) -> str:
    if path.suffix == ".csv":
        stream = io.StringIO()
        writer = csv.DictWriter(stream, lines[0])
        writer.writeheader()
        writer.writerows(lines)
        path.write_text(stream.getvalue(), encoding="utf-8")
    elif path.suffix == ".parquet":
        pd.DataFrame(lines).to_parquet(path)
    else:
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("kind", ["json", "csv", "parquet"])
def test_local_files_are_read(tmp_path: Path, kind: str) -> None:
    files = {
        "train": write(tmp_path / f"train.{kind}", rows([0, 1, 1])),
        "test": write(tmp_path / f"test.{kind}", rows([1, 0])),
    }
    source = {"path": kind, "data_files": files, "revision": None}
    loaded = {role: load(source, role) for role in files}
    loaded["validation"] = load(source, "train[1:]")
    found, classes = standardise(loaded, PAIR, None)
    assert classes == ["0", "1"]
    assert found["train"] == {
        "text_a": ["a0", "a1", "a2"],
        "text_b": ["b0", "b1", "b2"],
        "label": [0, 1, 1],
    }
    assert found["validation"]["text_a"] == ["a1", "a2"]
    assert found["test"]["label"] == [1, 0]


def test_a_file_that_changed_is_read_anew(tmp_path: Path) -> None:
    path = write(tmp_path / "train.json", rows([0, 1]))
    source = {"path": "json", "data_files": {"train": path}}
    assert load(source, "train")["label"][:] == [0, 1]
    write(tmp_path / "train.json", rows([1, 1]))
    assert load(source, "train")["label"][:] == [1, 1]


@pytest.mark.parametrize(
    ("content", "split", "message"),
    [
        (
            '{"one": "a"',
            "train",
            r"train\.json, line 1: not valid JSON \(Expecting ','",
        ),
        ("", "train", r"train\.json: no example in it"),
        (
            '{"one": "a"}\n',
            "test",
            r"no split 'test' in 'json'; there is train; splits\.test: null where there is none",
        ),
        (
            '{"one": "a"}\n',
            "validation",
            r"no split 'validation' in 'json'; there is train; splits\.validation_share: 0\.1 cuts",
        ),
        (None, "train", r"cannot be loaded: Unable to find .*train\.json"),
    ],
    ids=["damaged", "empty", "no test", "no validation", "no such file"],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, content: str | None, split: str, message: str
) -> None:
    path = tmp_path / "train.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(StudyError, match=message):
        load({"path": "json", "data_files": {"train": str(path)}}, split)


def test_one_text_column() -> None:
    found, _ = standardise(splits([0, 1]), SINGLE, None)
    assert found["train"].keys() == {"text_a", "label"}


@pytest.mark.parametrize(
    ("labels", "names", "classes", "indices"),
    [
        ([1, 0, 1], None, ["0", "1"], [1, 0, 1]),
        ([1, 0, 1], ["no", "yes"], ["no", "yes"], [1, 0, 1]),
        (["yes", "no", "yes"], None, ["no", "yes"], [1, 0, 1]),
        (["yes", "no", "yes"], ["yes", "no"], ["yes", "no"], [0, 1, 0]),
        (["1", "0", "1"], ["no", "yes"], None, None),
        ([-1, 1, -1], None, ["-1", "1"], [0, 1, 0]),
        ([5, 1, 3], None, ["1", "3", "5"], [2, 0, 1]),
        ([0, 4, 0], None, ["0", "4"], [0, 1, 0]),
        ([True, False, True], None, ["False", "True"], [1, 0, 1]),
        ([1.0, 0.0, 1.0], None, ["0", "1"], [1, 0, 1]),
        ([2, 0, 1], None, ["0", "1", "2"], [2, 0, 1]),
    ],
)
def test_labels_of_every_kind(
    labels: list[Any], names: list[str] | None, classes: list[str] | None, indices: list[int] | None
) -> None:
    if classes is None:
        with pytest.raises(StudyError, match="row 1 of the train split has '1' in 'label'"):
            standardise(splits(labels), PAIR, names)
        return
    found, known = standardise(splits(labels), PAIR, names)
    assert known == classes
    assert found["train"]["label"] == indices
    assert all(type(label) is int for label in found["train"]["label"])


@pytest.mark.parametrize("labels", [["a", "b", "a"], [0, 1, 0]])
def test_a_class_that_nothing_is_of(labels: list[Any]) -> None:
    with pytest.raises(StudyError, match=r"labels\[2\]: no example of the train split is 'c'"):
        standardise(splits(labels), PAIR, ["a", "b", "c"])


def test_the_data_sets_own_class_names() -> None:
    loaded = splits([1, 0], test=[-1, -1])
    kind = ClassLabel(names=["different", "same"])
    loaded = {role: data.cast_column("label", kind) for role, data in loaded.items()}
    found, classes = standardise(loaded, PAIR, None)
    assert classes == ["different", "same"]
    assert found["train"]["label"] == [1, 0]
    assert found["test"]["label"] == [UNLABELLED] * 2
    assert standardise(loaded, PAIR, ["no", "yes"])[1] == ["no", "yes"]


@pytest.mark.parametrize("labels", [[None, None], [-1, -1], [float("nan")] * 2])
def test_a_test_split_without_labels(labels: list[Any]) -> None:
    found, _ = standardise(splits([0, 1], test=labels), PAIR, None)
    assert found["test"]["label"] == [UNLABELLED, UNLABELLED]


def test_a_test_split_without_a_label_column(tmp_path: Path) -> None:
    loaded = splits([0, 1], test=[0, 0])
    loaded["test"] = loaded["test"].remove_columns("label")
    assert standardise(loaded, PAIR, None)[0]["test"]["label"] == [UNLABELLED] * 2
    # The same from files, of which one has a column less than the other.
    for kind in ("json", "csv"):
        unlabelled = [{"one": "a", "two": "b"}]
        files = {
            "train": write(tmp_path / f"train.{kind}", rows(["x", "y"])),
            "test": write(tmp_path / f"test.{kind}", unlabelled),
        }
        read = {role: load({"path": kind, "data_files": files}, role) for role in files}
        assert standardise(read, PAIR, None)[0]["test"]["label"] == [UNLABELLED]


def with_text(value: Any) -> dict[str, Dataset]:
    loaded = splits([0, 1])
    lines = rows([0, 1])
    lines[1]["two"] = value
    loaded["validation"] = Dataset.from_list(lines)
    return loaded


def without(column: str, role: str) -> dict[str, Dataset]:
    loaded = splits([0, 1], test=[0, 1])
    return {**loaded, role: loaded[role].remove_columns(column)}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: with_text(None),
            "columns.text: row 2 of the validation split has nothing in 'two'; a text is needed",
        ),
        (
            lambda: without("two", "test"),
            "columns: 'two' is not in the test split; it has one, label",
        ),
        (
            lambda: without("label", "validation"),
            "columns: 'label' is not in the validation split; it has one, two",
        ),
        (
            lambda: splits([0, 1, 2], validation=[0, 3]),
            "columns.label: row 2 of the validation split has 3 in 'label'; "
            "it should be a class of the train split or of labels: 0, 1, 2",
        ),
        (
            lambda: splits(["a", "b"], validation=["a", "B"]),
            "row 2 of the validation split has 'B'",
        ),
        (lambda: splits([0, None, 1]), "columns.label: row 2 of the train split has nothing"),
        (lambda: splits([0, 1], test=[0, None]), "row 2 of the test split has nothing"),
        (lambda: splits([0, 1], test=[-1, 1]), "row 1 of the test split has -1"),
        (
            lambda: splits([1, 1]),
            "columns.label: 'label' has one class only in the train split (1)",
        ),
        (lambda: splits([3.5, 1.0]), "columns.label: row 1 of the train split has 3.5 in 'label'"),
        (lambda: splits([[1], [0]]), "columns.label: row 1 of the train split has [1] in 'label'"),
        (
            lambda: {**splits([0, 1]), "validation": Dataset.from_list(rows([0])).select([])},
            "splits.validation: the split has no examples",
        ),
    ],
)
def test_mistakes_in_the_data(make: Callable[[], Mapping[str, Dataset]], message: str) -> None:
    with pytest.raises(StudyError) as raised:
        standardise(make(), PAIR, None)
    assert message in str(raised.value)
    assert len(str(raised.value)) < 400


def test_a_mistake_among_many_classes_is_still_short() -> None:
    names = [f"class-{i:04d}" for i in range(1000)]
    with pytest.raises(StudyError) as raised:
        standardise(splits(names, validation=["?"]), PAIR, None)
    assert len(str(raised.value)) < 400


def test_numbers_are_no_texts() -> None:
    loaded = splits([0, 1])
    loaded["train"] = loaded["train"].remove_columns("one").add_column("one", [7, 8])
    with pytest.raises(StudyError, match="row 1 of the train split has 7 in 'one'"):
        standardise(loaded, PAIR, None)


def test_the_fingerprint_sees_every_text_label_and_class() -> None:
    def of(labels: list[int], names: list[str] | None = None, text: str = "a0") -> str:
        loaded = splits(labels)
        lines = rows(labels)
        lines[0]["one"] = text
        loaded["train"] = Dataset.from_list(lines)
        return fingerprint(*standardise(loaded, PAIR, names))

    base = of([0, 1])
    assert base == of([0, 1])
    assert len({base, of([1, 0]), of([0, 1], ["no", "yes"]), of([0, 1], text="a0 ")}) == 4
    moved: dict[str, Any] = {"train": {"text_a": ["ab", "c"], "label": [0, 1]}}
    other: dict[str, Any] = {"train": {"text_a": ["a", "bc"], "label": [0, 1]}}
    assert fingerprint(moved, ["0", "1"]) != fingerprint(other, ["0", "1"])


def source(folder: Path, **changes: Any) -> str:
    files = {role: str(folder / f"{role}.jsonl") for role in ("train", "validation", "test")}
    return json.dumps(
        {
            "dataset": {"path": "json", "data_files": files},
            "columns": {"text": ["sentence1", "sentence2"], "label": "label"},
            "splits": {"train": "train", "validation": "validation", "test": "test"},
            "labels": None,
            **changes,
        }
    )


def run(monkeypatch: pytest.MonkeyPatch, text: str, output: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["prepare", "--source", text, "--output", str(output)])
    prepare.main()


def test_the_command_writes_the_data_and_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_data(tmp_path, {"train": 30, "validation": 12, "test": 6})
    run(monkeypatch, source(tmp_path, labels=["no", "yes"]), tmp_path / "data")
    info = read_json(tmp_path / "data/info.json")
    frame = pd.read_parquet(tmp_path / "data/validation.parquet")
    assert list(frame.columns) == ["text_a", "text_b", "label"]
    assert len(frame) == 12
    assert info["labels"] == ["no", "yes"]
    assert info["text_columns"] == 2
    assert info["splits"]["train"]["examples"] == 30
    assert sum(info["splits"]["train"]["by_class"]) == 30
    assert info["splits"]["validation"]["by_class"][1] == frame["label"].sum()
    assert info["majority_class"] == "yes"
    assert info["majority"] == score([1] * 12, frame["label"].tolist(), 2)
    first = (tmp_path / "data/train.parquet").read_bytes()
    run(monkeypatch, source(tmp_path, labels=["no", "yes"]), tmp_path / "again")
    assert (tmp_path / "again/train.parquet").read_bytes() == first
    assert read_json(tmp_path / "again/info.json") == info


def test_a_split_that_the_study_has_no_more_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_data(tmp_path, {"train": 30, "validation": 12, "test": 6})
    run(monkeypatch, source(tmp_path), tmp_path / "data")
    assert (tmp_path / "data/test.parquet").exists()
    splits = {"train": "train", "validation": "validation", "test": None}
    run(monkeypatch, source(tmp_path, splits=splits), tmp_path / "data")
    assert sorted(path.name for path in (tmp_path / "data").glob("*.parquet")) == [
        "train.parquet",
        "validation.parquet",
    ]


def test_another_revision_than_the_pinned_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the hub does not answer, datasets takes whatever revision it kept last."""
    cache = tmp_path / "cache"
    folder = cache / "some___data/default/0.0.0" / ("a" * 40)
    made = Dataset.from_list(rows([0, 1, 1]))
    folder.mkdir(parents=True)
    with ArrowWriter(path=str(folder / "data-train.arrow"), features=made.features) as writer:
        for row in made:
            writer.write(row)
        examples, size = writer.finalize()
    splits = {"train": {"name": "train", "num_bytes": size, "num_examples": examples}}
    info = {"config_name": "default", "features": made.features.to_dict(), "splits": splits}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    dataset = {"path": "some/data", "cache_dir": str(cache)}
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    assert load({**dataset, "revision": "a" * 40}, "train")["label"] == [0, 1, 1]
    with pytest.raises(StudyError) as caught:
        load({**dataset, "revision": "b" * 40}, "train")
    message = str(caught.value)
    assert message.startswith(f"dataset.revision: {'b' * 40} of 'some/data' could not be had")
    assert "a" * 40 in message


def test_a_study_without_a_test_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_data(tmp_path, {"train": 30, "validation": 12, "test": 6})
    text = source(tmp_path, splits={"train": "train", "validation": "validation", "test": None})
    run(monkeypatch, text, tmp_path / "data")
    assert read_json(tmp_path / "data/info.json")["splits"].keys() == {"train", "validation"}
    assert not (tmp_path / "data/test.parquet").exists()
    with pytest.raises(StudyError, match="--source: not JSON"):
        run(monkeypatch, "{", tmp_path / "data")
