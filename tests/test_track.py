"""What trackers are sent, the command, and life without any tracker installed."""

import itertools
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from scripts import track
from scripts.study import trackers
from scripts.study.errors import StudyError
from scripts.study.files import read_json, write_json
from scripts.study.trackers import TRACKERS
from scripts.study.urls import masked
from scripts.views import results
from scripts.views.trackers import content, to_mlflow, to_tensorboard, to_wandb
from tests.conftest import Snakemake
from tests.tiny import make_study
from tests.tracked import rows, tracked


def call(monkeypatch: pytest.MonkeyPatch, path: Path, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["track", "--study", str(path), *arguments])
    track.main()


@pytest.fixture
def sendings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the trackers that a sending would go to, in order; none is sent."""
    asked: list[str] = []
    for name, module in zip(TRACKERS, (to_mlflow, to_wandb, to_tensorboard), strict=True):
        monkeypatch.setattr(module, "send", lambda *_, name=name: asked.append(name) or name)
    return asked


# What is sent


def test_content(tmp_path: Path) -> None:
    tracked(tmp_path / "fab", model=False)
    loaded = results.load(tmp_path / "fab" / "study.json")
    runs = {run.name: run for run in content.runs(loaded)}
    assert list(runs) == [row["run"] for row in rows(tmp_path / "fab")]
    run = runs["baseline-seed42"]
    assert run.tags == {
        "study": "fab", "stage": "baseline", "stages": "baseline", "status": "complete",
        "seed": "42", "objective": "f1",
    }  # fmt: skip
    assert run.spelled["learning_rate"] == "5e-05"
    assert next(iter(run.metrics)) == "objective"
    losses = run.metrics["train/loss"]
    assert losses[-1].after == run.seconds
    assert losses[0].after == pytest.approx(run.seconds / len(losses))
    assert [point.step for point in run.metrics["validation/loss"]] == [1, 2, 3]
    assert runs["optuna-0003-seed42"].tags["trial"] == "3"
    diverged = runs["optuna-0009-seed42"]
    assert "objective" not in diverged.metrics
    assert len({run.identity for run in runs.values()}) == len(runs)
    for run in runs.values():
        for points in run.metrics.values():
            assert all(math.isfinite(point.value) for point in points)
    again = {run.name: run.identity for run in content.runs(loaded)}
    assert again == {name: run.identity for name, run in runs.items()}


def test_a_run_that_took_longer_is_the_same_run(tmp_path: Path) -> None:
    tracked(tmp_path / "fab", stages=("baseline",), model=False)
    loaded = results.load(tmp_path / "fab/study.json")
    slower = replace(loaded, runs=loaded.runs.assign(seconds=2 * loaded.runs["seconds"]))
    fast, slow = (next(content.runs(one)) for one in (loaded, slower))
    assert fast.metrics["seconds"] != slow.metrics["seconds"]
    assert fast.digest == slow.digest


def test_the_same_run_of_two_studies_is_two(tmp_path: Path) -> None:
    for name in ("one", "two"):
        tracked(tmp_path / name, stages=("baseline",), model=False)
    one, two = (
        next(content.runs(results.load(tmp_path / name / "study.json"))) for name in ("one", "two")
    )
    assert (one.name, one.digest) == (two.name, two.digest)
    assert one.identity != two.identity


def test_a_long_run_is_thinned_and_keeps_its_end(tmp_path: Path) -> None:
    tracked(tmp_path / "fab", stages=("baseline",), model=False)
    path = tmp_path / "fab" / "runs" / "baseline-seed42" / "history.csv"
    first, *_ = path.read_text(encoding="utf-8").splitlines()
    lines = [f"{1 + step // 1_000},{step},0.1,1.0,0.5,,,,,," for step in range(1, 2_501)]
    path.write_text("\n".join([first, *lines]) + "\n", encoding="utf-8")
    run = next(content.runs(results.load(tmp_path / "fab" / "study.json")))
    steps = [point.step for point in run.metrics["train/loss"]]
    assert 500 < len(steps) <= content.MAX_STEPS
    assert steps[-1] == 2_500
    assert len({after - before for before, after in itertools.pairwise(steps)}) == 1


def test_a_run_without_its_files(tmp_path: Path) -> None:
    tracked(tmp_path / "fab", stages=("baseline",), model=False)
    (tmp_path / "fab" / "runs" / "baseline-seed43" / "metrics.json").unlink()
    with pytest.raises(StudyError, match=r"baseline-seed43/metrics.json: no such file; run"):
        list(content.runs(results.load(tmp_path / "fab" / "study.json")))


def test_the_whole_changes_with_its_files(tmp_path: Path) -> None:
    tracked(tmp_path / "fab", stages=("baseline",))
    loaded = results.load(tmp_path / "fab" / "study.json")
    first = content.whole(loaded)
    assert first.model == tmp_path / "fab" / "model"
    assert {"figures/effects.png", "report.html", "summary/runs.csv"} <= set(first.files)
    assert content.whole(loaded).identity == first.identity
    (tmp_path / "fab" / "model" / "README.md").write_text("Another.", encoding="utf-8")
    assert content.whole(loaded).model_digest != first.model_digest
    assert content.whole(loaded).identity != first.identity


def test_what_may_be_shown_of_a_uri() -> None:
    assert masked("http://127.0.0.1:5000") == "http://127.0.0.1:5000"
    assert masked("https://me:a@b@host/x?token=y") == "https://host/x"
    assert masked("postgresql://me:pw@host:1/db?password=x") == "postgresql://host:1/db"
    assert masked("me:pw@host") == "host"


# The command


def test_trackers_that_are_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sendings: list[str]
) -> None:
    on = {"enabled": True}
    path = tracked(tmp_path / "fab", stages=("baseline",), model=False, tensorboard=on, wandb=on)
    call(monkeypatch, path)
    assert sendings == ["wandb", "tensorboard"]
    call(monkeypatch, path, "--to", "mlflow")
    assert sendings[2:] == ["mlflow"]


def test_without_a_choice_it_is_mlflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sendings: list[str]
) -> None:
    call(monkeypatch, tracked(tmp_path / "fab", stages=("baseline",), model=False))
    assert sendings == ["mlflow"]


def test_a_study_from_before_there_were_trackers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tracked(tmp_path / "fab", stages=("baseline",), model=False)
    write_json(path, {key: value for key, value in read_json(path).items() if key != "tracking"})
    with pytest.raises(StudyError, match=r"study.json: tracking missing; `snakemake --forcerun"):
        call(monkeypatch, path)


def test_a_tracker_that_is_off_need_not_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    tracking = trackers.resolved({"mlflow": {"enabled": True}})
    with pytest.raises(StudyError, match=r"tracking\.mlflow: the package mlflow is not installed"):
        trackers.require_installed({"tracking": tracking})
    trackers.require_installed({"tracking": trackers.resolved({})})


@pytest.mark.parametrize("tracker", TRACKERS)
def test_what_to_install_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tracker: str
) -> None:
    path = tracked(tmp_path / "fab", stages=("baseline",), model=False)
    for hidden in TRACKERS:
        monkeypatch.setitem(sys.modules, hidden, None)
    with pytest.raises(StudyError) as caught:
        call(monkeypatch, path, "--to", tracker)
    assert str(caught.value).startswith(
        f"tracking.{tracker}: the package {tracker} is not installed; run `make trackers`"
    )


def test_the_command_says_it_in_one_line(tmp_path: Path, project: Path) -> None:
    path = tracked(tmp_path / "fab", stages=("baseline",), model=False)
    hide = "import sys; sys.modules['mlflow'] = None; sys.argv = ['track', '--study', sys.argv[1]]"
    run = "import runpy; runpy.run_module('scripts.track', run_name='__main__')"
    process = subprocess.run(
        [sys.executable, "-c", f"{hide}; {run}", str(path)],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    assert process.stderr.startswith("snaketune: tracking.mlflow: the package mlflow is not")
    assert process.stderr.count("\n") == 1


# The workflow


def test_a_tracker_that_is_on_belongs_to_the_study(workdir: Path, snakemake: Snakemake) -> None:
    on = {"mlflow": {"enabled": True}}
    switches = {"grid": {"enabled": False}, "optuna": {"trials": 0}, "confirm": {"seeds": 0}}
    off = make_study(workdir, **switches)
    config = yaml.safe_load(off.read_text(encoding="utf-8"))
    other = workdir / "tracked.yaml"
    other.write_text(yaml.safe_dump({**config, "tracking": on}), encoding="utf-8")

    def jobs(path: Path, *targets: str) -> str:
        return snakemake("-n", "--configfile", path, "--cores", "1", "--", *targets).stdout

    assert "rule tracked:" not in jobs(off)
    assert "rule track:" in jobs(off, "track")
    assert "rule tracked:" in jobs(other)
