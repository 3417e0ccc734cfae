"""What counts as changed code: statements of a command and of what it imports, not words."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.study import code

COMMAND = '''"""Train a run."""

import math

from scripts.training.loop import train
from scripts.study import files, names


def main() -> None:
    """Run the command."""
    # Half of it.
    train(math.pi / 2)
    files.write("result")
'''
LOOP = '''"""The loop."""

import scripts.training.tokens


class Result:
    """What it leaves."""


def train(rate: float) -> float:
    def inner() -> float:
        """Return the rate."""
        return rate

    return inner()
'''
MODULES = {
    "scripts/__init__.py": "",
    "scripts/study/__init__.py": '"""Shared ground."""\n',
    "scripts/training/__init__.py": "",
    "scripts/train.py": COMMAND,
    "scripts/training/loop.py": LOOP,
    "scripts/training/tokens.py": "SIZE = 1\n",
    "scripts/study/files.py": "def write(text):\n    return text\n",
    "scripts/study/names.py": "NAMES = ()\n",
    "scripts/study/other.py": "OTHER = 1\n",
    "scripts/report.py": "from scripts.study.other import OTHER\n",
}
Change = Callable[[str, str, str], None]


@pytest.fixture
def change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Change]:
    """Return a function that changes a text in a module of a small project."""
    monkeypatch.setattr(code, "ROOT", tmp_path)
    for name, text in MODULES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    forget()

    def replace(module: str, old: str, new: str) -> None:
        path = tmp_path / module
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        forget()

    yield replace
    forget()


def forget() -> None:
    for cached in (code._tree, code._imports, code._statements):
        cached.cache_clear()


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("scripts/train.py", "Train a run.", "Train one run, and well."),
        ("scripts/train.py", '    """Run the command."""\n', ""),
        ("scripts/train.py", "# Half of it.", "# One half."),
        ("scripts/train.py", "import math\n", "import math\n\n\n"),
        ("scripts/train.py", 'write("result")', "write(\n        'result',\n    )"),
        ("scripts/training/loop.py", '    """What it leaves."""\n', "    pass\n"),
        ("scripts/training/loop.py", '        """Return the rate."""\n', ""),
        ("scripts/training/tokens.py", "SIZE = 1", "SIZE = (1)  # one"),
        ("scripts/study/__init__.py", "Shared ground.", "Ground."),
    ],
)
def test_words_and_layout_change_nothing(change: Change, module: str, old: str, new: str) -> None:
    before = code.fingerprint("train")
    change(module, old, new)
    assert code.fingerprint("train") == before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("scripts/train.py", "math.pi / 2", "math.pi / 3"),
        ("scripts/train.py", 'write("result")', 'write("results")'),
        ("scripts/training/loop.py", "return inner()", "return -inner()"),
        ("scripts/training/loop.py", "rate: float", "rate: int"),
        ("scripts/training/tokens.py", "SIZE = 1", "SIZE = 2"),
        ("scripts/study/files.py", "return text", "return text + '.'"),
        ("scripts/study/names.py", "()", "(1,)"),
        ("scripts/study/__init__.py", "ground.", 'ground."""\nSHARED = """'),
        ("scripts/train.py", "from scripts.study import", "from scripts.study import other,"),
    ],
)
def test_a_changed_statement_changes_it(change: Change, module: str, old: str, new: str) -> None:
    before = code.fingerprint("train")
    change(module, old, new)
    assert code.fingerprint("train") != before


def test_an_unrelated_module_changes_nothing(change: Change) -> None:
    before = code.fingerprint("train"), code.fingerprint("report")
    change("scripts/study/other.py", "OTHER = 1", "OTHER = 2")
    assert code.fingerprint("train") == before[0]
    assert code.fingerprint("report") != before[1]


def test_an_import_within_a_function_counts(change: Change) -> None:
    change(
        "scripts/training/loop.py", "    def inner", "    import scripts.study.other\n    def inner"
    )
    before = code.fingerprint("train")
    change("scripts/study/other.py", "OTHER = 1", "OTHER = 2")
    assert code.fingerprint("train") != before


def test_modules_that_import_each_other_end(change: Change) -> None:
    change("scripts/study/names.py", "NAMES", "import scripts.study.files\nNAMES")
    change("scripts/study/files.py", "def", "import scripts.study.names\ndef")
    assert code.fingerprint("train")


def test_training_does_not_hang_on_figures_or_the_config() -> None:
    modules = code._closure("scripts.train")
    assert {"scripts.training.loop", "scripts.training.model", "scripts.study.files"} <= modules
    assert not [name for name in modules if name.startswith(("scripts.views", "scripts.analysis"))]
    assert not modules & {"scripts.study.config", "scripts.study.plan", "scripts.study.sources"}


def test_the_projects_imports_are_absolute() -> None:
    # A relative import would be a module that the fingerprint does not see.
    for path in sorted(code.ROOT.glob("scripts/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path
