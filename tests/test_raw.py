"""Rows and files that `datasets` would bend or die of are named by file and line."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from scripts.study.errors import StudyError
from scripts.training.data import load, standardise
from scripts.training.raw import check

COLUMNS = {"text": ["one"], "label": "label"}


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (b"one,label\nHello, world,1\nBye,0\n", {}, "line 2: 3 cells where there are 2 columns"),
        (b"one,label\nBye,0\nHello, world,1\n", {}, "line 3: 3 cells where there are 2 columns"),
        (b'one,label\n"a\nb",1\nHello, world,1\n', {}, "line 4: 3 cells where there are 2"),
        (
            b'one,label\n"he said "hi" to me",1\n',
            {},
            r"line 2: not valid CSV \(',' expected after '\"'\)",
        ),
        (
            b'one,label\nBye,0\n"never closed,1\n',
            {},
            r"line 3: not valid CSV \(unexpected end of data\)",
        ),
        (b"one\tlabel\na\tb\tc\n", {"delimiter": "\t", "quotechar": ""}, "line 2: 3 cells"),
        (b"a,b,1\n", {"column_names": ["one", "label"]}, "line 1: 3 cells where there are 2"),
        ("one,label\nna\u00efve,1\n".encode("latin-1"), {}, r"line 2: not utf-8 \(invalid cont"),
        (b"one,label\n\xff,1\n", {"encoding": "ascii"}, "line 2: not ascii"),
    ],
)
def test_csv_that_does_not_fit(
    tmp_path: Path, content: bytes, options: dict[str, Any], words: str
) -> None:
    file = tmp_path / "train.csv"
    file.write_bytes(content)
    dataset = {"path": "csv", "data_files": {"train": str(file)}, **options}
    with pytest.raises(StudyError, match=f"^dataset: {file}, {words}"):
        load(dataset, "train", ["one"])


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (b'\xef\xbb\xbf"one","label"\r\n"a, b",1\r\n\r\n"c ""d""",0\r\n', {}),
        (b'one\tlabel\nshe said "a\t1\n"b\t0\n', {"delimiter": "\t", "quotechar": ""}),
        ("one,label\n\u00e9,1\n".encode("utf-16"), {"encoding": "utf-16"}),
        (b"one,label\n" + b"x" * 300_000 + b",1\n", {}),
        (b"one,label,more\na,1\n", {}),
        (gzip.compress(b"one,label\na,1\n"), {}),
        (b"", {}),
    ],
)
def test_csv_that_does(tmp_path: Path, content: bytes, options: dict[str, Any]) -> None:
    file = tmp_path / "train.csv"
    file.write_bytes(content)
    check("csv", file, options)


@pytest.mark.parametrize("content", [b"null", b"\n 1\n", b'"text"'])
def test_json_that_holds_no_examples(tmp_path: Path, content: bytes) -> None:
    """Of null the reader of datasets dies without a word."""
    file = tmp_path / "train.json"
    file.write_bytes(content)
    with pytest.raises(StudyError, match=r"begins with \{ or \["):
        load({"path": "json", "data_files": {"train": str(file)}}, "train")


def test_json_in_two_encodings_is_named_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    file.write_bytes(b'{"one": "a", "label": 0}\n{"one": "na\xefve", "label": 1}\n')
    with pytest.raises(StudyError, match=rf"^dataset: {file}, line 2: not utf-8"):
        load({"path": "json", "data_files": {"train": str(file)}}, "train")


class Undecoded(Dataset):
    """A data set whose second text is no UTF-8, as a Parquet file may hold it."""

    def __getitem__(self, key: Any) -> Any:
        if key == "one":
            return [self[row]["one"] for row in range(len(self))]
        if key == 1:
            b"na\xefve".decode()
        return super().__getitem__(key)


def test_a_cell_that_is_no_text_is_named_by_its_row() -> None:
    rows = Dataset.from_dict({"one": ["a", "b", "c"], "label": [0, 1, 0]})
    data = Undecoded(rows.data, rows.info)
    with pytest.raises(StudyError, match="row 2 of the train split is not utf-8 in 'one'"):
        standardise({"train": data}, COLUMNS, None)


def test_the_file_that_is_wrong_is_named(tmp_path: Path) -> None:
    good, empty = tmp_path / "good.csv", tmp_path / "empty.csv"
    good.write_text("one,label\na,1\nb,0\n")
    empty.write_text("")
    dataset = {"path": "csv", "data_files": {"train": str(good), "validation": str(empty)}}
    assert load(dataset, "train", ["one"])["label"][:] == [1, 0]
    with pytest.raises(StudyError, match=str(empty)) as caught:
        load(dataset, "validation", ["one"])
    assert str(good) not in str(caught.value)
