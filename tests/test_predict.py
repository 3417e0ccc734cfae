"""Files of texts that a final model scores are read as the study's own were."""

from pathlib import Path

import pytest

from scripts import predict
from scripts.study.errors import StudyError


def test_a_file_of_one_text_column(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("review;stars\nNA;5\n1.5;4\n")
    assert predict.read(path, ["review"], {"delimiter": ";"}) == [["NA"], ["1.5"]]


def test_a_file_that_quotes_nothing_is_read_as_the_study_read_it(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text('review\tlabel\nshe said "a\t1\n' + "x" * 200_000 + "\t0\n")
    options = {"delimiter": "\t", "quotechar": ""}
    assert predict.read(path, ["review"], options) == [['she said "a'], ["x" * 200_000]]
    table = path.rename(tmp_path / "in.tsv")
    assert predict.read(table, ["review"], options) == [['she said "a'], ["x" * 200_000]]


def test_a_file_without_a_header_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("Größe,5\nMaß,4\n", encoding="latin-1")
    options = {"encoding": "latin-1", "column_names": ["review", "stars"]}
    assert predict.read(path, ["review"], options) == [["Größe"], ["Maß"]]
    # One that names the texts' columns is a header all the same, of whatever columns.
    path.write_text("review\nGröße\n", encoding="latin-1")
    assert predict.read(path, ["review"], options) == [["Größe"]]
    path.write_text("Größe\n", encoding="latin-1")
    with pytest.raises(
        StudyError, match=r"line 1: 1 cells, but dataset\.column_names of the study"
    ):
        predict.read(path, ["review"], options)
    # JSON Lines are no such file.
    lines = tmp_path / "in.jsonl"
    lines.write_text('{"review": "Größe"}\n', encoding="utf-8")
    assert predict.read(lines, ["review"], options) == [["Größe"]]
    path.write_text("Größe,5\n", encoding="utf-16")
    with pytest.raises(StudyError, match=r"in\.csv: not UTF-8 text"):
        predict.read(path, ["review"], {"column_names": ["review", "stars"]})


def test_a_list_is_not_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "h.json"
    path.write_text('[{"review": "fine"}]')
    with pytest.raises(StudyError, match=r"h\.json: a list; what is scored is JSON Lines: one"):
        predict.read(path, ["review"], {})


def test_a_tsv_is_no_file_of_a_study_of_semicolons(tmp_path: Path) -> None:
    path = tmp_path / "in.tsv"
    path.write_text('review\tlabel\n"a; b"\t1\n')
    assert predict.read(path, ["review"], {"delimiter": ";", "quotechar": "|"}) == [["a; b"]]
