"""The pages of benchmarks in docs are those of the figures beside them."""

from collections.abc import Callable
from typing import Any

import pytest

from benchmarks import page, pruning, quality, scale_page
from scripts.study.files import read_json
from tools.project import PROJECT


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("performance", page.page),
        ("pruning", pruning.page),
        ("quality", quality.page),
        ("scale", lambda known: scale_page.page(known["sizes"])),
    ],
)
def test_the_page_in_docs_is_that_of_its_figures(name: str, write: Callable[[Any], str]) -> None:
    known = read_json(PROJECT / f"docs/{name}.json")
    assert (PROJECT / f"docs/{name}.md").read_text(encoding="utf-8") == write(known)
