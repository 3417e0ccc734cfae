"""The parallel coordinates plot in Chromium: brushes, axes, filters, its table, 10,000 runs."""

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.views import page
from scripts.views.results import load
from tests.browser import NARROW, Chromium
from tests.fabricate import fabricate
from tests.fabricate_many import RUNS, fabricate_many
from tests.fabricate_runs import study
from tests.pages import with_pictures

pytestmark = pytest.mark.browser

ROWS = "#kept-runs tbody tr"
NAMES = "#kept-runs tbody th"
SHOWN = ["learning_rate", "weight_decay", "train_batch_size", "max_seq_length", "warmup_ratio",
         "adam_beta1", "lr_scheduler_type", "label_smoothing_factor", "F1"]  # fmt: skip


def write(study_json: Path) -> Path:
    path = study_json.parent / "report.html"
    path.write_text(page.render(load(with_pictures(study_json))), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(fabricate(tmp_path_factory.mktemp("study"), study(confirm=(2, 3))))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(fabricate_many(tmp_path_factory.mktemp("many")))


@pytest.fixture
def plot(browser: Chromium, report: Path) -> Chromium:
    browser.open(report)
    return browser


def axis(name: str, part: str = ".track") -> str:
    return f'.axis[aria-label="{name}"] {part}'


def axes(browser: Chromium) -> list[str]:
    """Return the axes' names from left to right as they are seen."""
    return browser.run(
        "return [...document.querySelectorAll('.axis')].sort((a, b) => "
        "a.getBoundingClientRect().x - b.getBoundingClientRect().x).map(e => e.ariaLabel)"
    )


def kept(browser: Chromium) -> int:
    return int(browser.text("#kept").split()[0])


def column(browser: Chromium, title: str) -> list[str]:
    """Return a column of the table of the runs that are kept."""
    index = browser.texts("#kept-runs thead th").index(title)
    return browser.texts(f"{ROWS} > :nth-child({index + 1})")


def brush(browser: Chromium, name: str, low: float, high: float) -> None:
    """Drag along an axis between two of its places, from 0 (foot) to 1 (top)."""
    browser.drag(*(browser.point(axis(name), down=1 - place) for place in (low, high)))


def test_a_brush_keeps_the_runs_that_pass_there(plot: Chromium) -> None:
    assert kept(plot) == 47
    brush(plot, "learning_rate", 0.5, 0.75)
    rates = [float(text) for text in column(plot, "learning_rate")]
    assert kept(plot) == len(rates) < 20
    # the middle of 1e-5 to 4e-4 on a logarithmic axis, and half of what is above it
    assert all(6.2e-5 <= rate <= 1.6e-4 for rate in rates)
    assert "limits on learning_rate" in plot.text("#kept")
    brush(plot, "train_batch_size", 0.2, 0.6)
    assert set(column(plot, "train_batch_size")) == {"32"}
    plot.click("#clear-brushes")
    assert kept(plot) == 47


def test_a_brush_moves_and_a_double_click_clears_it(plot: Chromium) -> None:
    brush(plot, "weight_decay", 0.2, 0.5)
    before = column(plot, "weight_decay")
    brush(plot, "weight_decay", 0.35, 0.75)
    after = column(plot, "weight_decay")
    assert max(map(float, before)) < 0.151 < max(map(float, after))
    at = plot.point(axis("weight_decay"))
    for clicks in (1, 2):
        plot.mouse("Pressed", at, held=True, clicks=clicks)
        plot.mouse("Released", at, clicks=clicks)
    plot.settle()
    assert kept(plot) == 47


def test_a_finger_brushes_on_a_narrow_screen(browser: Chromium, report: Path) -> None:
    browser.open(report, NARROW)
    start, end = (browser.point(axis("learning_rate"), down=down) for down in (0.1, 0.5))
    for kind, points in (("Start", [start]), ("Move", [end]), ("End", [])):
        touches = [{"x": x, "y": y} for x, y in points]
        browser.command("Input.dispatchTouchEvent", type=f"touch{kind}", touchPoints=touches)
    browser.settle()
    assert 0 < kept(browser) < 47


def test_limits_move_by_keys(plot: Chromium) -> None:
    plot.run("document.querySelector(arguments[0]).focus()", axis("lr_scheduler_type", ".lower"))
    plot.key("ArrowUp")
    plot.settle()
    assert set(column(plot, "lr_scheduler_type")) == {"cosine", "constant_with_warmup"}
    value = "return document.querySelector(arguments[0]).getAttribute('aria-valuetext')"
    assert plot.run(value, axis("lr_scheduler_type", ".lower")) == "cosine"
    plot.key("Escape")
    plot.settle()
    assert kept(plot) == 47


def test_hovering_names_the_run_and_marks_its_row(plot: Chromium) -> None:
    brush(plot, "F1", 0.9, 1)
    plot.mouse("Moved", plot.point(axis("learning_rate"), down=1 - 0.6242))  # 1e-4
    plot.settle()
    name = plot.text("#plot-tip strong")
    assert name.startswith("learning_rate=0.0001")
    tip = dict(zip(plot.texts("#plot-tip dt"), plot.texts("#plot-tip dd"), strict=True))
    assert (tip["F1"], tip["learning_rate"], tip["stage"]) == ("0.94375", "1e-4", "grid")
    assert plot.texts("#kept-runs .pointed th") == [name]
    assert plot.run("return document.querySelector('#plot-tip').hidden") is False


def test_a_picked_run_stands_first(plot: Chromium) -> None:
    name = plot.texts(NAMES)[7]
    plot.click(f"{ROWS}:nth-child(8) button")
    assert plot.texts(NAMES)[0] == name
    assert plot.run("return document.activeElement.ariaPressed") == "true"
    plot.choose("#show-kind", "count")
    assert plot.texts("#kept-runs .picked th") == [name]
    plot.click("#kept-runs .picked button")
    assert plot.texts("#kept-runs .picked th") == []


def test_axes_move_and_the_objective_stays_rightmost(plot: Chromium) -> None:
    assert axes(plot) == SHOWN
    name = axis("train_batch_size", ".axis-name")
    plot.run("document.querySelector(arguments[0]).focus()", name)
    plot.key("ArrowLeft")
    assert axes(plot)[:3] == ["learning_rate", "train_batch_size", "weight_decay"]
    for _ in range(12):
        plot.key("ArrowRight")
    assert axes(plot)[-2:] == ["train_batch_size", "F1"]
    assert plot.run("return document.activeElement.parentElement.ariaLabel") == "train_batch_size"
    start = plot.point(axis("learning_rate", ".axis-name"))
    plot.drag(start, (plot.point(axis("F1", ".axis-name"))[0] + 50, start[1]))
    assert axes(plot)[-2:] == ["learning_rate", "F1"]
    assert sorted(axes(plot)) == sorted(SHOWN)


def test_an_axis_turns_from_logarithmic_to_linear_and_back(plot: Chromium) -> None:
    button = axis("learning_rate", ".axis-scale")
    ticks = axis("learning_rate", ".tick")
    before = plot.texts(ticks)
    brush(plot, "learning_rate", 0.5, 1)
    plot.click(button)
    assert plot.text(button) == "linear"
    assert kept(plot) == 47  # a limit is not what it was on another scale
    assert "2e-4" in plot.texts(ticks) != before
    brush(plot, "learning_rate", 0.5, 1)
    rates = [float(text) for text in column(plot, "learning_rate")]
    assert rates
    assert min(rates) >= 2e-4
    plot.click(button)
    assert (plot.text(button), plot.texts(ticks), kept(plot)) == ("log", before, 47)
    assert plot.run("return document.activeElement.ariaLabel") == "log scale of learning_rate"
    assert plot.texts(axis("lr_scheduler_type", ".axis-scale")) == []
    assert plot.texts(axis("F1", ".axis-scale")) == []


def test_the_best_few_runs_alone(plot: Chromium) -> None:
    plot.choose("#show-kind", "count")
    plot.choose("#show-amount", "5")
    best = [float(text) for text in column(plot, "F1")]
    assert len(best) >= 5
    assert best == sorted(best, reverse=True)
    assert best[0] == 0.94375
    assert set(best[5:]) <= {best[4]}  # those that tie with the last
    plot.choose("#show-kind", "share")
    plot.choose("#show-amount", "50")
    assert kept(plot) >= 21
    assert set(column(plot, "Status")) == {"complete"}


def test_constant_hyperparameters_are_hidden_unless_asked_for(plot: Chromium) -> None:
    plot.choose("#show-constant", "on")
    assert {"dropout", "optim", "num_train_epochs"} <= set(axes(plot))
    assert axes(plot)[-1] == "F1"
    plot.choose("#show-constant", "off")
    assert axes(plot) == SHOWN
    # Optuna searched three: the others are constant among its trials, but a limit is never hidden
    brush(plot, "adam_beta1", 0.4, 0.8)
    stages = plot.texts("#show-stage option")
    plot.choose("#show-stage", str(stages.index("optuna") - 1))
    searched = ["learning_rate", "weight_decay", "train_batch_size"]
    assert axes(plot) == [*searched, "adam_beta1", "F1"]
    plot.click("#clear-brushes")
    assert axes(plot) == [*searched, "F1"]
    assert kept(plot) == 12


def test_stages_and_what_did_not_finish(plot: Chromium) -> None:
    stages = plot.texts("#show-stage option")
    plot.choose("#show-stage", str(stages.index("confirm (fresh seeds)") - 1))
    assert set(column(plot, "Stage")) == {"confirm"}
    assert kept(plot) == 9
    plot.choose("#show-stage", "")
    plot.choose("#show-unfinished", "off")
    assert kept(plot) == 44


def test_the_table_sorts_and_grows(plot: Chromium) -> None:
    assert len(plot.texts(NAMES)) == 25
    assert plot.texts("#kept") == ["47 of 47 runs kept; the table has the first 25."]
    plot.click("#kept-more")
    assert len(plot.texts(NAMES)) == 47
    assert plot.texts("#kept") == ["47 of 47 runs kept."]
    index = plot.texts("#kept-runs thead th").index("learning_rate")
    for sign in (1, -1):
        plot.click(f"#kept-runs thead th:nth-child({index + 1}) button")
        rates = [sign * float(text) for text in column(plot, "learning_rate")]
        assert rates == sorted(rates)


def test_the_noise_band_lies_on_the_objective(plot: Chromium) -> None:
    title = plot.run("return document.querySelector(arguments[0]).title", axis("F1", ".noise"))
    assert title == "baseline mean 0.9125, 2 sd 0.0062"
    assert plot.run("return document.querySelectorAll('.noise').length") == 1


def moves(browser: Chromium, name: str) -> list[float]:
    """Drag a limit in 20 steps; return the milliseconds from each step to its finished frame."""
    return browser.driver.execute_async_script(
        """
        const done = arguments[1];
        const track = document.querySelector(arguments[0]);
        track.setPointerCapture = () => {};
        const box = track.getBoundingClientRect();
        const send = (type, share) => track.dispatchEvent(new PointerEvent(type, {
          clientX: box.x, clientY: box.y + share * box.height, button: 0, buttons: 1}));
        const times = [];
        send("pointerdown", 0.1);
        const step = () => {
          if (times.length === 20) { send("pointerup", 0.9); done(times); return; }
          const begin = performance.now();
          send("pointermove", 0.15 + 0.04 * times.length);
          requestAnimationFrame(() => setTimeout(() => {
            times.push(performance.now() - begin);
            step();
          }));
        };
        step();
        """,
        axis(name),
    )


def busy(browser: Chromium) -> float:
    """Return the milliseconds of processor time that the page's thread took so far."""
    metrics = browser.command("Performance.getMetrics")["metrics"]
    return 1000 * next(m["value"] for m in metrics if m["name"] == "TaskDuration")


def test_ten_thousand_runs_follow_the_brush(
    browser: Chromium, large: Path, record_property: Callable[[str, Any], None]
) -> None:
    """Within 100 ms of processor time a step, whatever else this machine is doing."""
    browser.open(large)
    browser.point("#plot")
    assert kept(browser) == RUNS
    browser.command("Performance.enable", timeDomain="threadTicks")
    costs, times = [], []
    for name in ("learning_rate", "warmup_ratio", "F1"):
        before = busy(browser)
        steps = moves(browser, name)
        costs.append((busy(browser) - before) / len(steps))
        times += steps
        assert 0 < kept(browser) < RUNS
        browser.click("#clear-brushes")
    record_property("milliseconds_from_brush_to_redraw", statistics.median(times))
    record_property("milliseconds_of_processor_time", statistics.median(costs))
    print(f"{statistics.median(times):.0f} ms, {statistics.median(costs):.0f} ms busy")
    assert statistics.median(costs) < 100


def test_ten_thousand_runs_stay_readable(browser: Chromium, large: Path) -> None:
    """Means in many colours, not one cover of the last lines drawn; the page of a usable size."""
    assert large.stat().st_size < 3_000_000
    browser.open(large)
    assert "the mean of their runs" in " ".join(browser.texts(".legend li:not([hidden])"))
    shades = browser.run(
        """
        const canvas = document.querySelector("#plot-lines");
        const {x} = document.querySelector(arguments[0]).getBoundingClientRect();
        const left = x - canvas.getBoundingClientRect().x + 24;
        const {data} = canvas.getContext("2d").getImageData(left, 86, 1, 380);
        return Array.from({length: 380}, (_, i) => [...data.slice(4 * i, 4 * i + 3)]);
        """,
        axis("learning_rate"),
    )
    reds = [red for red, _, _ in shades]
    # viridis: from green for bad runs (at the ends) to blue for good ones, around 1.1e-4
    ends, middle = statistics.median(g for _, g, _ in shades[-40:]), shades[120:170]
    assert statistics.median(g for _, g, _ in middle) < ends - 10
    assert len(set(reds)) > 10
    assert browser.text("#kept") == f"{RUNS} of {RUNS} runs kept; the table has the first 25."
