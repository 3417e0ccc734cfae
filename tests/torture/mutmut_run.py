"""Run mutmut over a copy of the project, in a folder that may go to waste."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.project import PROJECT

REQUIREMENTS = Path(__file__).parent / "mutants.txt"
SEED = 42
TESTS = ("rank", "ask", "warm_start", "search", "search_files", "statistics", "designs",
         "degenerate", "effects", "best", "confirm", "noise", "evidence", "verdict")  # fmt: skip
# Simulated studies, drawings and the like take seconds each. Without them a mutant can only survive
# more easily, so the score is a lower bound.
LEFT_OUT = ("stated_rate", "two_sd", "intervals_hold_the_truth", "planted_interactions",
            "honest_intervals", "answered_everywhere", "report_says", "no_two_runs",
            "latin_hypercube_has")  # fmt: skip
SETTINGS = """\
[mutmut]
source_paths=scripts
use_git_change_detection=false
only_mutate=
  {files}
also_copy=
  config
  profiles
  workflow
  Snakefile
  environment.yml
  tools
pytest_add_cli_args=
  -m
  not slow
  -k
  not ({left_out})
  -p
  no:cacheprovider
pytest_add_cli_args_test_selection=
  {tests}
"""
# Run beside mutmut, whose modules Snaketune's own environment does not have.
NAMES = """
import json, sys
from pathlib import Path
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.utils.format_utils import get_mutant_name
print(json.dumps([get_mutant_name(Path(path), name) for path in sys.argv[1:]
                  for name in mutate_file_contents(path, open(path).read()).mutant_names]))
"""
RESULTS = """
import json, sys
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
found = []
for path in sys.argv[1:]:
    data = SourceFileMutationData(path=path)
    data.load()
    for name, code in data.exit_code_by_key.items():
        status = status_by_exit_code[code]
        diff = get_diff_for_mutant(name, path=path) if status in ("survived", "no tests") else ""
        found.append((path.removeprefix("scripts/"), name, status, diff))
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Mutant:
    """One change: its file, mutmut's names for it and for what came of it, the lines that change.

    The lines are there where no test failed.
    """

    file: str
    name: str
    status: str
    change: tuple[str, ...]


def copy(folder: Path, files: Sequence[str]) -> None:
    """Copy what git knows or does not ignore into `folder`, and write mutmut's settings."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    tests = [f"tests/test_{name}.py" for name in TESTS]
    settings = SETTINGS.format(
        files="\n  ".join(files),
        left_out=" or ".join(LEFT_OUT),
        tests="\n  ".join(test for test in tests if (PROJECT / test).exists()),
    )
    (folder / "setup.cfg").write_text(settings, encoding="utf-8")


def mutate(folder: Path, files: Sequence[str], share: float) -> list[Mutant]:
    """Try a share of the mutants of `files`, two at a time, in the folder `folder`."""
    packages, temporary, copied = folder / "packages", folder / "tmp", folder / "project"
    temporary.mkdir(parents=True)
    copy(copied, files)
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes",
               "--target", packages]  # fmt: skip
    _python(PROJECT, {}, *install, "--requirement", REQUIREMENTS)
    # Where CI is set, hypothesis draws the same examples every time.
    own = {"PYTHONPATH": str(packages), "TMPDIR": str(temporary), "CI": "true",
           "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
    names = json.loads(_python(copied, own, "-c", NAMES, *files))
    chosen = set(random.Random(SEED).sample(sorted(names), round(share * len(names))))
    _python(copied, own, packages / "bin/mutmut", "run", "--max-children", "2", *sorted(chosen))
    found = json.loads(_python(copied, own, "-c", RESULTS, *files))
    mutants = [
        Mutant(file, name, status, tuple(_changed(diff)))
        for file, name, status, diff in found
        if name in chosen
    ]
    assert len(mutants) == len(chosen)
    return mutants


def _changed(diff: str) -> list[str]:
    """Return a diff's lines that go and come, without their indentation."""
    lines = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in "+++---"]
    return [f"{line[0]} {line[1:].strip()}" for line in lines]


def _python(folder: Path, environment: dict[str, str], *arguments: Any) -> str:
    """Run this Python in a folder and return what it prints; fail with that where it fails."""
    process = subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=folder, env={**os.environ, **environment},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if process.returncode != 0:
        raise SystemExit(f"{process.stdout[-4000:]}\n{process.stderr[-4000:]}")
    return process.stdout
