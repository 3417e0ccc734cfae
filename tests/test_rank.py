"""The command that ranks: its three files and what it says."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts import rank
from scripts.study.errors import StudyError
from tests.analysis_runs import full_study, make_study, write_study


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def score(values: Any, seed: int) -> float:
    points = 800 + (100 if values["learning_rate"] == 2e-4 else 0)
    points -= 40 if values["train_batch_size"] == 64 else 0
    return (points + 10 * (seed - 43)) / 1000


def test_ranking_choice_and_results_are_written(tmp_path: Path) -> None:
    path = write_study(tmp_path, full_study(), score)
    text = rank.rank(path)
    assert text.splitlines() == [
        "screen: 4 runs, best f1 0.8900 (learning_rate=0.0002)",
        "rank: chosen learning_rate (0.1000), train_batch_size (0.0500);"
        " sd of the baseline's seeds 0.0100",
    ]
    first, second = rows(tmp_path / "screen" / "ranking.csv")
    assert (
        list(first)
        == (
            "hyperparameter rank chosen effect worst_level best_level noise_sd effect_to_noise runs"
            " diverged estimable effect_low effect_high p p_holm stands_out"
        ).split()
    )
    assert first["hyperparameter"] == "learning_rate"
    assert (first["rank"], first["chosen"], first["effect"]) == ("1", "1", "0.1")
    # On one seed of three, a level equal to the baseline stands below the baseline's mean.
    assert (first["worst_level"], first["best_level"]) == ("1e-05", "0.0002")
    assert (first["runs"], first["diverged"], first["estimable"]) == ("2", "0", "1")
    assert float(first["effect_to_noise"]) == pytest.approx(10)
    assert float(first["effect_low"]) < 0.1 < float(first["effect_high"])
    assert 0 < float(first["p"]) <= float(first["p_holm"]) < 1
    assert (second["worst_level"], second["best_level"]) == ("64", "32")
    chosen = json.loads((tmp_path / "screen" / "chosen.json").read_text())
    assert chosen["hyperparameters"] == ["learning_rate", "train_batch_size"]
    assert "2 largest effects on f1" in chosen["rule"]
    assert chosen["too_close"] == []
    results = rows(tmp_path / "screen" / "results.csv")
    seeds = ["baseline"] * 3
    assert [row["stages"] for row in results] == [*seeds, "screen", "screen", "screen", "screen"]
    assert "seconds" not in results[0]


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    path = write_study(tmp_path, full_study(), score)
    rank.rank(path)
    before = {file.name: file.read_bytes() for file in (tmp_path / "screen").iterdir()}
    rank.rank(path)
    assert before == {file.name: file.read_bytes() for file in (tmp_path / "screen").iterdir()}


def test_a_choice_within_the_noise_is_told_unless_the_user_made_it(tmp_path: Path) -> None:
    def noisy(values: Any, seed: int) -> float:
        points = 800 + 20 * (values["learning_rate"] == 2e-4) + 10 * (values["dropout"] == 0.3)
        return (points + 50 * (seed - 43)) / 1000

    blocks = {
        name: {"screen": [level], "grid": [level]}
        for name, level in (("learning_rate", 2e-4), ("dropout", 0.3))
    }
    for named in (None, ["learning_rate"]):
        study = make_study(
            blocks, grid={"enabled": True}, rank={"top": 1, "hyperparameters": named}
        )
        rank.rank(write_study(tmp_path, study, noisy))
        chosen = json.loads((tmp_path / "screen" / "chosen.json").read_text())
        assert len(chosen["hyperparameters"]) == 1
        assert len(chosen["too_close"]) == (1 if named is None else 0)


def test_nothing_screened_leaves_a_header_where_the_config_names_the_choice(
    tmp_path: Path,
) -> None:
    study = make_study(
        {"dropout": {"grid": [0.0, 0.1]}},
        grid={"enabled": True},
        rank={"hyperparameters": ["dropout"]},
    )
    assert rank.rank(write_study(tmp_path, study, score)).startswith("screen: 0 runs\n")
    assert rows(tmp_path / "screen" / "ranking.csv") == []
    assert {row["stage"] for row in rows(tmp_path / "screen" / "results.csv")} == {"baseline"}


def test_nothing_screened_and_nothing_named_writes_nothing(tmp_path: Path) -> None:
    grids = {"dropout": {"grid": [0.0, 0.1]}, "weight_decay": {"grid": [0.0, 0.1]}}
    study = make_study(grids, grid={"enabled": True}, rank={"top": 1})
    path = write_study(tmp_path, study, score)
    with pytest.raises(StudyError, match="nothing was screened"):
        rank.rank(path)
    assert not (tmp_path / "screen").exists()


def test_all_diverged_is_answered(tmp_path: Path) -> None:
    path = write_study(tmp_path, full_study(), lambda values, seed: None)
    said = rank.rank(path)
    assert "screen: 4 runs (4 diverged), none completed" in said
    assert said.endswith("; sd of the baseline's seeds unknown")
    assert [row["effect"] for row in rows(tmp_path / "screen" / "ranking.csv")] == ["", ""]


def test_a_study_json_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    for text in ("{}", "[]"):
        path.write_text(text)
        with pytest.raises(StudyError, match="not a resolved study"):
            rank.rank(path)


def test_the_command_prints_what_it_did_and_says_what_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", ["rank", *map(str, arguments)])
        rank.main()

    path = write_study(tmp_path, full_study(), score)
    run("--study", path)
    assert capsys.readouterr().out == f"{rank.rank(path)}\n"
    with pytest.raises(SystemExit):
        run()
    assert "the following arguments are required: --study" in capsys.readouterr().err
    with pytest.raises(SystemExit, match=r"^0$"):
        run("--help")
    said = capsys.readouterr().out
    assert said.startswith("usage: rank [-h] --study STUDY\n\nRank the screened hyperparameters")
    assert "--study STUDY  path of study.json\n" in said
