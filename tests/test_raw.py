"""Rows and CSV files that `datasets` would bend or die of are named by file and line."""

import gzip
import zipfile
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from scripts.study.errors import StudyError
from scripts.training.data import load, standardise
from scripts.training.raw import columns
from tests.serving import free_port, server

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
        (b"", {}),
    ],
)
def test_csv_that_does(tmp_path: Path, content: bytes, options: dict[str, Any]) -> None:
    file = tmp_path / "train.csv"
    file.write_bytes(content)
    assert columns(file, options, "train.csv") in (
        ["one", "label"],
        ["one", "label", "more"],
        [],
    )


SHIFTED = "one,label\na,0,9\nb,1,8\n"


def test_files_of_every_kind_are_checked_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compressed, on a server, by URL, found in a folder: no text moves into another column."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "shifted.csv").write_text(SHIFTED)
    (folder / "train.csv").write_text(SHIFTED)
    (folder / "README.md").write_text("Not, a, table, at, all\n")
    (folder / "logo.png").write_bytes(b"\x89PNG\xff")
    (tmp_path / "shifted.csv.gz").write_bytes(gzip.compress(SHIFTED.encode()))
    with zipfile.ZipFile(tmp_path / "shifted.zip", "w") as archive:
        archive.writestr("train.csv", SHIFTED)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", False)
    port = free_port()
    arguments = ["http.server", str(port), "--bind", "127.0.0.1"]
    with server(arguments, port, "/", tmp_path / "log") as address:
        for dataset in (
            {"path": "csv", "data_files": {"train": str(tmp_path / "shifted.csv.gz")}},
            {"path": "csv", "data_files": {"train": str(tmp_path / "shifted.zip")}},
            {"path": "csv", "data_files": {"train": (tmp_path / "shifted.csv").as_uri()}},
            {"path": "csv", "data_files": {"train": f"{address}/shifted.csv"}},
            {"path": "csv", "data_dir": str(folder)},
            {"path": str(folder)},
        ):
            with pytest.raises(StudyError, match=r"line 2: 3 cells where there are 2 columns"):
                load(dataset, "train", ["one", "label"])
        (folder / "train.csv").write_text('one,label,id\n001,a,1\nNA,b,2\n"x ""y""",a,3\n')
        for dataset in ({"path": "csv", "data_dir": str(folder)}, {"path": str(folder)}):
            loaded = load(dataset, "train", ["one", "label"])
            assert loaded["one"][:] == ["001", "NA", 'x "y"']


def test_the_file_that_is_named_is_read_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "a1.csv").write_text("one,label\nneighbour,0\n")
    for name in ("a[1].csv", "a?.csv", "a*.csv"):
        (tmp_path / name).write_text(f"one,label\n{name},1\n")
    for name in ("a[1].csv", "a?.csv", "a*.csv", "a1.csv"):
        dataset = {"path": "csv", "data_files": {"train": str(tmp_path / name)}}
        found = load(dataset, "train", ["one", "label"])["one"][:]
        assert found == ["neighbour" if name == "a1.csv" else name]
    (tmp_path / "a*.csv").unlink()
    dataset = {"path": "csv", "data_files": {"train": str(tmp_path / "a*.csv")}}
    assert len(load(dataset, "train", ["one", "label"])) == 3


def test_rows_beyond_the_first_ten_thousand_are_read_alike(tmp_path: Path) -> None:
    rows = [f"text {number},{number % 2},{number}" for number in range(12_000)]
    rows.append("the last,spam,no number")
    (tmp_path / "a.csv").write_text("\n".join(["one,label,id", *rows]))
    dataset = {"path": "csv", "data_files": {"train": str(tmp_path / "a.csv")}}
    loaded = {"train": load(dataset, "train", ["one", "label"])}
    splits, classes = standardise({**loaded, "validation": loaded["train"]}, COLUMNS, None)
    assert classes == ["0", "1", "spam"]
    assert splits["train"]["text_a"][-1] == "the last"


def test_columns_of_one_name_and_files_of_other_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("one,one,label\na,b,1\n")
    (tmp_path / "b.csv").write_text("one,label\na,1\n")
    (tmp_path / "c.csv").write_text("one,class\nb,1\n")
    (tmp_path / "d.csv").write_text("more,one,label\nx,b,0\n")
    files = {"train": [str(tmp_path / "b.csv"), str(tmp_path / "d.csv")]}
    loaded = load({"path": "csv", "data_files": files}, "train", ["one", "label"])
    assert (loaded["one"][:], loaded["label"][:]) == (["a", "b"], ["1", "0"])
    for names, told in (
        ("a", "several columns are named 'one'"),
        ("bc", r"c\.csv has the columns \['one'\] of those that are used, and .*b\.csv, of the sa"),
    ):
        files = {"train": [str(tmp_path / f"{name}.csv") for name in names]}
        with pytest.raises(StudyError, match=told):
            load({"path": "csv", "data_files": files}, "train", ["one", "label"])


def test_a_folder_is_read_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the ends of its files' names, and by its README, which may name classes and options."""

    def read(dataset: dict[str, Any]) -> tuple[list[str], list[int], list[str]]:
        loaded = {"train": load(dataset, "train", ["one", "label"])}
        splits, classes = standardise({**loaded, "validation": loaded["train"]}, COLUMNS, None)
        return splits["train"]["text_a"], splits["train"]["label"], classes

    def folder(name: str, file: str, text: str, readme: str = "") -> dict[str, Any]:
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text)
        (tmp_path / name / "README.md").write_text(readme)
        return {"path": f"./{name}"}

    monkeypatch.chdir(tmp_path)
    found = ["a, b", "NA"], [0, 1], ["x", "y"]
    assert read(folder("tabs", "train.tsv", "one\tlabel\na, b\tx\nNA\ty\n")) == found
    readme = "---\nconfigs:\n- config_name: default\n  data_files: train.csv\n  sep: ';'\n---\n"
    semicolons = folder("semicolons", "train.csv", "one;label\na, b;x\nNA;y\n", readme)
    assert read(semicolons) == found
    (tmp_path / "semicolons/train.csv").write_text("one;label\na; b;x\nNA;y\n")
    with pytest.raises(StudyError, match="line 2: 3 cells where there are 2 columns"):
        read(semicolons)
    readme = (
        "---\ndataset_info:\n  features:\n  - name: one\n    dtype: string\n  - name: label\n"
        "    dtype:\n      class_label:\n        names:\n          '0': neg\n"
        "          '1': pos\n---\n"
    )
    rows = '{"one": "a", "label": 0}\n{"one": "b", "label": 1}\n'
    assert read(folder("named", "train.jsonl", rows, readme)) == (
        ["a", "b"],
        [0, 1],
        ["neg", "pos"],
    )
    # A file that is named lies in the folder, whatever lies beside the study.
    (tmp_path / "train.tsv").write_text("one\tlabel\nWRONG\tx\nWRONG\ty\n")
    assert read({"path": "./tabs", "data_files": {"train": "train.tsv"}}) == found


def test_fewer_cells_than_names_are_missing_ones(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,1\nb,0\n")
    dataset = {"path": "csv", "data_files": {"train": str(tmp_path / "a.csv")},
               "column_names": ["one", "label", "more"]}  # fmt: skip
    loaded = load(dataset, "train", ["one", "label"])
    assert (loaded["one"][:], loaded["label"][:]) == (["a", "b"], ["1", "0"])


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
    assert load(dataset, "train", ["one", "label"])["label"][:] == ["1", "0"]
    with pytest.raises(StudyError, match=str(empty)) as caught:
        load(dataset, "validation", ["one"])
    assert str(good) not in str(caught.value)
