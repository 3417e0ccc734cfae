"""A thousand configs that went wrong at random: each is a study, or one clear line says why not.

`python -m tests.torture.mutations NUMBER` prints the config of a number that fails here.
"""

from pathlib import Path

import pytest

from tests.torture.configs import through_snakemake, validate
from tools.project import PROJECT, copy_project

BY_VALIDATION = range(1000)
# Others than those above; every fifth is damaged as text.
THROUGH_SNAKEMAKE = range(10_000, 10_050)


@pytest.mark.parametrize("hundred", range(0, len(BY_VALIDATION), 100))
def test_a_mutated_config_is_a_study_or_is_refused_in_one_line(
    hundred: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    validate(BY_VALIDATION[hundred : hundred + 100], tmp_path)


@pytest.mark.slow
def test_snakemake_plans_a_mutated_config_or_says_in_one_line_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "project"
    copy_project(folder)
    monkeypatch.chdir(folder)
    planned = through_snakemake(THROUGH_SNAKEMAKE, folder)
    assert 0 < planned < len(THROUGH_SNAKEMAKE)
