"""A study whose trainings fail: what goes on, what stops, and what is told. Trainings are stubs."""

import shutil
from pathlib import Path

import pytest

from scripts.study.files import read_json
from tests.small_project import STUDY, change_config, contents, new_project, planned, run
from tools.project import PROJECT

pytestmark = pytest.mark.slow

# All but the figures and the report, which take longer than the rest of such a study.
TARGETS = ("--", *(f"{STUDY}/{name}" for name in ("best.json", "optuna/trials.csv")))
# Before the formula: the runs named in the file `failing` end as it says.
FAIL = """
import json, os, sys
from pathlib import Path
_run = Path(sys.argv[sys.argv.index("--run") + 1]).parent.name
_end = json.loads(Path("failing.json").read_text()).get(_run)
if _end == "kill":
    os.kill(os.getpid(), 9)
if _end == "memory":
    bytearray(10**17)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with the small study, in which the runs of failing.json fail."""
    folder = new_project(tmp_path / "project")
    formula = (PROJECT / "tests/formula_training.py").read_text()
    (folder / "scripts/train.py").write_text(formula.replace('"""\n\n', f'"""\n{FAIL}\n', 1))
    (folder / "failing.json").write_text('{"optuna-0001-seed7": "kill"}')
    return folder


def test_a_failing_trial_does_not_stop_the_search(project: Path) -> None:
    process = run(project, "--cores", "2", *TARGETS)
    assert process.returncode == 0, process.stdout
    trials = (project / STUDY / "optuna/trials.csv").read_text()
    assert trials.count(",failed,") == 1
    home = project / STUDY / "runs/optuna-0001-seed7"
    assert read_json(home / "metrics.json")["failure"] == "killed by SIGKILL"
    log = (project / STUDY / "logs/train/optuna-0001-seed7.log").read_text()
    assert log.splitlines()[-1] == "optuna-0001-seed7: failed, killed by SIGKILL"
    assert read_json(project / STUDY / "best.json")["run"] != "optuna-0001-seed7"
    before = contents(project)

    # Another trial fails in another way, and only as many as before may.
    (project / "failing.json").write_text(
        '{"optuna-0001-seed7": "kill", "optuna-0002-seed7": "memory"}'
    )
    change_config(project, "optuna", "max_failed", 1)
    shutil.rmtree(project / STUDY / "runs/optuna-0002-seed7")
    process = run(project, "--cores", "2", *TARGETS)
    assert process.returncode != 0
    assert (
        "snaketune: optuna.max_failed: 2 of 2 trials failed, 1 may: optuna-0001-seed7 (killed by"
        " SIGKILL), optuna-0002-seed7 (ended with MemoryError)"
    ) in process.stdout

    # What it says: train it again, without the fault.
    (project / "failing.json").write_text('{"optuna-0001-seed7": "kill"}')
    shutil.rmtree(project / STUDY / "runs/optuna-0002-seed7")
    process = run(project, "--cores", "2", *TARGETS)
    assert process.returncode == 0, process.stdout

    # Where more may fail, tables are made again; nothing is proposed or trained.
    change_config(project, "optuna", "max_failed", 2)
    assert set(planned(project, *TARGETS)) == {"trials", "gather", "best", "total"}
    process = run(project, "--cores", "2", *TARGETS)
    assert process.returncode == 0, process.stdout
    after = contents(project)
    assert [name for name in before if after[name] != before[name]] == []


def test_a_failing_run_by_hand_stops_with_its_log(project: Path) -> None:
    (project / "failing.json").write_text('{"baseline-seed7": "memory"}')
    process = run(project, "--cores", "1", f"{STUDY}/runs/baseline-seed7/metrics.json")
    assert process.returncode != 0
    assert "MemoryError" in process.stdout
    assert "trying once more" not in process.stdout
    assert not (project / STUDY / "runs/baseline-seed7/metrics.json").exists()
