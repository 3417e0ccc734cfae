"""Where a benchmark's figures go: a JSON file, and a page of Markdown of the same name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.provenance import git_state
from scripts.study.files import write_json, write_text


def files(output: Path) -> tuple[Path, Path]:
    """Return the JSON file and the page that `output`, a path without suffix, stands for."""
    return output.with_suffix(".json"), output.with_suffix(".md")


def write(output: Path, document: Mapping[str, Any], page: str) -> None:
    """Write figures and their page, each whole or not at all."""
    figures, text = files(output)
    write_json(figures, document)
    write_text(text, page)


def code(output: Path) -> dict[str, Any] | None:
    """Return the commit that is measured; that a benchmark writes `output` is no change of it."""
    return git_state(apart_from=files(output))


def version(git: Mapping[str, Any] | None) -> str:
    """Return a commit in words, as `git_state` found it."""
    if not git:
        return "unknown"
    return git["commit"][:10] + " with changes" * git["dirty"]
