"""A study's files against Snakemake's checksums: what was altered is named, what is new is not."""

import hashlib
import json
import shutil
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.study.errors import StudyError
from scripts.study.integrity import altered, check, lost

STUDY = "results/tiny"
TABLE, BEST = f"{STUDY}/grid/results.csv", f"{STUDY}/best.json"


def record(name: str, when: float, *inputs: str, folder: str = "metadata") -> Path:
    """Write what Snakemake would record of a file that was made at `when` of `inputs`."""
    path = Path(".snakemake", folder, *_parts(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    sums = {one: f"sha256:{hashlib.sha256(Path(one).read_bytes()).hexdigest()}" for one in inputs}
    path.write_text(json.dumps({"rule": "x", "endtime": when, "input_checksums": sums}))
    return path


def alter(name: str, made: str) -> str:
    """Write a file of which `made` is made, and then something else; return its name."""
    Path(name).parent.mkdir(parents=True)
    Path(name).write_text("{}")
    record(name, 5.0)
    record(made, 20.0, name)
    Path(name).write_text("[]")
    return name


def _parts(name: str) -> list[str]:
    text = urlsafe_b64encode(name.encode()).decode()
    parts = [text[start : start + 254] for start in range(0, len(text), 254)]
    return [f"@{part}" for part in parts[:-1]] + parts[-1:]


@pytest.fixture(autouse=True)
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a folder with two files of a study, the second made of the first."""
    monkeypatch.chdir(tmp_path)
    Path(TABLE).parent.mkdir(parents=True)
    Path(TABLE).write_text("a,b\n1,2\n")
    Path(BEST).write_text("{}")
    record(TABLE, 10.0)
    record(BEST, 20.0, TABLE)


def test_files_that_are_what_they_were_are_passed() -> None:
    check(STUDY)


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _link_to_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_text("a,b\n1,3\n"),
        lambda path: path.write_text(""),
        _directory,
    ],
)
def test_an_altered_file_is_named_with_what_was_made_of_it(damage: Callable[[Path], None]) -> None:
    damage(Path(TABLE))
    with pytest.raises(StudyError) as caught:
        check(STUDY)
    assert str(caught.value).startswith(f"{TABLE}: not what it was when {BEST} was made of it")
    assert "delete it and run snakemake again" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_link_to_nowhere_is_named_with_where_it_leads() -> None:
    _link_to_nowhere(Path(TABLE))
    folder = Path(TABLE).parent
    for link in (TABLE, folder):
        with pytest.raises(StudyError) as caught:
            check(STUDY)
        said = str(caught.value)
        assert said.startswith(f"{link}: a link to nowhere, where there is nothing, and {BEST} was")
        assert f"made of {TABLE}; bring that back, or delete the link and run snakemake" in said
        assert "\n" not in said
        if link == TABLE:
            shutil.rmtree(folder)
            folder.symlink_to("nowhere")


def test_of_many_altered_files_some_are_named() -> None:
    names = [f"{STUDY}/runs/run-{number}/metrics.json" for number in range(6)]
    for name in names:
        Path(name).parent.mkdir(parents=True)
        Path(name).write_text("{}")
        record(name, 5.0)
    record(BEST, 20.0, *names)
    for name in names:
        Path(name).write_text("[]")
    with pytest.raises(StudyError) as caught:
        check(STUDY)
    assert [one.path for one in altered(STUDY)] == names
    assert str(caught.value).count("\n") == 1
    assert names[1] in str(caught.value)
    assert str(caught.value).endswith("and 2 more")


def test_what_is_missing_is_snakemakes_affair() -> None:
    Path(TABLE).unlink()
    assert altered(STUDY) == []


def test_a_file_made_again_and_not_used_yet_is_no_damage() -> None:
    """As when a study is killed between two rules, after its config changed."""
    Path(TABLE).write_text("a,b\n1,3\n")
    record(TABLE, 30.0)
    assert altered(STUDY) == []


def test_a_file_that_a_killed_study_left_unfinished_is_no_damage() -> None:
    Path(TABLE).write_text("a,b\n1,3\n")
    record(TABLE, 0.0, folder="incomplete")
    assert altered(STUDY) == []


def test_the_latest_use_counts() -> None:
    """A file that is ancient to one rule was made again before the other one read it."""
    Path(TABLE).write_text("a,b\n1,3\n")
    record(TABLE, 30.0)
    record(f"{STUDY}/report.html", 40.0, TABLE)
    assert altered(STUDY) == []
    Path(TABLE).write_text("a,b\n1,2\n")
    assert [(one.path, one.made) for one in altered(STUDY)] == [(TABLE, f"{STUDY}/report.html")]


def test_optunas_storage_may_change() -> None:
    """Earlier records have its checksum."""
    alter("results/a/optuna/study.db", "results/a/report.html")
    assert altered("results/a") == []


def test_the_users_own_files_may_change() -> None:
    Path("data.csv").write_text("old")
    record(f"{STUDY}/data/info.json", 15.0, "data.csv")
    Path("data.csv").write_text("new")
    assert altered(STUDY) == []


def test_other_studies_are_not_looked_at() -> None:
    Path(TABLE).write_text("a,b\n1,3\n")
    assert altered("results/tin") == []


def test_long_names_are_found() -> None:
    name = alter(f"{STUDY}/runs/{'x' * 200}/metrics.json", BEST)
    assert [one.path for one in altered(STUDY)] == [name]


def test_without_records_nothing_is_known() -> None:
    assert altered(STUDY, Path("elsewhere")) == []


def test_a_record_that_is_no_json_says_nothing_and_other_json_is_named() -> None:
    path = record(BEST, 20.0, TABLE)
    path.write_text("{")
    assert altered(STUDY) == []
    path.write_text("[1]")
    with pytest.raises(StudyError, match="not what Snakemake records of a file; delete it"):
        altered(STUDY)


def test_a_record_that_is_no_text_is_named() -> None:
    """Snakemake ends with a traceback there, which names no file."""
    path = record(TABLE, 10.0)
    path.write_bytes(b"\xff\xfe\x80garbage")
    with pytest.raises(StudyError, match="not what Snakemake records of a file; delete it"):
        check(STUDY)


def test_what_a_final_model_lacks_is_told_with_the_cure() -> None:
    model = Path(STUDY, "model")
    cure = "; delete the model's README.md and run snakemake again"
    assert lost(model) == []
    # Where no run completed there is the card alone.
    model.mkdir()
    (model / "README.md").write_text("No model.")
    assert lost(model) == []
    (model / "config.json").write_text("{}")
    assert lost(model) == [f"{model}/snaketune.json: not there{cure}"]
    (model / "snaketune.json").write_text('{"files": {"config.json": "", "model.safetensors": ""}}')
    assert lost(model) == [f"{model}/model.safetensors: not there{cure}"]
    (model / "model.safetensors").write_text("")
    assert lost(model) == []
    (model / "snaketune.json").write_text("[]")
    assert lost(model) == [f"{model}/snaketune.json: files missing{cure}"]
    for files in ("null", "5", "[1]"):
        (model / "snaketune.json").write_text(f'{{"files": {files}}}')
        assert lost(model)[0].startswith(
            f"{model}/snaketune.json: files is {files}, which no study"
        )
    # It is made again without its card, whatever else is there.
    (model / "README.md").unlink()
    assert lost(model) == []


def test_of_a_run_that_lost_its_run_json_the_folder_is_to_be_deleted() -> None:
    alter(f"{STUDY}/runs/baseline-seed7/run.json", TABLE)
    words = f"put the file back, or delete the folder {STUDY}/runs/baseline-seed7 and run"
    with pytest.raises(StudyError, match=words):
        check(STUDY)


def test_a_folder_in_the_place_of_a_record_is_refused() -> None:
    path = record(BEST, 20.0, TABLE)
    _directory(path)
    with pytest.raises(StudyError, match=f"^{path}: not what Snakemake records of a file; delete"):
        check(STUDY)
