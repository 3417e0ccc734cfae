"""Configs that went wrong at random: each is a study, or one clear line says why it is not.

    python -m tests.torture.configs --validated 5000 --planned 150

`python -m tests.torture.mutations NUMBER` prints the config of a number that fails here.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from scripts.study import plan
from scripts.study.config import load
from scripts.study.errors import StudyError
from tests.torture.campaign import record, traceback_in
from tests.torture.mutations import mutated
from tools.project import PROJECT, copy_project

# Beside each other, so that no config of one campaign is one of the other's, nor of `make test`.
VALIDATED, PLANNED = 100_000, 200_000


def refusal(path: Path) -> str | None:
    """Return why a config is refused; None where it is a study, whose runs can be planned."""
    try:
        study = load(path)
    except StudyError as error:
        return str(error)
    names = [run.name for run in (*plan.baseline_runs(study), *plan.screen_runs(study))]
    names += [run.name for run in plan.grid_runs(study, plan.candidates(study)[:2])]
    # What is planned is written below results/<study>/, whatever the config says.
    for name in (study["study"], *names):
        assert name not in ("", ".", "..")
        assert "/" not in name
        assert "\\" not in name
    return None


def validate(numbers: Iterable[int], folder: Path) -> int:
    """Validate the configs of these numbers, written into `folder`; return how many are studies.

    The current directory is the project's root, where the files that they name are looked for.
    """
    path, studies = folder / "mutated.yaml", 0
    for number in numbers:
        path.write_bytes(mutated(number))
        told = refusal(path)
        if told is not None:
            assert told.startswith(f"{path}: "), (number, told)
            assert len(told.splitlines()) == 1, (number, told)
            assert len(told) < 500, (number, told)
        studies += told is None
        assert not Path("pwned").exists(), number
    return studies


def files(folder: Path) -> dict[str, int]:
    """Return every file below a folder with its time, but for what Snakemake keeps for itself."""
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".snakemake" not in path.parts and "__pycache__" not in path.parts
    }


def is_utf8(content: bytes) -> bool:
    """Tell whether a config is text: what is not ends Snakemake before it reads the workflow."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def through_snakemake(numbers: Iterable[int], folder: Path) -> int:
    """Plan the configs of these numbers by `snakemake -n` in `folder`, a copy of the project.

    The current directory is `folder`; the configs lie beside it. Returns how many are studies.
    """
    path, planned = folder.parent / "mutated.yaml", 0
    for number in numbers:
        path.write_bytes(mutated(number))
        told, before = refusal(path), files(folder.parent)
        process = subprocess.run(
            [sys.executable, "-m", "snakemake", "-n", "-q", "--configfile", str(path)],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        said = process.stderr + process.stdout
        assert not traceback_in(said), (number, said)
        assert files(folder.parent) == before, number
        if told is None:
            assert process.returncode == 0, (number, said)
            planned += 1
        else:
            assert process.returncode != 0, (number, told)
            # What is no mapping in YAML at all, Snakemake refuses before it reads the workflow.
            words = f"snaketune: {told}", "Config file is not valid", "Config file must be given"
            assert any(one in said for one in words), (number, told, said)
    return planned


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.configs", description=__doc__)
    parser.add_argument("--validated", type=int, default=5000, help="configs that are validated")
    parser.add_argument("--planned", type=int, default=150, help="configs that Snakemake plans")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="snaketune-configs-") as name:
        os.chdir(PROJECT)
        numbers = range(VALIDATED, VALIDATED + options.validated)
        studies = validate(numbers, Path(name))
        project = Path(name, "project")
        copy_project(project)
        os.chdir(project)
        numbers = range(PLANNED, PLANNED + options.planned)
        text = [number for number in numbers if is_utf8(mutated(number))]
        planned = through_snakemake(text, project)
        os.chdir(PROJECT)
    record(
        "configs",
        title="Damaged configs",
        command="python -m tests.torture.configs"
        f" --validated {options.validated} --planned {options.planned}",
        text=(
            "Configs of the project with one to three changes each: values of another type or range"
            ", unknown, missing and misspelt keys, huge numbers, NaN, Unicode, path tricks, aliases"
            " that multiply, tags that ask for code; every fifth is damaged as text. Each either is"
            " a study, whose runs lie below `results/<study>/`, or is refused in one line that"
            " starts with the file's name; Snakemake writes nothing and prints no traceback."
        ),
        figures={
            "configs validated": options.validated,
            "of which still studies": studies,
            "left out, being no UTF-8 (Snakemake's own traceback)": options.planned - len(text),
            "configs planned by Snakemake": len(text),
            "of which still studies (Snakemake)": planned,
        },
    )


if __name__ == "__main__":
    main()
