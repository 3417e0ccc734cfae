"""The one file that tells of every run that competes for best."""

import csv
import hashlib
from pathlib import Path

import pytest

from scripts import gather
from scripts.study.errors import StudyError
from tests.analysis_runs import full_study, write_study

CHOSEN = ["learning_rate", "train_batch_size"]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = write_study(tmp_path, full_study(), lambda values, seed: 0.5, CHOSEN)
    for home in (tmp_path / "runs").iterdir():
        (home / "history.csv").write_text(f"epoch,step\n1,{len(home.name)}\n")
    return path


def read(path: Path) -> dict[str, dict[str, str]]:
    with (path.parent / "summary/gathered.csv").open(newline="") as stream:
        return {row["run"]: row for row in csv.DictReader(stream)}


def test_every_run_has_the_checksums_of_its_metrics_and_its_curve(study: Path) -> None:
    assert gather.gather(study) == "gather: 17 runs compete"
    found = read(study)
    assert set(found) == {home.name for home in (study.parent / "runs").iterdir()}
    for name, row in found.items():
        for file in ("metrics.json", "history.csv"):
            content = (study.parent / "runs" / name / file).read_bytes()
            assert row[file] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("file", ["metrics.json", "history.csv"])
def test_a_changed_file_of_a_run_changes_its_line_alone(study: Path, file: str) -> None:
    gather.gather(study)
    before = read(study)
    with (study.parent / "runs/baseline-seed43" / file).open("a") as stream:
        stream.write("\n")
    gather.gather(study)
    after = read(study)
    assert [name for name in before if after[name] != before[name]] == ["baseline-seed43"]


def test_a_missing_file_is_named_and_nothing_written(study: Path) -> None:
    missing = study.parent / "runs/baseline-seed43/history.csv"
    missing.unlink()
    with pytest.raises(StudyError, match=rf"^{missing}: cannot be read \(No such file"):
        gather.gather(study)
    assert not (study.parent / "summary").exists()
