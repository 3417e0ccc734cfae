"""The repository itself: its layout, its imports, its nine packages in real use, its pins."""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from tools.environment import environment, pins
from tools.project import PROJECT

SCRIPTS = PROJECT / "scripts"

# Imports run one way: a room imports from itself and from those before it.
ROOMS = ("study", "training", "analysis", "views")
NINE = {"torch", "transformers", "datasets", "evaluate", "optuna", "pandas", "seaborn"} | {
    "snakemake",
    "dvc",
}


def python_files() -> list[Path]:
    return sorted(path for room in ("scripts", "tools", "tests") for path in _sources(room))


def _sources(room: str) -> Iterator[Path]:
    return (PROJECT / room).rglob("*.py")


def module_name(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(path: Path) -> frozenset[str]:
    """Return the full names of all that `path` imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import in line {node.lineno}"
            assert node.module is not None
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def own_imports(path: Path) -> set[str]:
    """Return the modules of scripts/ that `path` imports."""
    modules = {module_name(source) for source in _sources("scripts")}
    found = set()
    for name in imports(path):
        candidates = [name, name.rpartition(".")[0]]
        found |= {module for module in candidates[:1] if module in modules} or {
            module for module in candidates[1:] if module in modules
        }
    return found - {"scripts"}


def commands() -> list[str]:
    return sorted(path.stem for path in SCRIPTS.glob("*.py") if path.stem != "__init__")


def workflow_text() -> str:
    files = [PROJECT / "Snakefile", *sorted((PROJECT / "workflow").rglob("*.smk"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def git(*arguments: str) -> list[str]:
    """Return the lines that git prints, or skip where this is no clone."""
    if not (PROJECT / ".git").exists():
        pytest.skip("not a git clone")
    result = subprocess.run(
        ["git", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    return result.stdout.splitlines()


# Layout


@pytest.mark.parametrize(
    "path",
    [
        "Snakefile",
        "workflow/rules",
        "workflow/schemas",
        "workflow/report",
        "profiles/default",
        "config/config.yaml",
        "config/mrpc-f1.yaml",
        "config/mrpc-f1-wished.yaml",
        "config/mrpc-accuracy.yaml",
        "config/mrpc-accuracy-wished.yaml",
        "config/README.md",
        *(f"scripts/{room}/__init__.py" for room in ROOMS),
        "results/.gitkeep",
        "dvc.yaml",
        ".dvc/config",
        "environment.yml",
        "requirements.in",
        "requirements.lock",
        "requirements-trackers.in",
        "requirements-trackers.lock",
        "pyproject.toml",
        "Makefile",
        "README.md",
        "LICENSE",
        "CITATION.cff",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        ".ci/run",
        ".github/workflows/ci.yml",
        ".pre-commit-config.yaml",
    ],
)
def test_the_layout(path: str) -> None:
    assert (PROJECT / path).exists()


def test_results_exist_in_a_clone_but_are_not_in_git() -> None:
    assert git("ls-files", "results") == ["results/.gitkeep"]
    ignored = git("check-ignore", "results/demo/study.json", ".venv/x", ".snakemake/x")
    assert ignored == ["results/demo/study.json", ".venv/x", ".snakemake/x"]


def test_ci_is_executable() -> None:
    assert os.access(PROJECT / ".ci" / "run", os.X_OK)


def test_files_stay_small() -> None:
    files = [*python_files(), PROJECT / "Snakefile", *(PROJECT / "workflow").rglob("*.smk")]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {path: length for path, length in lengths.items() if length >= 400} == {}


# The nine packages in real use


@pytest.mark.parametrize("package", sorted(NINE - {"snakemake", "dvc"}))
def test_python_package_is_in_use(package: str) -> None:
    users = [
        path
        for path in _sources("scripts")
        if package in {name.partition(".")[0] for name in imports(path)}
    ]
    assert users


def test_snakemake_is_in_use() -> None:
    text = (PROJECT / "Snakefile").read_text(encoding="utf-8")
    assert re.search(r"^include:", text, re.MULTILINE)
    assert re.search(r"^rule all:", text, re.MULTILINE)
    assert re.search(r"^rule train:", workflow_text(), re.MULTILINE)


def test_dvc_is_in_use() -> None:
    stages = yaml.safe_load((PROJECT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert any("snakemake" in str(stage["cmd"]) for stage in stages.values())
    config = (PROJECT / ".dvc" / "config").read_text(encoding="utf-8")
    assert re.search(r"^\s*analytics = false$", config, re.MULTILINE)


def test_the_nine_packages_are_pinned() -> None:
    assert set(direct()) >= NINE


# Imports


def test_scripts_do_not_know_snakemake() -> None:
    users = [
        path
        for path in _sources("scripts")
        if "snakemake" in {name.partition(".")[0] for name in imports(path)}
    ]
    assert users == []


def test_imports_run_one_way() -> None:
    wrong = []
    for position, room in enumerate(ROOMS):
        allowed = {f"scripts.{name}" for name in ROOMS[: position + 1]}
        for path in (SCRIPTS / room).rglob("*.py"):
            for name in own_imports(path):
                if ".".join(name.split(".")[:2]) not in allowed:
                    wrong.append(f"{module_name(path)} imports {name}")
    assert wrong == []


def test_commands_do_not_import_commands() -> None:
    names = {f"scripts.{name}" for name in commands()}
    wrong = {path: own_imports(path) & names for path in _sources("scripts")}
    assert {path: found for path, found in wrong.items() if found} == {}


def test_scripts_do_not_import_tests_or_tools() -> None:
    for path in _sources("scripts"):
        assert not {name.partition(".")[0] for name in imports(path)} & {"tests", "tools"}, path


def test_no_import_goes_in_circles() -> None:
    graph = {module_name(path): own_imports(path) for path in _sources("scripts")}
    # Take away, again and again, the modules that import none of the rest.
    while free := {name for name, needed in graph.items() if not (needed - {name}) & graph.keys()}:
        graph = {name: needed for name, needed in graph.items() if name not in free}
    assert graph == {}


@pytest.mark.parametrize("name", commands())
def test_every_command_is_used_and_can_be_run(name: str) -> None:
    users = [workflow_text()]
    users += [(PROJECT / file).read_text(encoding="utf-8") for file in ("Makefile", "dvc.yaml")]
    assert re.search(rf"\bscripts\.{name}\b", "\n".join(users))
    source = (SCRIPTS / f"{name}.py").read_text(encoding="utf-8")
    assert source.endswith('\n\nif __name__ == "__main__":\n    command(main)\n')


# Pins


LOCKED = ("requirements", "requirements-trackers")


def direct() -> dict[str, str]:
    return pins((PROJECT / "requirements.in").read_text(encoding="utf-8"))


def optional() -> dict[str, str]:
    return pins((PROJECT / "requirements-trackers.in").read_text(encoding="utf-8"))


def lock_text(name: str = "requirements") -> str:
    return (PROJECT / f"{name}.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LOCKED)
def test_every_direct_dependency_is_pinned_and_explained(name: str) -> None:
    text = (PROJECT / f"{name}.in").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    wrong = [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[\w.]+ +# \S.*", line)]
    assert wrong == []
    assert len(pins(text)) == len(lines)


@pytest.mark.parametrize("name", LOCKED)
def test_the_lock_holds_the_direct_dependencies(name: str) -> None:
    locked = pins(lock_text(name))
    wanted = pins((PROJECT / f"{name}.in").read_text(encoding="utf-8"))
    expected = {name: version for name, version in wanted.items() if name != "torch"}
    assert {name: locked.get(name) for name in expected} == expected


def test_the_trackers_leave_every_other_version_as_it_is() -> None:
    locked, beside = pins(lock_text()), pins(lock_text("requirements-trackers"))
    shared = locked.keys() & beside.keys()
    assert len(shared) > 20
    assert {name: beside[name] for name in shared} == {name: locked[name] for name in shared}
    assert not optional().keys() & direct().keys()


@pytest.mark.parametrize("name", LOCKED)
def test_the_lock_holds_no_build_of_torch(name: str) -> None:
    builds = ("torch", "triton", "nvidia-", "cuda-", "pytorch-triton")
    assert [package for package in pins(lock_text(name)) if package.startswith(builds)] == []


@pytest.mark.parametrize("name", LOCKED)
def test_the_lock_has_hashes_and_no_places(name: str) -> None:
    text = re.sub(r"\\\n\s*", "", lock_text(name))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("#", " "))]
    assert len(lines) == len(pins(lock_text(name)))
    for line in lines:
        assert re.fullmatch(r"[a-z0-9-]+==\S+( ; .*?)?( *--hash=sha256:[0-9a-f]{64})+", line), line


def test_environment_yml_holds_the_same_pins() -> None:
    text = (PROJECT / "environment.yml").read_text(encoding="utf-8")
    requirements = (PROJECT / "requirements.in").read_text(encoding="utf-8")
    assert text == environment(requirements, lock_text()), "run `make lock`"
    content = yaml.safe_load(text)
    assert content["name"] == "snaketune"
    python, pip, packages = content["dependencies"]
    assert (python, pip) == ("python=3.11", "pip")
    same = {**pins(lock_text()), "torch": direct()["torch"]}
    assert dict(line.split("==") for line in packages["pip"]) == same


def test_the_environment_is_the_locked_one() -> None:
    locked = {**pins(lock_text()), **direct()}
    installed = {name: importlib.metadata.version(name).partition("+")[0] for name in direct()}
    assert installed == {name: locked[name] for name in direct()}
    assert sys.version_info[:2] == (3, 11)


def test_every_import_is_a_direct_dependency() -> None:
    owners = importlib.metadata.packages_distributions()
    own = {"benchmarks", "scripts", "tests", "tools"}
    found = {name.partition(".")[0] for path in python_files() for name in imports(path)}
    unknown = []
    for module in found - own - set(sys.stdlib_module_names):
        # A tracker's module is named like its distribution, which need not be there.
        names = {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners.get(module, (module,))}
        if not names & {**direct(), **optional()}.keys():
            unknown.append(module)
    assert unknown == []


def test_pyproject_says_the_same() -> None:
    content = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    (torch,) = content["tool"]["uv"]["dependency-metadata"]
    assert torch["version"] == direct()["torch"]
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == content["project"]["version"]
    assert citation["license"] == content["project"]["license"]


# Commands that people type


def test_snakemake_finds_nothing_to_mend(workdir: Path) -> None:
    command = [sys.executable, "-m", "snakemake", "--lint"]
    result = subprocess.run(command, cwd=workdir, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Congratulations" in result.stdout + result.stderr


def test_make_help_lists_every_command() -> None:
    text = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^\.PHONY: (\S+)$", text, re.MULTILINE))
    # Where make itself runs the tests, this one would announce the folder it enters.
    command = ["make", "--no-print-directory", "help"]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert {line.split()[1] for line in result.stdout.splitlines()} == targets


def test_ci_runs_what_the_readme_says() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert "make study" in readme
    assert "make test" in readme
    assert "make test" in (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
