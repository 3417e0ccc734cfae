"""What a change makes run again, what a touched file does not; what is made again is equal.

On copies of a finished study; nearly all are dry runs.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.study.files import read_json, write_json
from tests.small_project import STUDY, change_config, contents, planned, run

pytestmark = pytest.mark.slow

# Every run whose name is known before the ranking is made again.
AHEAD = 2 + 3 + 1 + 4
VIEWS = ("figures/*", "report.html")


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished project, file times kept."""
    return Path(shutil.copytree(finished, tmp_path / "copy", symlinks=True))


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(text)


def record_as_it_is(folder: Path, path: Path) -> None:
    """Have Snakemake's records say of a file that what was made of it was made of what it is."""
    name = str(path.relative_to(folder))
    checksum = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    for file in (folder / ".snakemake/metadata").iterdir():
        record = read_json(file)
        if name in (record["input_checksums"] or {}):
            record["input_checksums"][name] = checksum
            file.write_text(json.dumps(record), encoding="utf-8")


def test_a_changed_statement_of_the_training_retrains_everything(copy: Path) -> None:
    append(copy / "scripts/training/loop.py", "\nANOTHER_STATEMENT = True\n")
    plan = planned(copy)
    # The warm start too, though the tables that it was taken from are ancient to Snakemake.
    assert (plan["train"], plan["warm_start"]) == (AHEAD, 1)


def test_a_changed_script_reruns_what_depends_on_it(copy: Path) -> None:
    append(copy / "scripts/finalists.py", "\nANOTHER_STATEMENT = True\n")
    # The confirmation, the model that it recommends and the tables of all runs follow from who the
    # finalists are.
    assert set(planned(copy)) == {
        *("finalists", "confirm", "model", "summary", "figures", "report", "all", "total")
    }


def test_the_look_of_the_report_reruns_the_report_alone(copy: Path) -> None:
    append(copy / "scripts/views/assets/report.css", "\nbody { color: black; }\n")
    assert set(planned(copy)) == {"report", "all", "total"}


def test_a_comment_reruns_nothing(copy: Path) -> None:
    for path in copy.glob("scripts/**/*.py"):
        append(path, "\n# Another comment.\n")
    assert planned(copy) == {}


def test_another_model_retrains_everything(copy: Path) -> None:
    shutil.copytree(copy / "tiny-model", copy / "other-model")
    change_config(copy, "model", "path", "other-model")
    plan = planned(copy)
    assert (plan["fetch_model"], plan["train"]) == (1, AHEAD)
    assert "prepare" not in plan


def test_another_config_of_a_local_model_retrains_everything(copy: Path) -> None:
    path = copy / "tiny-model/config.json"
    write_json(path, {**read_json(path), "hidden_act": "relu"})
    plan = planned(copy)
    assert (plan["fetch_model"], plan["train"]) == (1, AHEAD)
    assert "prepare" not in plan


def test_another_revision_of_a_hub_model_retrains_everything(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revisions = "1" * 40, "2" * 40
    # What the hub's client keeps of two revisions; their weights are the same.
    for revision in revisions:
        folder = tmp_path / "hub/models--snaketune--tiny/snapshots" / revision
        shutil.copytree(copy / "tiny-model", folder)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    change_config(copy, "model", "path", "snaketune/tiny")
    change_config(copy, "model", "revision", revisions[0])
    baseline = f"{STUDY}/runs/baseline-seed7/metrics.json"
    process = run(copy, "--cores", "1", baseline)
    assert process.returncode == 0, process.stdout
    assert read_json(copy / baseline)["model"]["revision"] == revisions[0]
    assert planned(copy, baseline) == {}
    change_config(copy, "model", "revision", revisions[1])
    plan = planned(copy, baseline)
    assert (plan["fetch_model"], plan["train"]) == (1, 1)
    assert planned(copy)["train"] == AHEAD


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("columns", {"label": "lable"}), "snaketune: columns: 'lable' is not in the train split"),
        (("model", "sha256", "0" * 64), "snaketune: model.sha256: "),
    ],
)
def test_a_mistake_in_data_or_model_costs_nothing(
    copy: Path, change: tuple[Any, ...], says: str
) -> None:
    config = (copy / "tiny.yaml").read_bytes()
    before = contents(copy, ("data/*.*",))
    change_config(copy, *change)
    process = run(copy, "--cores", "1", full=False)
    assert process.returncode == 1
    assert process.stdout.startswith(says) or f"\n{says}" in process.stdout
    assert "Traceback" not in process.stdout
    assert contents(copy, ("data/*.*",)) == before
    (copy / "tiny.yaml").write_bytes(config)
    assert planned(copy) == {}


def test_runs_of_one_stage_fit_into_blocks(copy: Path) -> None:
    shutil.rmtree(copy / STUDY)
    blocks = ("--groups", "train=block", "--group-components", "block=10")
    local = ("--resources", "gpu=1", "--set-resource-scopes", "gpu=local")
    assert planned(copy, *local, *blocks, "--", "stage_screen")["train"] == 5


def test_another_folder_is_not_started_in(copy: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "snakemake", "-s", str(copy / "Snakefile"), "-n"]
    process = subprocess.run(
        [*command, "--configfile", str(copy / "tiny.yaml")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    profile, *lines = process.stderr.splitlines()
    assert profile.startswith("Using workflow specific profile")
    assert len(lines) == 1
    assert lines[0].startswith(
        f"snaketune: started in {tmp_path}; start snakemake in the project's"
    )


@pytest.mark.parametrize(
    ("key", "value"), [("memory_mb", 3100), ("runtime", 100), ("gpu", 0), ("per_gpu", 2)]
)
def test_what_a_machine_gives_a_training_trains_nothing(copy: Path, key: str, value: int) -> None:
    change_config(copy, "training", {key: value})
    # The page shows the whole config.
    assert set(planned(copy)) <= {"figures", "provenance", "report", "all", "total"}


def test_a_changed_value_of_the_screening_trains_it_alone(copy: Path) -> None:
    change_config(copy, "hyperparameters", "train_batch_size", "screen", [4, 8])
    plan = planned(copy)
    assert (plan["train"], plan["rank"]) == (1, 1)
    assert not {"search_space", "warm_start", "ask"} & set(plan)


def test_figures_and_report_made_again_are_the_same_bytes(copy: Path) -> None:
    before = contents(copy, VIEWS)
    shutil.rmtree(copy / STUDY / "figures")
    (copy / STUDY / "report.html").unlink()
    process = run(copy, "--cores", "2")
    assert process.returncode == 0, process.stdout
    after = contents(copy, VIEWS)
    assert len(before) > 20
    assert [name for name in before if after[name] != before[name]] == []


def test_the_report_shows_where_the_study_comes_from(finished: Path) -> None:
    page = (finished / STUDY / "report.html").read_text(encoding="utf-8")
    provenance = read_json(finished / STUDY / "provenance.json")
    section = page[page.index('<section id="provenance"') :]
    assert provenance["machine"]["cpu"] in section
    assert provenance["data"]["fingerprint"][:12] in section
    assert provenance["model"]["sha256"][:12] in section
    assert provenance["config_sha256"][:12] in section
    assert provenance["packages"]["torch"] in section


def test_a_model_that_lost_its_weights_is_told_of_and_made_again_without_its_card(
    copy: Path,
) -> None:
    model = copy / STUDY / "model"
    (model / "model.safetensors").unlink()
    process = run(copy, "-n")
    assert process.returncode == 0, process.stdout
    assert f"snaketune: {STUDY}/model/model.safetensors: not there; delete the" in process.stdout
    (model / "README.md").unlink()
    assert {"model"} == set(planned(copy)) - {"all", "total"}


def test_verify_confirms_identical_runs_and_names_what_differs(copy: Path) -> None:
    """The final configuration is stored as another version of torch might have left it."""
    final = read_json(copy / STUDY / "model/snaketune.json")["run"]
    path = copy / STUDY / f"runs/{final}/metrics.json"
    metrics = read_json(path)
    metrics["versions"]["torch"] = "2.12.0"
    metrics["objective"]["value"] -= 0.25
    write_json(path, metrics)
    # Old, or the tables would be made again first, and refuse such a file.
    os.utime(path, (1e9, 1e9))
    record_as_it_is(copy, path)
    process = run(copy, "--cores", "1", "--retries", "2", "--", "verify")
    assert process.returncode != 0
    # A second try could be right by luck.
    assert "Trying to restart" not in process.stdout
    lines = (copy / STUDY / "logs/verify.log").read_text().splitlines()
    # All seeds of this study's baseline score the same.
    assert lines[0].startswith(f"NO  {final}: +0.2500, without seeds of the baseline that differ")
    assert lines[0].endswith("differs in versions")
    assert [line[:3] for line in lines[1:3]] == ["ok ", "ok "]
    assert all(line.endswith(": identical") for line in lines[1:3])
    assert json.loads(path.read_text()) == metrics
    assert len(lines) == 4
    # It has the time of all that it trains.
    minutes = 3 * read_json(copy / STUDY / "study.json")["training"]["runtime"]
    assert f" runtime={minutes}," in run(copy, "-n", "--", "verify").stdout
