"""Examples in JSON files are what is written there; what does not fit is named by file and line."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.study.errors import StudyError
from scripts.training.data import load, standardise

COLUMNS = {"text": ["one"], "label": "label"}


def read(file: Path, content: str | bytes, **options: str) -> Any:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    dataset = {"path": "json", "data_files": {"train": str(file)}, **options}
    return load(dataset, "train", ["one", "label"])


def lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize("content", ["null", "\n 1\n", '"text"', "[1]", '{"one": "a"} 7'])
def test_json_that_holds_no_examples(tmp_path: Path, content: str) -> None:
    with pytest.raises(StudyError, match=r"is no example, which names its columns: \{"):
        read(tmp_path / "a.json", content)


def test_json_in_two_encodings_is_named_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    with pytest.raises(StudyError, match=rf"^dataset: {file}, line 2: not utf-8"):
        read(file, b'{"one": "a", "label": 0}\n{"one": "na\xefve", "label": 1}\n')


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ('{"one": "a", "label": 0}\n\n {"label": 1, "one": "b", "more": [1]}', {}),
        ('[{"one": "a", "label": 0},\n{"one": "b", "label": 1}]', {}),
        ('{\n"one": "a",\n"label": 0}{\n"one": "b",\n"label": 1}', {}),
        ('\ufeff{"x": [{"one": "a", "label": 0}, {"one": "b", "label": 1}]}', {"field": "x"}),
        ('{"x": {"one": ["a", "b"], "label": [0, 1]}, "y": 1}', {"field": "x"}),
        ('{"x": {"one": {"0": "a", "1": "b"}, "label": {"0": 0, "1": 1}}}', {"field": "x"}),
    ],
)
def test_each_way_to_write_examples(tmp_path: Path, content: str, options: dict[str, str]) -> None:
    loaded = read(tmp_path / "a.json", content, **options)
    assert (loaded["one"][:], loaded["label"][:]) == (["a", "b"], [0, 1])


def test_texts_stay_as_they_are_written(tmp_path: Path) -> None:
    texts = ["2024-01-01", "2024-01-02T00:00:00Z", "1e5", "", 'a "quoted" word', "\u202eabc\n", "x"]
    labels = [9007199254740993, 9007199254740992, 5, 5, None, 5, 5.0]
    rows = [{"one": text, "label": label} for text, label in zip(texts, labels, strict=True)]
    loaded = {"train": read(tmp_path / "a.jsonl", lines(*rows[:4], *rows[5:]))}
    splits, classes = standardise({**loaded, "validation": loaded["train"]}, COLUMNS, None)
    assert splits["train"]["text_a"] == texts[:4] + texts[5:]
    assert classes == ["5", "9007199254740992", "9007199254740993"]
    loaded = {"train": read(tmp_path / "a.jsonl", lines(*rows))}
    with pytest.raises(StudyError, match="row 5 of the train split has nothing in 'label'"):
        standardise({**loaded, "validation": loaded["train"]}, COLUMNS, None)


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({"one": 5}, "'one' has 5, a number, and in .*line 1 it has a text; a column holds one"),
        ({"one": {"a": 1}}, "'one' has .*, a mapping, and in .*, line 1 it has a text"),
        ({"one": ["a", "b"]}, "'one' has .*, a list, and in .*, line 1 it has a text"),
        ({"label": 5}, "'label' has 5, a number, and in .*, line 1 it has a text"),
        ({"label": True}, "'label' has true, true or false, and in .*, line 1 it has a text"),
        ({"one": "\ud800"}, "'one' holds half a character"),
    ],
)
def test_a_cell_of_another_kind_is_named_in_large_files_too(
    tmp_path: Path, odd: dict[str, Any], words: str
) -> None:
    """The reader of datasets looks at 10 MB at a time."""
    row = {"one": 'a "quoted" word ' * 12, "label": "x"}
    text = lines(row) * 50_000
    assert len(text) > 12_000_000
    file = tmp_path / "a.jsonl"
    with pytest.raises(StudyError, match=f"^dataset: {file}, line 50001: {words}"):
        read(file, text + lines({**row, **odd}) + text[:1000].splitlines()[0])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lines({"one": "a"}) * 3 + '{"one": "a"\n', r"line 5: not valid JSON \(Expecting ',' del"),
        (
            '\n{"one": "a", "label": 0, "label": 1}',
            r"line 2: not valid JSON \(the key 'label' stands",
        ),
        (lines({"one": "a"}) * 3 + "oops\n", r"line 4: not valid JSON \(Expecting value\)"),
        ("\n\n" + "[" * 100_000, r"line 3: not valid JSON \(nested too deeply\)"),
        ('{"label": ' + "9" * 5_000 + "}", r"line 1: not valid JSON \(a huge number\)"),
        (
            '{"label": 12345678901234567890}',
            "line 1: 'label' has 1.*, a number beyond 64 bits; put it in q",
        ),
        ('[{"one": "a"}, {"one": 1}]', "example 2: 'one' has 1, a number, and in .*, example 1 it"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_line(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "a.json"
    with pytest.raises(StudyError, match=f"^dataset: {file}, {words}"):
        read(file, content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"a": [], "b": 1}', r"'x' is not in .*a\.json; it has a, b"),
        ("[1]", r"'x' is not in .*a\.json; it has \[1\]"),
        (
            '{"x": {"one": ["a"], "label": [0, 1]}}',
            "is neither a list of examples nor a",
        ),
        ('{"x": {"one": "a"}}', "is neither a list of examples nor a"),
        ('{"x": 7}', "line 1: 7 is no example"),
    ],
)
def test_a_field_that_holds_no_examples(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(StudyError, match=words):
        read(tmp_path / "a.json", content, field="x")


def test_files_of_one_split_hold_one_kind(tmp_path: Path) -> None:
    (tmp_path / "1.jsonl").write_text(lines({"one": "a", "label": "x"}))
    (tmp_path / "2.jsonl").write_text(lines({"one": "b", "label": 0}))
    dataset = {"path": "json", "data_files": {"train": str(tmp_path / "*.jsonl")}}
    with pytest.raises(StudyError, match=r"2\.jsonl, line 1: 'label' has 0, .*1\.jsonl, line 1"):
        load(dataset, "train", ["one", "label"])
    assert load(dataset, "train", ["one"])["one"][:] == ["a", "b"]


def test_a_missing_column_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    loaded = {"train": read(tmp_path / "a.jsonl", lines({"first": "a", "label": 0, "z": 1}))}
    with pytest.raises(StudyError, match="'one' is not in the train split; it has first, label, z"):
        standardise({**loaded, "validation": loaded["train"]}, COLUMNS, None)


@pytest.mark.parametrize("label", [["x"], {"a": 1}])
def test_labels_of_a_test_split_that_are_no_labels(tmp_path: Path, label: object) -> None:
    train = read(tmp_path / "a.jsonl", lines(*({"one": "a", "label": one} for one in "xy")))
    test = read(tmp_path / "b.jsonl", lines({"one": "a", "label": label}))
    with pytest.raises(StudyError, match=r"row 1 of the test split has .* in 'label'"):
        standardise({"train": train, "validation": train, "test": test}, COLUMNS, None)


def test_what_the_readme_of_a_folder_says_holds(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(
        "---\ndataset_info:\n  features:\n  - name: one\n    dtype: string\n  - name: label\n"
        "    dtype:\n      class_label:\n        names:\n          '0': neg\n          '1': pos\n"
        "  - name: idx\n    dtype: int32\n---\n"
    )
    rows = [{"one": f"2024-01-0{n}", "label": n % 2, "idx": n} for n in range(1, 5)]
    (tmp_path / "train.jsonl").write_text(lines(*rows))
    loaded = {"train": load({"path": str(tmp_path)}, "train", ["one", "label"])}
    splits, classes = standardise({**loaded, "validation": loaded["train"]}, COLUMNS, None)
    assert splits["train"]["text_a"] == [row["one"] for row in rows]
    assert (splits["train"]["label"], classes) == ([1, 0, 1, 0], ["neg", "pos"])
    with pytest.raises(StudyError, match=r"there is no split 'dev' in '.*'; there is train$"):
        load({"path": str(tmp_path)}, "dev", ["one", "label"])


def test_nan_is_a_missing_cell(tmp_path: Path) -> None:
    text = '{"one": NaN, "label": 0}\n{"one": "b", "label": 1}\n'
    loaded = {"train": read(tmp_path / "a.jsonl", text)}
    with pytest.raises(StudyError, match="row 1 of the train split has nothing in 'one'"):
        standardise({**loaded, "validation": loaded["train"]}, COLUMNS, None)


def test_a_folder_for_temporary_files_may_have_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "[mine]"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    assert read(tmp_path / "a.jsonl", lines({"one": "a", "label": 0}))["one"][:] == ["a"]
