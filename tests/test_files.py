"""Files are written whole or not at all, the same bytes every time."""

import csv
import io
import json
import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.study.errors import StudyError, command
from scripts.study.files import (
    cell,
    json_text,
    read_json,
    replacing,
    sweep,
    write_bytes,
    write_csv,
    write_json,
    write_text,
)


def test_folders_are_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a/b/c.txt"
    write_text(path, "grün\n")
    assert path.read_bytes() == "grün\n".encode()
    assert os.listdir(path.parent) == ["c.txt"]


def test_modes_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "x", "")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    write_bytes(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x"]


def test_what_a_killed_writer_left_goes_once_it_is_old(tmp_path: Path) -> None:
    folder = tmp_path / "runs/a"
    with replacing(folder / "metrics.json") as temporary:
        # as it is while it is written to
        (folder / temporary.name.replace("metrics", "history")).write_text("old")
        left, young = folder / temporary.name.replace("metrics", "history"), temporary
        os.utime(left, (0, 0))
        for other in (".gitignore", ".a.settings", ".x.json"):
            (folder / other).write_text("mine")
            os.utime(folder / other, (0, 0))
        sweep(tmp_path)
        assert not left.exists()
        assert young.exists()
    names = {path.name for path in folder.iterdir()}
    assert names == {"metrics.json", ".gitignore", ".a.settings", ".x.json"}


def test_long_names_fit(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 200)
    write_text(path, "")
    assert path.exists()


def test_json_is_canonical(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"b": 1e-05, "a": [1, "ü"]})
    assert (
        path.read_text(encoding="utf-8") == '{\n  "a": [\n    1,\n    "ü"\n  ],\n  "b": 1e-05\n}\n'
    )
    assert read_json(path) == {"a": [1, "ü"], "b": 1e-05}


@pytest.mark.parametrize("value", [math.nan, math.inf, [1, -math.inf]])
def test_json_has_no_nan(tmp_path: Path, value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", value)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"{'a': 1}", b"[1, NaN]", b"-Infinity", b"[" * 100_000, b"1" * 5000],
    ids=["empty", "cut", "python", "nan", "infinity", "deep", "huge"],
)
def test_json_that_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=r"x\.json: not valid JSON \(.*delete the file and run"):
        read_json(path)


def test_json_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with pytest.raises(StudyError, match=r"x\.json: no such file; run snakemake again"):
        read_json(path)
    path.write_bytes(b'"\xff"')
    with pytest.raises(StudyError, match=r"x\.json: cannot be read"):
        read_json(path)
    with pytest.raises(StudyError, match="cannot be read"):
        read_json(tmp_path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(json_values)
def test_json_reads_back(value: object) -> None:
    assert json.loads(json_text(value)) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, ""), (math.nan, ""), (True, "1"), (False, "0"), (3, "3"), (1e-5, "1e-05"), ("a", "a")],
)
def test_cells(value: object, expected: str) -> None:
    assert cell(value) == expected


@given(st.floats(allow_nan=False))
def test_floats_read_back_exactly(value: float) -> None:
    assert float(cell(value)) == value


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    rows: list[dict[str, object]] = [{"a": 1, "b": 'x, "y"\n'}, {"b": "z", "c": "not a column"}]
    write_csv(path, ["a", "b"], rows)
    text = path.read_bytes().decode()
    assert text == 'a,b\n1,"x, ""y""\n"\n,z\n'
    assert list(csv.reader(io.StringIO(text))) == [["a", "b"], ["1", 'x, "y"\n'], ["", "z"]]


def test_command_prints_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        raise StudyError("config: seed: -1 is not >= 0")

    with pytest.raises(SystemExit) as caught:
        command(main)
    assert caught.value.code == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "snaketune: config: seed: -1 is not >= 0\n")


def test_an_output_that_is_a_folder_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        write_text(tmp_path, "text")

    with pytest.raises(SystemExit):
        command(main)
    assert capsys.readouterr().err == f"snaketune: {tmp_path}: Is a directory\n"


def test_command_lets_other_errors_through() -> None:
    with pytest.raises(ZeroDivisionError):
        command(lambda: print(1 // 0))


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device", "results/x/metrics.json"),
        OSError(122, "Disk quota exceeded"),
        ValueError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_one_line(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as caught:
        command(main)
    assert caught.value.code == 1
    told = capsys.readouterr().err
    assert told.startswith("snaketune: the disk is full (")
    assert told.endswith("; make room and run the same command again\n")
