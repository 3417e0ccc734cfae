"""What `make bench` computes from wall times, and the page it writes; nothing is trained here."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.bound import of_a_step, operations, rate
from benchmarks.compare import fit, summarise, times_faster
from benchmarks.contestants import Contestant, Measured, contestants, study
from benchmarks.page import page
from benchmarks.settings import Settings
from scripts.study.config import resolve
from scripts.study.files import read_json, write_json
from scripts.study.hyperparameters import defaults
from scripts.study.plan import baseline_runs
from scripts.training.model import build
from tests import training_parts as parts
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
    assert figures["peak_memory_mib"] == {"median": 310, "min": 310, "max": 310}


def test_ratios_are_of_the_same_round() -> None:
    # Of a machine that gets twice as fast in between, both ratios are 4.
    figures = {"snaketune": {"rounds": [4.0, 8.0]}, "trainer": {"rounds": [1.0, 2.0]}}
    assert times_faster(figures)["trainer"] == {"median": 4.0, "min": 4.0, "max": 4.0}
    assert times_faster(figures)["snaketune"] == {"median": 1.0, "min": 1.0, "max": 1.0}


def test_the_contestant_is_a_study_of_the_baseline_alone(tmp_path: Path) -> None:
    resolved = resolve(study(settings(tmp_path), 2, per_gpu=3))
    assert resolved["training"]["per_gpu"] == 3
    assert [run.seed for run in baseline_runs(resolved)] == [42, 43]
    assert resolved["optuna"]["trials"] == 0


def test_on_gpus_trainings_share_them_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.training.gpus.count", lambda: 0)
    *_, own = contestants(6, per_gpu=4)
    assert own.parallel == 6
    assert own.title.endswith("`snakemake --cores 6`, one thread each")
    monkeypatch.setattr("scripts.training.gpus.count", lambda: 2)
    recipe, _, own = contestants(6, per_gpu=4)
    assert recipe.title.endswith("padded to 128, one training on one GPU")
    assert own.parallel == 8
    assert own.title.endswith("`snakemake --cores 8`, 4 on a GPU")


def test_settings_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import settings as module

    given = settings(tmp_path)
    given.write(tmp_path / "settings.json")
    monkeypatch.setattr("sys.argv", ["recipe", str(tmp_path / "settings.json")])
    assert module.from_command_line("") == given


def test_the_page_has_a_row_a_contestant(tmp_path: Path) -> None:
    spread = {"median": 2.0, "min": 1.0, "max": 3.0}
    names = ("seconds_a_step", "seconds_apart_from_steps", "seconds_a_trial", "examples_a_second")
    entries = contestants(2)
    document: dict[str, Any] = {
        "model": "package:x/model",
        "git": {"commit": "0123456789abcdef", "dirty": False},
        "number_formats": [],
        "steps": [8, 24],
        "repeats": 3,
        "validated": 32,
        "trial": TRIAL,
        "machine": {"cpu": "A CPU", "cores": 2, "cpu_capability": "AVX2", "gpus": []},
        "products": {"operations": 96e9, "rate": 200e9, "seconds_a_step": 0.48},
        "times_faster": dict.fromkeys((entry.key for entry in entries), spread),
        "contestants": {
            entry.key: {
                "title": entry.title,
                "parallel": entry.parallel,
                "precision": "fp32",
                "peak_memory_mib": spread,
                "rounds": [1.0, 2.0, 4.0],
                **dict.fromkeys(names, spread),
            }
            for entry in entries
        },
    }
    text = page(document)
    rows = [line for line in text.splitlines() if line.startswith("| (")]
    assert len(rows) == 3
    assert len({line.count("|") for line in text.splitlines() if line.startswith("|")}) == 1
    assert all("2.0 (1.0 to 3.0) times" in row for row in rows)
    assert all(", fp32 |" in row for row in rows)
    # 2 trainings of 32 examples in 0.48 s, against 1, 2 and 4 examples a second.
    told = " ".join(text.split())
    assert (
        "than fp32 by: none that `auto` takes. Model: `package:x/model`. Commit: 0123456789."
        in told
    )
    assert "at least 0.480 s of the 2.000 s, 24%" in told
    assert "would be 66.7 (33.3 to 133.3) times as fast as (a)" in told
    # The same page from the file, whose keys are sorted; and one before the products are known.
    write_json(tmp_path / "page.json", document)
    assert page(read_json(tmp_path / "page.json")) == text
    del document["products"]
    assert text.startswith(page(document))


def test_the_operations_of_matrix_products_are_those_of_the_layers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.training.model.device", lambda: torch.device("cpu"))
    model = build(parts.write_model(tmp_path), ["0", "1"], defaults(), 42)
    work = operations(model)
    # Forwards once and backwards twice, 2 operations an element: of the first layer four matrices
    # of 16 x 16, two of 16 x 32, scores and sums of the attention; of the last one all of them for
    # the first token alone, whose attention meets every token in its 2 heads; the keys' bias; then
    # pooler and head.
    square, wide, heads = 16 * 16, 16 * 32, 2
    for length in (1, 7, 100):
        attention = 2 * 16 * length
        first = length * (4 * square + 2 * wide + attention)
        last = 4 * square + 16 + 2 * heads * 16 * length + 2 * wide
        expected = 3 * 2 * (first + last + square + 2 * 16)
        assert work(length) == pytest.approx(expected)


def test_a_steps_operations_are_those_of_padded_batches() -> None:
    work = np.polynomial.Polynomial([0, 1])
    # Batches of 2, whatever they are, of lengths 9 and 3: padded to one of them.
    lengths = np.array([9] * 16 + [3] * 16)
    assert 2 * (9 + 3) / 2 < of_a_step(work, lengths, 2, 42) < 2 * 9
    # All in one are padded to 9.
    assert of_a_step(work, np.array([9, 2, 8, 3]), 4, 42) == pytest.approx(4 * 9)


def test_the_rate_is_a_processors() -> None:
    assert 1e7 < rate((64, 32, 32), torch.float32, 1) < 1e13
