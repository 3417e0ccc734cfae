"""What `benchmarks.quality` does with scores; nothing is trained here."""

from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from benchmarks import quality
from benchmarks.contestants import Contestant, Measured
from benchmarks.settings import Settings
from scripts.study.errors import StudyError
from scripts.study.files import read_json
from tests.tiny import make_data


def runs(**scores: list[float]) -> list[dict[str, Any]]:
    return [
        {"contestant": key, "seed": seed, "accuracy": score - 0.05, "f1": score,
         "git": {"commit": "0123456789", "dirty": False}}
        for key, several in scores.items()
        for seed, score in enumerate(several, start=quality.FIRST_SEED)
    ]  # fmt: skip


def test_whoever_is_behind_is_next() -> None:
    wanted = {"lightning": 2, "snaketune": 4}
    assert quality.next_up([], wanted) == ("lightning", 42)
    assert quality.next_up(runs(lightning=[0.8]), wanted) == ("snaketune", 42)
    some = runs(lightning=[0.8], snaketune=[0.8, 0.8, 0.8])
    assert quality.next_up(some, wanted) == ("lightning", 43)
    more = runs(lightning=[0.8, 0.8], snaketune=[0.8, 0.8, 0.8])
    assert quality.next_up(more, wanted) == ("snaketune", 45)
    assert quality.next_up(runs(lightning=[0.8] * 2, snaketune=[0.8] * 5), wanted) is None


def test_the_interval_is_scipys() -> None:
    own, recipe = [0.85, 0.86, 0.88, 0.84], [0.86, 0.83, 0.87]
    found = quality.difference(runs(snaketune=own, lightning=recipe), "f1")
    known = stats.ttest_ind(own, recipe, equal_var=False).confidence_interval(0.95)
    assert found is not None
    assert found["interval"] == pytest.approx([known.low, known.high])
    assert found["gain"] == pytest.approx(sum(own) / 4 - sum(recipe) / 3)
    assert quality.difference(runs(snaketune=own, lightning=[0.8]), "f1") is None


def test_it_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, int, int]] = []

    def contestant(key: str, parallel: int) -> Contestant:
        def measure(settings: Settings, folder: Path) -> Measured:
            asked.append((key, settings.seed, settings.examples))
            scores = [{"accuracy": 0.7, "f1": 0.8 + settings.seed / 1e3} for _ in range(parallel)]
            return Measured(1.0, 1.0, tuple(scores))

        return Contestant(key, key, parallel, measure)

    def call(*arguments: str) -> None:
        given = ["--data", str(tmp_path / "data"), "--model", str(tmp_path / "model")]
        output = ["--output", str(tmp_path / "quality")]
        monkeypatch.setattr("sys.argv", ["quality", *given, *output, *arguments])
        quality.main()

    make_data(tmp_path / "data", {"train": 8, "validation": 8})
    (tmp_path / "model").mkdir()
    (tmp_path / "model/model.safetensors").touch()
    monkeypatch.setattr("benchmarks.contestants.PACKAGES", tmp_path)
    both = [contestant("lightning", 1), contestant("snaketune", 2)]
    monkeypatch.setattr(quality, "contestants", lambda cores: both)
    call("--minutes", "0")
    assert asked == []
    call("--recipe", "1", "--own", "2")
    assert asked == [("lightning", 42, 8), ("snaketune", 42, 8)]
    assert "| 1 of 1 |" in (tmp_path / "quality.md").read_text()
    assert "| not yet | not yet |" in (tmp_path / "quality.md").read_text()
    call("--recipe", "2", "--own", "4")
    assert asked[2:] == [("lightning", 43, 8), ("snaketune", 44, 8)]
    document = read_json(tmp_path / "quality.json")
    assert [run["seed"] for run in document["runs"]] == [42, 42, 43, 43, 44, 45]
    page = (tmp_path / "quality.md").read_text()
    assert "| 2 of 2 | 0.7000 (0.0000) | 0.8425 (0.0007) |" in page
    assert "95% interval by Welch | | +0.0000 (+0.0000 to +0.0000) | +0.0005 (" in page
    assert capsys.readouterr().out.count("\n") == 6
    with pytest.raises(StudyError, match=r"quality\.json: of other settings or another machine"):
        call("--epochs", "1")
    known = quality.machine()
    monkeypatch.setattr(quality, "machine", lambda: known | {"cpu": "Another"})
    with pytest.raises(StudyError, match="another machine"):
        call("--recipe", "2", "--own", "4")
