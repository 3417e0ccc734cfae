"""The whole workflow on a study that takes a minute: what is planned, trained, kept and refused.

One study is trained once; each test works on a copy of it.
"""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.browser import NARROW, WIDE, Chromium
from tests.small_project import (
    STUDY,
    change_config,
    contents,
    new_project,
    planned,
    run,
    trained,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished project, file times kept."""
    return Path(shutil.copytree(finished, tmp_path / "copy", symlinks=True))


@pytest.fixture
def change(copy: Path) -> Callable[..., None]:
    """Return a function that changes one value of the copy's config: keys, then the value."""

    return partial(change_config, copy)


def test_every_fixed_file_is_there(finished: Path) -> None:
    study = finished / STUDY
    names = [
        "screen/ranking.csv",
        "grid/results.csv",
        "optuna/trials.csv",
        "optuna/study.db",
        "summary/runs.csv",
        *(
            f"summary/{name}"
            for name in (
                "gathered.csv",
                "searches.csv",
                "best-so-far.csv",
                "random-search.csv",
                "importances.csv",
                "advice.json",
            )
        ),
        "best.json",
        "confirm/finalists.json",
        "confirm/results.csv",
        "verdict.json",
        "report.html",
        "model/README.md",
        "model/config.json",
        "model/model.safetensors",
        "model/tokenizer.json",
        *(
            f"figures/parallel-coordinates-{stage}.{kind}"
            for stage in ("screen", "grid", "optuna", "all")
            for kind in ("png", "svg")
        ),
    ]
    assert [name for name in names if not (study / name).stat().st_size] == []
    for home in (study / "runs").iterdir():
        files = {path.name for path in home.iterdir()}
        assert files == {
            "run.json",
            "metrics.json",
            "history.csv",
            "predictions.csv",
            "benchmark.tsv",
        }


def test_a_finished_study_has_nothing_to_do(finished: Path) -> None:
    assert planned(finished) == {}


def test_jobs_have_the_environment_where_conda_is_used_alone(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [path for path in (finished / ".snakemake/metadata").rglob("*") if path.is_file()]
    assert {json.loads(path.read_text())["conda_env"] for path in records} == {None}
    # What Snakemake asks of a conda before it lists what it would create.
    (tmp_path / "conda").write_text(
        "#!/bin/sh\n"
        "case $1 in\n"
        "  --version) echo conda 25.1.0 ;;\n"
        """  info) echo '{"conda_prefix": "/nowhere", "platform": "linux-64"}' ;;\n"""
        """  config) echo '{"get": {"channel_priority": "strict"}}' ;;\n"""
        "esac\n"
    )
    (tmp_path / "conda").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for options in ((), ("--software-deployment-method", "conda")):
        process = run(finished, *options, "--list-conda-envs")
        assert process.returncode == 0, process.stdout
        assert process.stdout.splitlines()[-1].split()[0] == "environment.yml"


def test_the_storage_opens_in_optuna(finished: Path) -> None:
    import optuna

    study = optuna.load_study(
        study_name="tiny", storage=f"sqlite:///{finished / STUDY / 'optuna/study.db'}"
    )
    warm = [trial for trial in study.trials if trial.user_attrs["warm_start"]]
    own = [trial for trial in study.trials if not trial.user_attrs["warm_start"]]
    assert len(own) == 4
    assert warm, "the study is warm-started"
    assert all(trial.intermediate_values for trial in own)
    assert {trial.user_attrs["run"] for trial in own} == {
        f"optuna-{number:04d}-seed7" for number in range(1, 5)
    }


def test_a_note_in_the_storage_is_no_damage(copy: Path) -> None:
    import optuna

    storage = f"sqlite:///{copy / STUDY / 'optuna/study.db'}"
    optuna.load_study(study_name="tiny", storage=storage).set_user_attr("note", "look at trial 3")
    assert planned(copy) == {}
    (copy / STUDY / "optuna/study.db").unlink()
    assert planned(copy)["trials"] == 1


def test_one_core_gives_the_same_bytes_as_two(finished: Path, tmp_path: Path) -> None:
    folder = new_project(tmp_path / "project")
    process = run(folder, "--cores", "1", "--resources", "gpu=1")
    assert process.returncode == 0, process.stdout
    assert contents(folder) == contents(finished)


def test_a_new_grid_value_trains_the_new_points_only(
    copy: Path, change: Callable[..., None]
) -> None:
    before = contents(copy)
    change("hyperparameters", "learning_rate", "grid", [0.001, 0.003, 0.01])
    process = run(copy, "--cores", "2")
    assert process.returncode == 0, process.stdout
    # A new point may become a finalist; fresh seeds are counted from 1007.
    assert {name for name in trained(process.stdout) if name.endswith("-seed7")} == {
        "learning_rate=0.003-seed7",
        "learning_rate=0.003+train_batch_size=8-seed7",
    }
    after = contents(copy)
    kept = [name for name in before if name.startswith(("optuna/", "runs/"))]
    assert [name for name in kept if after[name] != before[name]] == []
    assert (copy / STUDY / "grid/results.csv").read_text().count("\n") == 1 + 6
    assert planned(copy) == {}


def test_more_trials_continue_the_study(copy: Path, change: Callable[..., None]) -> None:
    change("optuna", "trials", 5)
    plan = planned(copy)
    assert (plan["train"], plan["ask"]) == (1, 1)
    assert "search_space" not in plan


def test_only_the_confirmation_looks_at_the_test_split(finished: Path) -> None:
    runs = finished / STUDY / "runs"
    tested = {
        path.parent.name for path in runs.glob("*/metrics.json") if "test" in path.read_text()
        and "test" in json.loads(path.read_text())
    }  # fmt: skip
    fresh = {path.name for path in runs.iterdir() if "-seed100" in path.name}
    assert tested == fresh
    assert len(fresh) == 4
    for home in runs.iterdir():
        text = (home / "predictions.csv").read_text()
        assert ("\ntest," in text) == (home.name in fresh)


def test_another_fresh_seed_trains_it_alone(copy: Path, change: Callable[..., None]) -> None:
    before = contents(copy)
    change("confirm", {"configurations": 1, "seeds": 3})
    process = run(copy, "--cores", "2")
    assert process.returncode == 0, process.stdout
    names = trained(process.stdout)
    assert len(names) == 2
    assert all(name.endswith("-seed1009") for name in names)
    after = contents(copy)
    kept = [name for name in before if name.startswith(("runs/", "optuna/"))]
    assert [name for name in kept if after[name] != before[name]] == []
    assert planned(copy) == {}


def test_a_changed_baseline_is_never_answered_with_old_results(
    copy: Path, change: Callable[..., None]
) -> None:
    change("hyperparameters", "num_train_epochs", "baseline", 3)
    process = run(copy, "--cores", "2")
    assert process.returncode == 0, process.stdout
    with (copy / STUDY / "summary/runs.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["num_train_epochs"] for row in rows} == {"3"}
    assert {row["run"] for row in rows} == trained(process.stdout)
    assert planned(copy) == {}


def test_what_is_told_to_make_again_is(copy: Path) -> None:
    """A file that nothing else waits for is missed by nobody: docs/stages.md says what to type."""
    assert planned(copy, "--forcerun", "warm_start")["train"] == 4
    (copy / STUDY / "study.json").unlink()
    assert planned(copy) == {}
    process = run(copy, "--cores", "1", "--forcerun", "report")
    assert process.returncode == 0, process.stdout
    assert json.loads((copy / STUDY / "study.json").read_text())["study"] == "tiny"


def test_touched_files_rerun_nothing(copy: Path) -> None:
    for path in [*copy.glob("tiny-data/*"), *copy.glob("scripts/**/*.py")]:
        path.touch()
    assert planned(copy) == {}


def test_changed_data_retrain_everything(copy: Path) -> None:
    path = copy / "tiny-data/train.jsonl"
    path.write_text(path.read_text().replace("dog", "cat"))
    # Which points the grid has, and who the finalists are, is known when the ranking is made again.
    with (copy / STUDY / "summary/runs.csv").open(newline="") as stream:
        stages = [row["stages"] for row in csv.DictReader(stream)]
    ahead = [stage for stage in stages if stage not in ("grid", "confirm")]
    assert planned(copy)["train"] == len(ahead)


def test_another_runs_results_are_refused(copy: Path) -> None:
    """A run.json that is not what the config plans never reaches a table."""
    runs = copy / STUDY / "runs"
    shutil.copy2(runs / "baseline-seed7/run.json", runs / "baseline-seed8/run.json")
    process = subprocess.run(
        [sys.executable, "-m", "scripts.summary", "--study", str(STUDY / "study.json")],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    assert "baseline-seed8/run.json" in process.stderr
    assert "Traceback" not in process.stderr


@pytest.mark.parametrize(
    "name", ["lerning_rate=1-seed42", "learning_rate=2e-5-seed42", "baseline-seed", "optuna-7"]
)
def test_a_run_that_nobody_plans_is_not_trained(copy: Path, name: str) -> None:
    process = run(copy, "-n", "--", f"{STUDY}/runs/{name}/metrics.json")
    assert process.returncode != 0


def test_snakemakes_own_report(copy: Path) -> None:
    process = run(copy, "--report", "r.html")
    assert process.returncode == 0, process.stdout
    page = (copy / "r.html").read_text(encoding="utf-8")
    assert "parallel-coordinates-all" in page


@pytest.mark.browser
def test_snakemakes_own_report_in_a_browser(copy: Path, browser: Chromium) -> None:
    process = run(copy, "--report", "r.html")
    assert process.returncode == 0, process.stdout
    for width in (WIDE, NARROW):
        for dark in (False, True):
            browser.open(copy / "r.html", width, dark)
            browser.settle()
            # Snakemake's style sheet warns that it is made in the page
            assert browser.complaints(warnings=False) == []
            assert browser.requests() == []
            assert "1 Result" in browser.text("body")


def test_report_is_a_target(copy: Path) -> None:
    (copy / STUDY / "report.html").unlink()
    process = run(copy, "--cores", "1", "--", "report")
    assert process.returncode == 0, process.stdout
    assert (copy / STUDY / "report.html").exists()


def test_output_is_short_but_failures_are_told_in_full(copy: Path) -> None:
    (copy / STUDY / "report.html").unlink()
    process = run(copy, "--cores", "1", "--", "report", full=False)
    assert process.returncode == 0, process.stdout
    assert "report: results/tiny/report.html" in process.stdout
    assert "1 of 1 steps (100%) done" in process.stdout
    for noise in ("rule report:", "Finished jobid", "Select jobs", "Execute"):
        assert noise not in process.stdout
    (copy / STUDY / "report.html").unlink()
    (copy / STUDY / "summary/runs.csv").write_text("broken")
    arguments = ("--cores", "1", "--rerun-triggers", "params", "--", f"{STUDY}/report.html")
    process = run(copy, *arguments, full=False)
    assert process.returncode != 0
    assert "snaketune: results/tiny/summary/runs.csv: not what it was when" in process.stdout
    assert "Traceback" not in process.stdout
    # Without Snakemake's records nobody knows what it was.
    shutil.rmtree(copy / ".snakemake/metadata")
    process = run(copy, *arguments, full=False)
    assert process.returncode != 0
    assert re.search(r"^Error in rule (figures|report):", process.stdout, re.M)
    assert "snaketune: results/tiny/summary/runs.csv: the column 'run' is missing" in process.stdout


def test_the_status_of_a_finished_study(finished: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "scripts.status", "--study", "tiny"],
        cwd=finished,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert re.search(r"^ all +15 +15 +0 +0 +0 *$", process.stdout, re.M)
    assert "nothing to go" in process.stdout


def test_a_wrong_config_is_one_line(copy: Path, change: Callable[..., None]) -> None:
    change("hyperparameters", "learning_rate", "grid", [2.0])
    process = run(copy, "-n")
    assert process.returncode != 0
    lines = [line for line in process.stdout.splitlines() if "snaketune:" in line]
    assert len(lines) == 1
    assert "hyperparameters.learning_rate.grid[0]" in lines[0]
    assert "2.0" in lines[0]
    assert "Traceback" not in process.stdout
