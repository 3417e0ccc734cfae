"""No example serves two purposes, as far as a config tells; no study is made of its own results."""

import os
from pathlib import Path
from typing import Any

import pytest

from scripts.study.checks import MAX_SOURCE
from scripts.study.config import resolve
from scripts.study.errors import StudyError
from scripts.study.files import read_json, write_json
from tests.configs import small
from tests.conftest import Snakemake

HUB = {"path": "a/b", "revision": "a" * 40}
WEB = "https://e.org/"


def of(dataset: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return resolve({**small(), "dataset": dataset, **changes})


@pytest.mark.parametrize(
    "dataset",
    [
        {"path": "csv", "data_files": {"train": f"{WEB}a.csv", "validation": f"{WEB}a.csv"}},
        {"path": "csv", "data_files": {"train": f"{WEB}a", "validation": [f"{WEB}b", f"{WEB}a"]}},
        {**HUB, "data_files": {"train": "a.csv", "validation": "a.csv"}},
        {**HUB, "data_files": {"train": "*.csv", "validation": "validation.csv"}},
        {**HUB, "data_files": {"train": "x/train.csv", "validation": "**/*.csv"}},
    ],
)  # fmt: skip
def test_a_file_of_two_splits_is_refused_wherever_it_lies(dataset: dict[str, Any]) -> None:
    with pytest.raises(
        StudyError, match=r"data_files\.validation: .* is a file of train too; no example may serve"
    ):
        of(dataset)
    apart = {"train": "train[:80%]", "validation": "validation[80%:]", "test": None}
    if dataset["data_files"]["train"] == dataset["data_files"]["validation"]:
        assert of(dataset, splits=apart)["splits"]["validation"] == "validation[80%:]"


@pytest.mark.parametrize(
    "files",
    [
        {"train": "*.csv", "validation": "held-out/a.csv"},
        {"train": "train-*.csv", "validation": "validation-*.csv"},
        {"train": ["a.csv", "b.csv"], "validation": "c.csv"},
    ],
)
def test_other_files_of_the_hub_are_taken(files: dict[str, Any]) -> None:
    assert of({**HUB, "data_files": files})["dataset"]["data_files"] == files


def test_all_is_no_split(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("sentence1,label\n")
    for dataset in (HUB, {"path": str(tmp_path)}):
        for name in ("all", "all[:10]"):
            with pytest.raises(StudyError, match=r"splits\.train: 'all.*' means all splits at"):
                of(dataset, splits={"train": name, "validation": "validation"})


def test_all_may_be_the_one_split_of_data_of_the_hub() -> None:
    splits = {"train": "all", "validation_share": 0.2, "test": None}
    assert of(HUB, splits=splits)["splits"]["train"] == "all"


def test_results_of_a_study_are_no_data_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for study in ("tiny", "other"):
        folder = tmp_path / "results" / study / "summary"
        folder.mkdir(parents=True)
        (folder / "runs.csv").write_text("sentence1,label\n")
    splits = {"train": "train[:5]", "validation": "train[5:]", "test": None}
    for pattern in ("results/tiny/*/*.csv", "results/other/../tiny/summary/runs.csv"):
        dataset = {"path": "csv", "data_files": pattern}
        with pytest.raises(StudyError, match=r"runs\.csv' is a result of this very study"):
            of(dataset, study="tiny", splits=splits)
        assert of(dataset, study="another", splits=splits)


@pytest.mark.parametrize("path", ["./results/tiny/model", "results/other/../tiny/model/"])
def test_the_final_model_of_a_study_is_no_model_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Its end would overwrite what it began with, and then train everything again."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results/other").mkdir(parents=True)
    folder = tmp_path / "results/tiny/model"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").touch()
    model = {"path": path}
    with pytest.raises(StudyError, match=r"model\.path: '.*' is a result of this very study; copy"):
        of(HUB, study="tiny", model=model)
    assert of(HUB, study="another", model=model)


def test_a_name_that_is_not_utf8_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(os.fsdecode(b"na\xefve.csv")).write_text("sentence1,label\n")
    with pytest.raises(StudyError, match=r"'na\\udcefve\.csv' is not UTF-8; rename it"):
        of({"path": "csv", "data_files": "*.csv"})


def test_what_no_command_line_takes_is_refused(tmp_path: Path) -> None:
    files = [f"{WEB}{number:0200d}.csv" for number in range(700)]
    dataset = {"path": "csv", "data_files": {"train": files, "validation": f"{WEB}b.csv"}}
    with pytest.raises(StudyError, match=rf"dataset\.data_files: .* which takes {MAX_SOURCE:,}; n"):
        of(dataset)
    (tmp_path / "train.csv").write_text("sentence1,label\n")
    labels = [f"{number:0200d}" for number in range(700)]
    with pytest.raises(StudyError, match=r"labels: .* characters are too many .*; shorten the na"):
        of({"path": str(tmp_path)}, labels=labels)


@pytest.mark.slow
def test_generated_data_may_serve_a_split_from_anothers(
    workdir: Path, snakemake: Snakemake
) -> None:
    config = small() | {
        "study": "served",
        "dataset": {"generated": {"train": 20, "validation": 10, "test": 24}},
        "splits": {"validation": "test[:50%]", "test": None},
    }
    write_json(workdir / "served.yaml", config)
    target = "results/served/data/info.json"
    snakemake("--cores", "1", "--configfile", "served.yaml", "--", target)
    splits = read_json(workdir / target)["splits"]
    assert {role: split["examples"] for role, split in splits.items()} == {
        "train": 20,
        "validation": 12,
    }
