"""The report in Chromium, wide and narrow, light and dark, by mouse, by keys and on paper."""

import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from scripts import figures
from scripts.study.files import read_json, write_json
from scripts.views import card, page
from scripts.views.results import load
from tests.browser import NARROW, WIDE, Chromium
from tests.fabricate import fabricate
from tests.fabricate_runs import study
from tests.pages import with_pictures

pytestmark = pytest.mark.browser

HOSTILE = "</script><script>alert(1)</script>\"'<img src=x onerror=alert(2)>{{ 7 * 7 }}"
LOOKS = [(width, dark) for width in (WIDE, NARROW) for dark in (False, True)]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report of the made-up study, with its confirmation and its real figures."""
    path = fabricate(tmp_path_factory.mktemp("study"), study(confirm=(2, 3)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["figures", "--study", str(path)])
        figures.main()
    return write(path)


def write(study_json: Path) -> Path:
    path = study_json.parent / "report.html"
    path.write_text(page.render(load(study_json)), encoding="utf-8")
    return path


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_it_opens_without_complaint_and_fetches_nothing(
    browser: Chromium, report: Path, width: int, dark: bool
) -> None:
    browser.open(report, width, dark)
    browser.settle()
    assert browser.complaints() == []
    assert browser.requests() == []
    assert browser.run("return document.documentElement.scrollWidth") <= width
    background = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") is not dark


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_it_is_accessible(browser: Chromium, report: Path, width: int, dark: bool) -> None:
    """Contrast, names, roles and structure, by all of axe-core's rules."""
    browser.open(report, width, dark)
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    browser.settle()
    assert browser.accessibility() == []


def test_no_text_is_cut_off(browser: Chromium, report: Path) -> None:
    """What is wider than its place scrolls there; nothing hides its own text."""
    browser.open(report, NARROW)
    cut = browser.run(
        "return [...document.querySelectorAll('main *')].filter(e => "
        "e.scrollWidth > e.clientWidth + 1 && e.clientWidth && "
        "['hidden', 'clip'].includes(getComputedStyle(e).overflowX)).map(e => e.outerHTML)"
    )
    assert cut == []


def test_the_keyboard_reaches_everything(browser: Chromium, report: Path) -> None:
    browser.open(report)
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    wanted = browser.run(
        "return [...document.querySelectorAll('a[href], button, input, select, summary, "
        "[role=slider], .scroll, pre')].filter(e => e.checkVisibility()).length"
    )
    assert wanted > 100
    seen = set()
    for _ in range(wanted + 5):
        browser.key("Tab")
        place, outline = browser.run(
            "const e = document.activeElement;"
            "return [[...document.querySelectorAll('*')].indexOf(e),"
            " e === document.body || getComputedStyle(e).outlineStyle]"
        )
        if outline is True:  # past the last one
            break
        assert outline == "solid"
        seen.add(place)
    assert len(seen) >= wanted


def test_tables_sort(browser: Chromium, report: Path) -> None:
    browser.open(report)
    heads = "#best table.sortable thead button"
    column = browser.texts(heads).index("objective") if "objective" in browser.texts(heads) else 2
    cells = f"#best table.sortable tbody td:nth-child({column + 1})"
    button = f"#best table.sortable thead th:nth-child({column + 1})"
    for direction, sign in (("ascending", 1), ("descending", -1)):
        browser.click(f"{button} button")
        state = browser.run("return document.querySelector(arguments[0]).ariaSort", button)
        assert state == direction
        shown = [sign * float(text) for text in browser.texts(cells) if text]
        assert shown == sorted(shown)
        assert len(set(shown)) > 1


@pytest.mark.parametrize(
    ("shown", "order"),
    [
        (["9.0%", "12.3%", "94.0%", "0.3%"], [3, 0, 1, 2]),
        (["\N{MINUS SIGN}0.12", "+0.1", "\N{MINUS SIGN}0.45"], [2, 0, 1]),
        (["+0.01 to +0.20", "\N{MINUS SIGN}0.30 to +0.10"], [1, 0]),
        (["p = 0.040", "p < 0.001", ""], [1, 0, 2]),
    ],
)
def test_shares_signs_and_intervals_sort_as_numbers(
    browser: Chromium, report: Path, shown: list[str], order: list[int]
) -> None:
    browser.open(report)
    browser.run(
        "const table = document.querySelector('#best table.sortable');"
        "table.tBodies[0].replaceChildren(...arguments[0].map((text) => {"
        "  const row = document.createElement('tr');"
        "  row.insertCell().textContent = text;"
        "  return row;"
        "}))",
        shown,
    )
    browser.click("#best table.sortable thead th:first-child button")
    found = browser.run(
        "return [...document.querySelectorAll('#best table.sortable tbody td')]"
        ".map((cell) => cell.textContent)"
    )
    assert found == [shown[at] for at in order]


@pytest.mark.parametrize("confirmed", [True, False])
def test_it_prints_on_two_pages(
    browser: Chromium, report: Path, tmp_path: Path, confirmed: bool
) -> None:
    path = report.parent / "study.json"
    if not confirmed:
        path = fabricate(tmp_path)
        (tmp_path / "figures").symlink_to(report.parent / "figures")
        write(path)
    browser.open(path.parent / "report.html", dark=True)
    assert browser.pages() == 2


def test_a_model_card_runs_no_script(browser: Chromium, tmp_path: Path) -> None:
    """Also where its Markdown is shown with HTML let through, which the hub does not do."""
    config = study(confirm=(1, 2))
    config.update(study=HOSTILE, labels=[HOSTILE, "b"], dataset={"path": HOSTILE})
    folder = fabricate(tmp_path, config).parent
    best, info = read_json(folder / "best.json"), read_json(folder / "data/info.json")
    metrics = read_json(folder / "runs" / best["run"] / "metrics.json")
    metrics["epochs"] = [{"epoch": 1, **dict.fromkeys(card.METRICS, 0.5)}]
    facts = {**info, "labels": [HOSTILE, HOSTILE], "text_columns": 2}
    weights = {"path": HOSTILE, "revision": None, "sha256": "0" * 64, "architecture": HOSTILE}
    verdict = {**read_json(folder / "verdict.json"), "verdict": HOSTILE}
    text = card.render(
        card.Card(config, facts, weights, best, verdict, best["run"], HOSTILE, metrics, HOSTILE)
    )
    body = text.split("---\n", 2)[2]
    page = tmp_path / "card.html"
    page.write_text(MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(body))
    browser.open(page)
    # an alert would end this with an exception of its own
    browser.settle()
    assert "alert(1)" in browser.text("body")
    assert browser.run("return document.scripts.length") == 0
    assert browser.run("return document.querySelectorAll('img, [onerror]').length") == 0


def test_hostile_names_are_shown_as_text(browser: Chromium, tmp_path: Path) -> None:
    config = study(confirm=(1, 2))
    config.update(study=HOSTILE, labels=[HOSTILE, "b"], dataset={"path": HOSTILE})
    path = with_pictures(fabricate(tmp_path, config))
    runs = tmp_path / "summary" / "runs.csv"
    name = "learning_rate=0.0001-seed42"
    quoted = HOSTILE.replace('"', '""')
    runs.write_text(runs.read_text().replace(f"\n{name},", f'\n"{quoted}",'))
    for file in ("best.json", "data/info.json"):
        text = read_json(tmp_path / file)
        write_json(tmp_path / file, {**text, "tie_break": HOSTILE, "labels": [HOSTILE, HOSTILE]})
    browser.open(write(path))
    # an alert would end this with an exception of its own
    browser.settle()
    assert browser.text("h1") == HOSTILE
    assert HOSTILE in browser.texts("#kept-runs tbody th")
    assert browser.run("return document.querySelectorAll('img[src=x], [onerror]').length") == 0
    assert browser.run("return document.scripts.length") == 2
    assert browser.complaints() == []
