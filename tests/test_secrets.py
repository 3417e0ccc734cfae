"""What a study writes holds no secret of the environment, no pickle, and no code from its texts."""

import ast
import csv
import os
import re
import shutil
from pathlib import Path

import pytest

from scripts.study.files import read_json
from tests.small_project import STUDY, change_config, new_project, planned, run
from tools.project import PROJECT

KEYS = (
    *("WANDB_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "MLFLOW_TRACKING_PASSWORD"),
    *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GITHUB_TOKEN", "MY_PASSWORD"),
)


@pytest.mark.slow
def test_no_output_of_a_study_holds_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also not the records and logs of Snakemake; in the middle, a training fails."""
    planted = {key: f"planted-{number}-{key[::-1]}" for number, key in enumerate(KEYS)}
    for key, value in planted.items():
        monkeypatch.setenv(key, value)
    folder = new_project(tmp_path / "project")
    formula = (PROJECT / "tests/formula_training.py").read_text()
    (folder / "scripts/train.py").write_text(
        formula.replace("    command(main)", "    1 / 0\n    command(main)")
    )
    targets = ("--cores", "2", "--verbose", f"{STUDY}/report.html")
    process = run(folder, *targets)
    assert "ZeroDivisionError" in process.stdout
    texts = [process.stdout]
    shutil.copy(PROJECT / "tests/formula_training.py", folder / "scripts/train.py")
    process = run(folder, *targets)
    assert process.returncode == 0, process.stdout
    texts.append(process.stdout)
    assert [key for key, value in planted.items() if value in "".join(texts)] == []
    searched = 0
    for path in folder.rglob("*"):
        if path.is_file():
            searched += 1
            content = path.read_bytes()
            held = [key for key, value in planted.items() if value.encode() in content]
            assert not held, f"{path} holds {', '.join(held)}"
    assert searched > 200
    assert os.environ["HF_TOKEN"] == planted["HF_TOKEN"]


@pytest.mark.slow
def test_hostile_names_reach_no_shell(tmp_path: Path) -> None:
    """Of files, columns and classes: what a config says freely is an argument, never a command."""
    folder = new_project(tmp_path / "project")
    hostile = "a'b \"$(touch pwned)`touch pwned`; touch pwned #&|<>"
    # Wildcards to Snakemake, in the name of a file too, which is refused.
    braces = hostile + "{input}{x}{{"
    rows = [(f"text {number}", braces if number % 2 else "other") for number in range(40)]
    files = {}
    for role in ("train", "validation"):
        files[role] = f"tiny-data/{role} {hostile.replace('/', '')}.csv"
        with (folder / files[role]).open("w", newline="") as stream:
            csv.writer(stream).writerows([(braces, "label"), *rows])
    change_config(folder, "dataset", {"path": "csv", "data_files": files})
    change_config(folder, "columns", {"text": [braces], "label": "label"})
    change_config(folder, "splits", {"test": None})
    change_config(folder, "labels", ["other", braces])
    change_config(folder, "tracking", {"mlflow": {"experiment": braces}})
    change_config(folder, "objective", {"metric": "accuracy"})
    shutil.copy(PROJECT / "tests/formula_training.py", folder / "scripts/train.py")
    name = "baseline-seed7"
    process = run(folder, "--cores", "2", f"{STUDY}/runs/{name}/metrics.json")
    assert process.returncode == 0, process.stdout
    assert braces in read_json(folder / STUDY / "data/info.json")["labels"]
    assert planned(folder)["report"] == 1
    assert list(folder.rglob("pwned*")) == []


def _modules() -> list[Path]:
    return sorted((PROJECT / "scripts").rglob("*.py"))


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PROJECT)))
def test_no_code_comes_from_data(path: Path) -> None:
    """No eval, no pickle, no shell: what a config or a file says is never run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            assert not names & {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("eval", "exec", "os.system", "os.popen"), called
            # Its second argument is a loader; `reading` has a safe one of its own.
            assert called != "yaml.load" or path.name == "reading.py"
            assert called not in ("torch.load", "np.load", "numpy.load", "pd.read_pickle"), called
            given = {word.arg: ast.unparse(word.value) for word in node.keywords}
            assert given.get("shell", "False") == "False"
            assert given.get("trust_remote_code", "False") == "False"
            assert given.get("allow_pickle", "False") == "False"


def test_values_reach_the_shell_quoted() -> None:
    """Of what a config may say freely, all is quoted by Snakemake (`:q`) in shell commands."""
    free = re.compile(r"\{params\.(model|source|settings|run|study|searched|tracking)(?!:q)\}")
    for path in sorted((PROJECT / "workflow/rules").glob("*.smk")):
        assert not free.search(path.read_text(encoding="utf-8")), path
