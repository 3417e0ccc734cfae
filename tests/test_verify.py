"""What a verification says of a run that was trained again, and what provenance records."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts.analysis.again import train_again
from scripts.provenance import git_state, packages
from scripts.study.errors import StudyError
from scripts.verify import compare, finished, main, pick

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
    assert "within 2 sd of a difference of two seeds of the baseline (0.0141)" in words
    assert compare(STORED, again(0.928), 0.01)[0] is True
    assert compare(STORED, again(0.929), 0.01)[0] is False
    assert "differs in device" in words


def test_the_same_objective_needs_no_noise_to_be_confirmed() -> None:
    confirmed, words = compare(STORED, again(0.9, versions={"torch": "2.14.0"}), None)
    assert confirmed
    assert words == "the same f1; differs in versions"


def test_one_seed_of_the_baseline_tells_no_noise() -> None:
    words = compare(STORED, again(0.91, device="H100"), None)[1]
    assert words == "+0.0100, without two seeds of the baseline to tell noise by; differs in device"


@pytest.mark.parametrize(
    ("value", "status", "noise"), [(0.95, "complete", 0.01), (None, "diverged", 0.01)]
)
def test_beyond_the_noise_is_refused(value: float, status: str, noise: float | None) -> None:
    assert compare(STORED, again(value, status=status), noise)[0] is False


@pytest.mark.parametrize("noise", [None, 0.0])
def test_without_noise_another_score_is_neither_confirmed_nor_refused(noise: float | None) -> None:
    confirmed, words = compare(STORED, again(0.95), noise)
    assert confirmed is None
    assert "to tell noise by; differs in its numbers alone" in words


def test_a_run_that_diverges_again_is_confirmed() -> None:
    diverged = again(None, status="diverged")
    assert compare(diverged, {**diverged, "versions": {"torch": "2.14.0"}}, 0.01) == (
        True, "diverged again; differs in versions"
    )  # fmt: skip


def test_the_final_configuration_is_always_picked() -> None:
    runs = ["a", "b", "c"]
    assert pick("b", runs, 1, 0)[0] == "b"
    assert set(pick("b", runs, 9, 0)) == set(runs)
    assert pick("b", runs, 1, 3) == pick("b", runs[::-1], 1, 3)
    with pytest.raises(StudyError, match="run is null"):
        pick(None, runs, 1, 0)


def test_runs_of_the_study_alone_are_drawn(tmp_path: Path) -> None:
    table = tmp_path / "runs.csv"
    table.write_text("run,status,seed\na,complete,1\nb,failed,1\nc,diverged,1\n")
    assert finished(table) == ["a", "c"]
    for content, what in (
        (b"", r"runs\.csv: not a readable CSV file .*; delete it and run snakemake again"),
        (b"run,seed\na,1\n", r"runs\.csv: the column 'status' is missing; delete it and run"),
        (b"run,status\n\xff\xfe,complete\n", r"runs\.csv: not a readable CSV file .*; delete it"),
        (b"run,status\na,comp", r"runs\.csv: its last line is cut off; delete it and run"),
    ):
        table.write_bytes(content)
        with pytest.raises(StudyError, match=what):
            finished(table)
    table.unlink()
    with pytest.raises(
        StudyError, match=r"runs\.csv: no such file; run snakemake again to make it"
    ):
        finished(table)


@pytest.mark.parametrize(("gpu", "seen"), [(0, "-1"), (1, "3")])
def test_without_a_gpu_in_the_study_none_trains_it_again(
    gpu: int, seen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def run(words: list[str], env: dict[str, str], **options: Any) -> Any:
        asked.append(env["CUDA_VISIBLE_DEVICES"])
        return subprocess.CompletedProcess(words, 0, "", "")

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    monkeypatch.setattr(subprocess, "run", run)
    training = {"gpu": gpu, "precision": "fp32", "eval_batch_size": 8, "threads": 1}
    study = {"training": training, "objective": STORED["objective"]}
    assert train_again(study, tmp_path, "baseline-seed7", tmp_path) == tmp_path / "baseline-seed7"
    assert asked == [seen]


def test_a_negative_number_of_runs_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["verify", "--study", "x", "--runs", "-1"])
    with pytest.raises(SystemExit):
        main()
    assert "--runs: -1 is not a whole number >= 0" in capsys.readouterr().err


def test_outside_a_clone_there_is_no_commit(tmp_path: Path) -> None:
    assert git_state(tmp_path) is None


def test_what_an_asker_writes_itself_is_no_change(tmp_path: Path) -> None:
    for name in ("page.md", "code.py"):
        (tmp_path / name).write_text("1")
    for words in ("init -q", "add .", "-c user.name=a -c user.email=b commit -q -m c"):
        subprocess.run(["git", "-C", str(tmp_path), *words.split()], check=True)
    own = (tmp_path / "page.md", Path("/elsewhere/page.md"))
    (tmp_path / "page.md").write_text("2")
    clean, changed = git_state(tmp_path, own), git_state(tmp_path)
    assert clean is not None
    assert changed is not None
    assert (clean["dirty"], changed["dirty"]) == (False, True)
    assert clean["commit"] == changed["commit"]
    (tmp_path / "code.py").write_text("2")
    assert git_state(tmp_path, own) == changed


def test_every_package_is_named_once_with_its_version() -> None:
    found = packages()
    assert found["optuna"].startswith("5.")
    assert list(found) == sorted(found)
