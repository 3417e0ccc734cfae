"""A thousand configs that went wrong at random: each is a study, or one clear line says why not.

`python -m tests.torture.mutations NUMBER` prints the config of a number that fails here.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.study import plan
from scripts.study.config import load
from scripts.study.errors import StudyError
from tests.conftest import PROJECT, copy_project
from tests.torture.mutations import mutated

BY_VALIDATION = range(1000)
# Others than those above; every fifth is damaged as text.
THROUGH_SNAKEMAKE = range(10_000, 10_050)


def refusal(path: Path) -> str | None:
    """Return why a config is refused; None where it is a study, whose runs can be planned."""
    try:
        study = load(path)
    except StudyError as error:
        return str(error)
    names = [run.name for run in (*plan.baseline_runs(study), *plan.screen_runs(study))]
    names += [run.name for run in plan.grid_runs(study, plan.candidates(study)[:2])]
    # What is planned is written below results/<study>/, whatever the config says.
    for name in (study["study"], *names):
        assert name not in ("", ".", "..")
        assert "/" not in name
        assert "\\" not in name
    return None


@pytest.mark.parametrize("hundred", range(0, len(BY_VALIDATION), 100))
def test_a_mutated_config_is_a_study_or_is_refused_in_one_line(
    hundred: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    path = tmp_path / "mutated.yaml"
    for number in BY_VALIDATION[hundred : hundred + 100]:
        path.write_bytes(mutated(number))
        told = refusal(path)
        if told is not None:
            assert told.startswith(f"{path}: "), (number, told)
            assert len(told.splitlines()) == 1, (number, told)
            assert len(told) < 500, (number, told)
        assert not (PROJECT / "pwned").exists(), number


def files(folder: Path) -> dict[str, int]:
    """Return every file below a folder with its time, but for what Snakemake keeps for itself."""
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".snakemake" not in path.parts and "__pycache__" not in path.parts
    }


@pytest.mark.slow
def test_snakemake_plans_a_mutated_config_or_says_in_one_line_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "project"
    copy_project(folder)
    monkeypatch.chdir(folder)
    path = tmp_path / "mutated.yaml"
    planned = 0
    for number in THROUGH_SNAKEMAKE:
        path.write_bytes(mutated(number))
        told, before = refusal(path), files(tmp_path)
        process = subprocess.run(
            [sys.executable, "-m", "snakemake", "-n", "-q", "--configfile", str(path)],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        said = process.stderr + process.stdout
        assert "Traceback" not in said, (number, said)
        assert files(tmp_path) == before, number
        if told is None:
            assert process.returncode == 0, (number, said)
            planned += 1
        else:
            assert process.returncode != 0, (number, told)
            # What is no mapping in YAML at all, Snakemake refuses before it reads the workflow.
            words = f"snaketune: {told}", "Config file is not valid", "Config file must be given"
            assert any(one in said for one in words), (number, told, said)
    assert 0 < planned < len(THROUGH_SNAKEMAKE)
