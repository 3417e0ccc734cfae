"""Paths, slices and addresses in a config that are none, or hold what does not belong there."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.study.config import resolve
from scripts.study.errors import StudyError
from scripts.study.trackers import resolved
from scripts.study.urls import has_secret
from tools.project import PROJECT

LONG = "./" + "a" * 5000


def accepted(**changes: Any) -> None:
    """Resolve the default config with some blocks replaced."""
    base = yaml.safe_load((PROJECT / "config/config.yaml").read_text(encoding="utf-8"))
    resolve({**base, **changes})


def refusal(**changes: Any) -> str:
    """Return what is said of the default config with some blocks replaced."""
    base = yaml.safe_load((PROJECT / "config/config.yaml").read_text(encoding="utf-8"))
    with pytest.raises(StudyError) as caught:
        resolve({**base, **changes})
    return str(caught.value).removeprefix("config: ")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model": {"path": "~nosuchuser/x"}}, "model.path: '~nosuchuser/x': no such folder"),
        ({"model": {"path": LONG}}, "model.path: './aaa"),
        ({"model": {"path": "package:__main__/x"}}, "model.path: 'package:__main__/x': the Python"),
        ({"dataset": {"path": LONG}}, "dataset.path: './aaa"),
        ({"dataset": {"path": "csv", "data_dir": LONG}}, "dataset.data_dir: './aaa"),
        ({"dataset": {"path": "csv", "data_files": LONG}}, "dataset.data_files: './aaa"),
        ({"splits": {"train": f"train[:{'9' * 5000}]"}}, "splits.train: 'train[:999"),
        ({"x" * 200_000: 1}, "'xxx"),
        ({"model": {"x" * 200_000: 1}}, "model.'xxx"),
    ],
)
def test_what_is_no_path_is_refused_in_a_short_line(changes: Any, told: str) -> None:
    said = refusal(**changes)
    assert said.startswith(told)
    assert len(said) < 500
    assert "\n" not in said


def test_one_file_is_not_of_two_splits(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a")
    (tmp_path / "b.csv").symlink_to("a.csv")
    files = {"train": str(tmp_path / "a.csv"), "validation": str(tmp_path / "b.csv")}
    said = refusal(dataset={"path": "csv", "data_files": files}, splits={"test": None})
    assert said.startswith(f"dataset.data_files.validation: '{tmp_path}/b.csv' is a file of train")
    # Slices of it that share no example are.
    slices = {"train": "train[:50%]", "validation": "validation[50%:]", "test": None}
    accepted(dataset={"path": "csv", "data_files": files}, splits=slices)
    slices["validation"] = "validation[40%:]"
    assert "is a file of train" in refusal(
        dataset={"path": "csv", "data_files": files}, splits=slices
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://x.org/a.csv?pwd=hunter2",
        "https://x.org/a.csv?t%6fken=abc",
        "https://x.org/a.csv?jwt=abc",
        "https://x.org/a.csv?a=hf_abcdefghijklmnopqrst",
        "https://x.org/a.csv?a=ghp_abcdefghijklmnopqrst",
        "https://x.org/a.csv?a=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30",
        "sqlite:///x.db?pwd=abc",
        "https://x.org/a.csv?accessToken=abc",
        "https://x.org/a.csv?X-Amz-Signature=abc",
        "https://x.org/a.csv?AWSAccessKeyId=abc",
        "https://x.org/a.csv?g=github_pat_11AAAAAAAAAAAAAAAAAAAA",
        "https://x.org/hf_abcdefghijklmnopqrst/a.csv",
    ],
)
def test_secrets_in_addresses_are_seen(url: str) -> None:
    assert has_secret(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://x.org/a.csv?version=1&region=eu",
        "https://x.org/author/design.csv?hf_mirror=1",
        "https://x.org/passages.csv?passage=1&keyword=news&tokenizer=bert&format=sas&x=monkey",
    ],
)
def test_other_addresses_are_not_taken_for_secrets(url: str) -> None:
    assert not has_secret(url)


@pytest.mark.parametrize("uri", ["http://host:abc", "http://host:99999", "http://host:0"])
def test_a_server_has_a_port_that_there_is(uri: str) -> None:
    with pytest.raises(StudyError, match=r"tracking\.mlflow\.uri"):
        resolved({"mlflow": {"uri": uri}})
