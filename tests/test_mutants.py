"""The campaign that changes the code: how it counts, and that what was judged is still there."""

import ast
import configparser
import subprocess
import sys

import pytest

from tests.torture import mutants
from tests.torture.mutmut_run import SETTINGS, TESTS, Mutant
from tools.project import PROJECT


def test_every_change_that_was_judged_is_one_of_todays_code() -> None:
    files = {file for several in mutants.SUBJECTS.values() for file in several}
    for file, (old, new) in mutants.judged():
        assert file in files
        lines = (PROJECT / "scripts" / file).read_text(encoding="utf-8").splitlines()
        # A change that the code has moved away from was judged in vain.
        assert old.removeprefix("- ") in {line.strip() for line in lines}, old
        assert new.startswith("+ ")


def test_what_cannot_be_noticed_counts_neither_way() -> None:
    file, change = sorted(mutants.judged())[0]
    found = [
        Mutant(file, "a", "killed", ()), Mutant(file, "b", "timeout", ()),
        Mutant(file, "c", "survived", ("- x", "+ y")), Mutant(file, "d", "no tests", ("- x",)),
        Mutant(file, "e", "survived", change),
    ]  # fmt: skip
    outcomes = ["killed", "killed", "survived", "survived", "equivalent"]
    assert [mutants.outcome(mutant) for mutant in found] == outcomes
    assert mutants.score(found) == 0.5
    assert mutants.score([]) == 0.0
    with pytest.raises(SystemExit, match="f: not checked"):
        mutants.outcome(Mutant(file, "f", "not checked", ()))


def test_mutmut_copies_what_the_tests_import() -> None:
    settings = configparser.ConfigParser()
    settings.read_string(SETTINGS)
    copied = {*settings["mutmut"]["also_copy"].split(), "scripts", "tests"}
    for name in ("conftest", *(f"test_{name}" for name in TESTS)):
        path = PROJECT / f"tests/{name}.py"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        packages = {str(module).partition(".")[0] for module in modules}
        ours = {package for package in packages if (PROJECT / package).is_dir()}
        assert ours <= copied, path


def test_pytest_can_be_run_twice_in_a_process() -> None:
    """As mutmut does, with tests that leave temporary files."""
    arguments = ["-n0", "-p", "no:cacheprovider", "tests/test_files.py"]
    code = f"import pytest; assert [pytest.main({arguments}) for _ in range(2)] == [0, 0]"
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stdout + process.stderr
