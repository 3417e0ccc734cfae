"""What `make study` prints at its end."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.headline import headline
from scripts.study.files import write_json

BEST: dict[str, Any] = {
    "run": "optuna-0007-seed42",
    "stage": "optuna",
    "objective": {"metric": "f1", "direction": "maximize", "value": 0.94},
    "changed": {
        "weight_decay": {"baseline": 0.0, "best": 0.1},
        "learning_rate": {"baseline": 5e-05, "best": 0.00012345678},
    },
    "ties": [],
    "chance": 0.04,
    "baseline": {"mean": 0.9, "sd": 0.01, "values": [0.89, 0.9, 0.91], "seeds": [42, 43, 44]},
}
REPORT = Path("/project/results/demo/report.html")


def test_the_report_and_what_was_found() -> None:
    assert headline(BEST, REPORT).splitlines() == [
        "Report:   /project/results/demo/report.html",
        "Best:     f1 0.9400, optuna-0007-seed42 (stage optuna)",
        "Baseline: f1 0.9000, mean of 3 seeds (sd 0.0100)",
        "Gain:     +0.0400, 4.0 times the sd of the baseline's seeds",
        "Changed:  learning_rate 5e-05 -> 0.000123457, weight_decay 0 -> 0.1",
    ]


def test_a_gain_within_the_noise_is_called_luck() -> None:
    noisy = {**BEST, "baseline": {**BEST["baseline"], "sd": 0.03}}
    assert "1.3 times the sd of the baseline's seeds; this may be luck" in headline(noisy, REPORT)


@pytest.mark.parametrize("chance", [0.051, None])
def test_so_is_one_that_the_best_of_many_reaches_by_chance(chance: float | None) -> None:
    text = headline({**BEST, "chance": chance}, REPORT)
    assert "4.0 times the sd of the baseline's seeds; this may be luck" in text


def test_a_lower_loss_is_a_gain() -> None:
    objective = {"metric": "loss", "direction": "minimize", "value": 0.85}
    assert "Gain:     +0.0500, 5.0 times" in headline({**BEST, "objective": objective}, REPORT)


def test_one_seed_has_no_spread() -> None:
    one = {**BEST, "baseline": {"mean": 0.9, "sd": None, "values": [0.9], "seeds": [42]}}
    text = headline(one, REPORT)
    assert "Baseline: f1 0.9000 on one seed\nGain:     +0.0400\n" in text


def test_seeds_that_all_agree_have_no_ratio() -> None:
    same = {**BEST, "baseline": {**BEST["baseline"], "sd": 0.0}}
    assert "Gain:     +0.0400\n" in headline(same, REPORT)


def test_ties_are_told() -> None:
    assert ", tied with 2 more" in headline({**BEST, "ties": ["a", "b"]}, REPORT)


def test_a_baseline_that_diverged() -> None:
    none = {**BEST, "baseline": {"mean": None, "sd": None, "values": [], "seeds": []}}
    text = headline(none, REPORT)
    assert "it diverged on every seed" in text
    assert "Gain" not in text


def test_the_baseline_is_the_best() -> None:
    text = headline({**BEST, "changed": {}}, REPORT)
    assert text.endswith("Changed:  nothing: the baseline is the best")
    assert "Gain" not in text


def test_no_run_completed() -> None:
    none = {**BEST, "run": None, "stage": None, "objective": {**BEST["objective"], "value": None}}
    assert "none; no run of this study" in headline(none, REPORT)


def test_the_verdict_comes_last() -> None:
    lines = headline(BEST, REPORT, "no configuration is distinguishable", "a/model").splitlines()
    assert lines[-2:] == ["Model:    a/model", "Verdict:  no configuration is distinguishable"]


def test_the_command(tmp_path: Path, project: Path) -> None:
    write_json(tmp_path / "study.json", {"confirm": {"configurations": 1, "seeds": 2}})
    write_json(tmp_path / "verdict.json", {"verdict": "X is better"})
    write_json(tmp_path / "best.json", BEST)
    command = [sys.executable, "-m", "scripts.headline", "--study", str(tmp_path / "study.json")]
    result = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert result.stdout == headline(BEST, tmp_path / "report.html", "X is better") + "\n"
    write_json(tmp_path / "study.json", {"confirm": {"configurations": 0, "seeds": 5}})
    result = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert result.stdout == headline(BEST, tmp_path / "report.html") + "\n"
    (tmp_path / "model").mkdir()
    write_json(tmp_path / "model/snaketune.json", {"run": "optuna-0003-seed42"})
    result = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert result.stdout.endswith(f"\nModel:    {tmp_path / 'model'}, optuna-0003-seed42\n")
    (tmp_path / "best.json").unlink()
    result = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr.startswith(f"snaketune: {tmp_path / 'best.json'}: no such file")


@pytest.mark.parametrize(
    "name", ["study.json", "best.json", "verdict.json", "model/snaketune.json"]
)
@pytest.mark.parametrize("content", ["[1]", "null", '{"a": 1}'])
def test_damage_is_named(tmp_path: Path, name: str, content: str) -> None:
    write_json(tmp_path / "study.json", {"confirm": {"configurations": 1, "seeds": 3}})
    write_json(tmp_path / "best.json", BEST)
    write_json(tmp_path / "verdict.json", {"verdict": "No."})
    write_json(tmp_path / "model/snaketune.json", {"run": "a"})
    (tmp_path / name).write_text(content)
    command = [sys.executable, "-m", "scripts.headline", "--study", str(tmp_path / "study.json")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"snaketune: {tmp_path / name}: ")
    assert ended.stderr.count("\n") == 1
