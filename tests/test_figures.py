"""The figures of a study: all made, the same bytes every time, none missing for want of data."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
import pytest

from scripts.study.errors import StudyError
from scripts.study.files import write_json
from scripts.views import comparison, confirmation, effects, gallery, grid, progress, style
from scripts.views.results import Results, load
from tests.fabricate import fabricate
from tests.fabricate_runs import study

ROOT = Path(__file__).resolve().parents[1]
NAMES = [picture.name for picture in gallery.PICTURES]
# The stages' parallel coordinates are drawn alike: one of them stands for all.
KINDS = [one for one in gallery.PICTURES if one.name.removeprefix("parallel-coordinates-") not in
         ("screen", "grid", "all")]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a study that has everything, with its figures as the command draws them."""
    folder = tmp_path_factory.mktemp("study")
    path = fabricate(folder, study(confirm=(3, 5)))
    subprocess.run(
        [sys.executable, "-m", "scripts.figures", "--study", str(path)], check=True, cwd=ROOT
    )
    return folder


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return load(folder / "study.json")


def texts(figure: Any) -> str:
    """Return every text of a figure, those of its axes and legends included."""
    return "\n".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def change(results: Results, **parts: object) -> Results:
    return Results(**{**results.__dict__, **parts})


def test_every_figure_is_made_as_png_and_svg(folder: Path) -> None:
    expected = {f"{name}.{kind}" for name in NAMES for kind in ("png", "svg")}
    assert {path.name for path in (folder / "figures").iterdir()} == expected
    for stage in ("screen", "grid", "optuna", "all"):
        assert f"parallel-coordinates-{stage}" in NAMES


@pytest.mark.parametrize("name", ["comparison", "parallel-coordinates-optuna", "confirmation"])
def test_another_process_makes_the_same_bytes(results: Results, tmp_path: Path, name: str) -> None:
    """One figure of each kind: drawing is slow."""
    picture = next(picture for picture in gallery.PICTURES if picture.name == name)
    with matplotlib.rc_context(style.STYLE):
        style.save(picture.draw(results), tmp_path / name)
    for kind in ("png", "svg"):
        drawn = (results.folder / "figures" / f"{name}.{kind}").read_bytes()
        assert (tmp_path / f"{name}.{kind}").read_bytes() == drawn, kind


def test_labels_of_ticks_keep_their_distance(tmp_path: Path) -> None:
    """As many ticks as Matplotlib sees fit, on a panel so narrow that their labels would touch."""
    with matplotlib.rc_context(style.STYLE):
        figure = style.new(width=4.0, height=2.0)
        axes = figure.subplots()
        axes.set_xlim(-0.012, 0.028)
        axes.xaxis.get_major_locator().set_params(nbins=12)  # type: ignore[call-arg]
        figure.draw_without_rendering()
        assert style.crowded(axes)
        style.save(figure, tmp_path / "narrow")
        assert not style.crowded(axes)
        assert len(axes.get_xticks()) >= 3


def test_no_figure_crowds_its_ticks(results: Results, tmp_path: Path) -> None:
    for picture in KINDS:
        with matplotlib.rc_context(style.STYLE):
            figure = picture.draw(results)
            style.save(figure, tmp_path / picture.name)
            assert not any(style.crowded(axes) for axes in figure.axes), picture.name


def test_figures_carry_no_date_and_no_software(folder: Path) -> None:
    for path in (folder / "figures").glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        assert "<dc:date>" not in text
        assert "Matplotlib v" not in text
    assert b"Software" not in (folder / "figures" / "effects.png").read_bytes()


def test_every_figure_has_its_caption() -> None:
    for picture in gallery.PICTURES:
        assert picture.caption().endswith(".")


def test_a_study_without_stages_gets_figures_that_say_so(tmp_path: Path) -> None:
    config = study()
    config["optuna"]["trials"] = 0
    bare = load(fabricate(tmp_path, config, ("baseline",)))
    for picture in gallery.PICTURES:
        words = texts(picture.draw(bare))
        if picture.name not in ("comparison", "training-curves"):
            assert "This study" in words or "No hyperparameter varies" in words, picture.name


def test_a_study_without_a_complete_run_still_draws(results: Results) -> None:
    runs = results.runs.assign(status="diverged", objective=float("nan"))
    best = {**results.best, "run": None, "comparison": [], "baseline": {"mean": None, "sd": None}}
    verdict = {**results.verdict, "finalists": []}
    ruined = change(results, runs=runs, best=best, verdict=verdict)
    assert "nothing to confirm" in texts(confirmation.figure(ruined))
    for picture in KINDS:
        picture.draw(ruined)


@pytest.mark.parametrize("sd", [None, 0.0])
def test_a_noise_that_is_not_known_has_no_band(results: Results, sd: float | None) -> None:
    best = {**results.best, "baseline": {"mean": 0.9, "sd": sd, "values": [0.9]}}
    alone = change(results, best=best, ranking=results.ranking.assign(effect_to_noise=None))
    for picture in KINDS:
        if picture.name != "confirmation":  # it has seeds of its own
            assert "2 sd" not in texts(picture.draw(alone)), picture.name


def test_less_is_better_for_a_loss(tmp_path: Path) -> None:
    results = load(fabricate(tmp_path, study(metric="loss", confirm=(2, 3))))
    for picture in KINDS:
        words = texts(picture.draw(results))
        assert "Validation loss (validation)" not in words
        if picture.name == "confirmation":
            assert "better is to the right" in words
    assert results.complete()["objective"].is_monotonic_increasing


def grid_of(results: Results, names: list[str]) -> Results:
    """Return results whose grid varies in `names` alone."""
    runs = results.stage("grid").reset_index(drop=True)
    for name in ("learning_rate", "train_batch_size", "weight_decay", "dropout", "adam_beta2"):
        levels = [0.1, 0.2] if name == "dropout" else [0.9, 0.99]
        if name in ("dropout", "adam_beta2") and name in names:
            runs = pd.concat([runs.assign(**{name: level}) for level in levels])
        elif name not in names:
            runs[name] = runs[name].iloc[0]
    return change(results, runs=runs.drop_duplicates(names).reset_index(drop=True))


@pytest.mark.parametrize(
    ("names", "panels"),
    [
        (["learning_rate"], 1),
        (["learning_rate", "weight_decay"], 2),
        (["learning_rate", "train_batch_size", "weight_decay"], 4),
        (["learning_rate", "train_batch_size", "weight_decay", "dropout"], 7),
        (["learning_rate", "train_batch_size", "weight_decay", "dropout", "adam_beta2"], 7),
    ],
)
def test_grids_of_any_number_of_hyperparameters(
    results: Results, names: list[str], panels: int
) -> None:
    """A panel a facet, and one for the colours' scale of heatmaps."""
    figure = grid.figure(grid_of(results, names))
    assert len(figure.axes) == panels
    words = texts(figure)
    assert all(name in words for name in names)
    assert ("Best over dropout" in words) == (len(names) == 5)


@pytest.mark.parametrize(("levels", "spelled"), [(12, True), (70, False)])
def test_a_grid_of_many_levels_stays_on_a_page(
    results: Results, levels: int, spelled: bool
) -> None:
    """Its cells become smaller, with scores in them as long as there is room."""
    one = results.stage("grid").iloc[:1]
    values = [round(0.001 * (level + 1), 3) for level in range(levels)]
    grown = pd.concat([
        one.assign(weight_decay=down, dropout=across, objective=0.5 + down + across)
        for down in values for across in values
    ], ignore_index=True)  # fmt: skip
    figure = grid.figure(change(results, runs=grown))
    width, height = figure.get_size_inches()
    assert width <= 12
    assert height <= 8
    axes = figure.axes[0]
    assert (len(axes.texts) == levels**2) == spelled
    assert axes.get_xticks()[0] == 0.5
    assert axes.get_xticklabels()[0].get_text() == "0.001"
    figure.draw_without_rendering()
    assert not style.crowded(axes)


def test_a_diverged_grid_point_says_so(results: Results) -> None:
    runs = results.runs.copy()
    last = results.stage("grid").index[-1]
    runs.loc[last, "status"] = "diverged"
    runs.loc[last, "objective"] = float("nan")
    assert "diverged" in texts(grid.figure(change(results, runs=runs)))


def test_effects_name_every_level(results: Results) -> None:
    words = texts(effects.figure(results))
    for level in ("64", "0.3", "cosine", "constant_with_warmup", "0.95 diverged", "4e-4: 0.741"):
        assert level in words.split("\n")


def test_effects_that_only_a_model_can_tell_apart(results: Results) -> None:
    """Listed configurations that change several things at once leave no pair to draw."""
    runs = results.runs[results.runs["stage"] == "baseline"]
    some = change(results, runs=runs, ranking=results.ranking.head(2).assign(estimable=[1, 0]))
    words = texts(effects.figure(some))
    assert "estimated from runs that change several at once" in words
    assert "not estimable" in words


def test_history_marks_pruned_diverged_and_batches(results: Results) -> None:
    words = texts(progress.optuna_history(results))
    for label in ("pruned (value when stopped)", "diverged", "best so far", "next batch"):
        assert label in words


def lines(results: Results) -> list[str]:
    return texts(confirmation.figure(results)).split("\n")


def test_the_confirmation_shows_seeds_gains_and_optimism(results: Results) -> None:
    words = lines(results)
    for text in (
        "winner", "learning_rate=1e-4", "finalist (2)", "finalist (3)", "diverged on 1 seed",
        "baseline", "5 fresh seeds", "Gain, 90% interval", "score in the search", "+0.0206",
        "baseline mean \N{PLUS-MINUS SIGN} 2 sd", "gain on test", "smallest detectable gain",
    ):  # fmt: skip
        assert text in words, text
    left = confirmation.figure(results).axes[0]
    dots = [line for line in left.lines if line.get_marker() == "o"]
    assert [len(dot.get_xdata()) for dot in dots] == [5, 5, 4, 5]
    searched = [line.get_xdata()[0] for line in left.lines if line.get_marker() == "D"]
    assert searched[:3] == [one["before"] for one in results.verdict["finalists"]]


def test_a_confirmation_with_gaps_still_draws(results: Results) -> None:
    """One seed, no test split, a finalist without any score, many changes, no winner."""
    verdict = json.loads(json.dumps(results.verdict))
    verdict.update(winner=None, seeds=[1042])
    verdict["detectable"].update(gain=None, sd=None)
    verdict["baseline"].update(sd=None, before=None)
    empty = {"mean": None, "sd": None, "gain": None, "interval": None, "interval_all": None}
    verdict["finalists"][1].update(empty, values=[None], completed=0)
    verdict["finalists"][0]["changed"] = {f"h{i}": i for i in range(7)}
    for one in verdict["finalists"]:
        one["test"] = None
    words = lines(change(results, verdict=verdict))
    assert "winner" not in words
    assert "diverged on 1 seed" in words
    assert "and 3 more" in words
    assert not {"gain on test", "smallest detectable gain"} & set(words)


def test_a_confirmation_that_is_off_or_to_come_says_so(results: Results) -> None:
    off = {**results.study, "confirm": {"configurations": 3, "seeds": 0}}
    assert "`confirm.seeds` is 0" in lines(change(results, study=off))[0]
    assert "not been confirmed yet" in lines(change(results, verdict={}))[0]


def test_hostile_names_are_text(tmp_path: Path) -> None:
    config = study(name="$x^{ <script>")
    results = load(fabricate(tmp_path, config))
    best = {**results.best}
    best["comparison"] = [{**row, "label": "$\\frac{"} for row in best["comparison"]]
    ugly = change(results, best=best)
    with matplotlib.rc_context(style.STYLE):
        comparison.figure(ugly).draw_without_rendering()


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    write_json(tmp_path / "study.json", study())
    with pytest.raises(StudyError, match=r"runs\.csv: no such file"):
        load(tmp_path / "study.json")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = fabricate(tmp_path)
    (tmp_path / "summary" / "runs.csv").write_text("run,stage\nbaseline-seed42,baseline\n")
    with pytest.raises(StudyError, match="the column 'stages' is missing"):
        load(path)
