"""What `make bench` computes from wall times, and the page it writes; nothing is trained here."""

from pathlib import Path

import pytest

from benchmarks.compare import fit, summarise
from benchmarks.contestants import Contestant, Measured, contestants, study
from benchmarks.page import page
from benchmarks.settings import Settings
from scripts.study.config import resolve
from scripts.study.plan import baseline_runs
from tests.tiny import make_data

TRIAL = {"epochs": 3, "examples": 100, "batch_size": 32}


def settings(folder: Path) -> Settings:
    make_data(folder, {"train": 8, "validation": 8})
    model = folder / "model"
    model.mkdir()
    (model / "model.safetensors").touch()
    return Settings(
        model=str(model),
        train=str(folder / "train.jsonl"),
        validation=str(folder / "validation.jsonl"),
        examples=8,
        validated=4,
        epochs=1,
        batch_size=4,
        learning_rate=5e-5,
        seed=42,
        threads=2,
        output="",
    )


def test_two_lengths_give_slope_and_intercept() -> None:
    step, start = fit(5 + 8 * 2.0, 5 + 24 * 2.0, (8, 24))
    assert step == pytest.approx(2.0)
    assert start == pytest.approx(5.0)


def test_a_trial_at_its_real_length() -> None:
    contestant = Contestant("x", "two at once", 2, lambda settings, folder: Measured(0, 0, ()))
    found = [Measured(21, 300, ()), Measured(53, 310, ())]
    figures = summarise(contestant, [(found, (2.0, 5.0))], TRIAL)
    # 3 epochs of 4 steps, the last of them short.
    assert figures["seconds_a_trial"]["median"] == pytest.approx(5 + 12 * 2.0)
    assert figures["examples_a_second"]["median"] == pytest.approx(2 * 300 / 29)
    assert figures["peak_memory_mib"] == {"median": 305, "min": 300, "max": 310}


def test_the_contestant_is_a_study_of_the_baseline_alone(tmp_path: Path) -> None:
    resolved = resolve(study(settings(tmp_path), 2))
    assert [run.seed for run in baseline_runs(resolved)] == [42, 43]
    assert resolved["optuna"]["trials"] == 0


def test_settings_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import settings as module

    given = settings(tmp_path)
    given.write(tmp_path / "settings.json")
    monkeypatch.setattr("sys.argv", ["recipe", str(tmp_path / "settings.json")])
    assert module.from_command_line("") == given


def test_the_page_has_a_row_a_contestant() -> None:
    spread = {"median": 2.0, "min": 1.0, "max": 3.0}
    names = ("seconds_a_step", "seconds_to_first_step", "seconds_a_trial", "examples_a_second")
    entries = contestants(2)
    document = {
        "model": "package:x/model",
        "steps": [8, 24],
        "repeats": 3,
        "trial": TRIAL,
        "machine": {"cpu": "A CPU", "cores": 2, "cpu_capability": "AVX2", "gpus": []},
        "times_faster": {entry.key: 2.5 for entry in entries},
        "contestants": {
            entry.key: {
                "title": entry.title,
                "parallel": entry.parallel,
                "precision": "fp32",
                "peak_memory_mib": spread,
                **dict.fromkeys(names, spread),
            }
            for entry in entries
        },
    }
    text = page(document)
    rows = [line for line in text.splitlines() if line.startswith("| (")]
    assert len(rows) == 3
    assert len({line.count("|") for line in text.splitlines() if line.startswith("|")}) == 1
    assert all("2.5 times" in row for row in rows)
    assert all(", fp32 |" in row for row in rows)
