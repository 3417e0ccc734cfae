"""What a verification says of a run that was trained again, and what provenance records."""

from pathlib import Path
from typing import Any

import pytest

from scripts.provenance import git_state, packages
from scripts.study.errors import StudyError
from scripts.verify import compare, pick

STORED: dict[str, Any] = {
    "status": "complete",
    "objective": {"metric": "f1", "direction": "maximize", "value": 0.9},
    "versions": {"torch": "2.13.0"},
    "device": "cpu",
    "threads": 1,
}


def again(value: float | None, **changes: Any) -> dict[str, Any]:
    return {**STORED, "objective": {**STORED["objective"], "value": value}, **changes}


def test_the_same_numbers_are_identical() -> None:
    assert compare(STORED, again(0.9), None) == (True, "identical")


def test_within_the_noise_is_confirmed_and_names_the_cause() -> None:
    confirmed, words = compare(STORED, again(0.91, device="H100"), 0.01)
    assert confirmed
    assert "within 2 sd" in words
    assert "differs in device" in words


@pytest.mark.parametrize(
    ("value", "status", "noise"), [(0.95, "complete", 0.01), (0.95, "complete", None),
                                   (None, "diverged", 0.01)]
)  # fmt: skip
def test_beyond_the_noise_is_refused(value: float, status: str, noise: float | None) -> None:
    assert not compare(STORED, again(value, status=status), noise)[0]


def test_the_final_configuration_is_always_picked() -> None:
    runs = ["a", "b", "c"]
    assert pick("b", runs, 1, 0)[0] == "b"
    assert set(pick("b", runs, 9, 0)) == set(runs)
    assert pick("b", runs, 1, 3) == pick("b", runs[::-1], 1, 3)
    with pytest.raises(StudyError, match="run is null"):
        pick(None, runs, 1, 0)


def test_outside_a_clone_there_is_no_commit(tmp_path: Path) -> None:
    assert git_state(tmp_path) is None


def test_every_package_is_named_once_with_its_version() -> None:
    found = packages()
    assert found["optuna"].startswith("5.")
    assert list(found) == sorted(found)
