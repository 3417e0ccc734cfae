"""report.html: self-contained, safe with any text, the same bytes again, honest about noise."""

import base64
import io
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from scripts import report
from scripts.analysis import luck
from scripts.study.errors import StudyError
from scripts.study.files import write_json
from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.views import page, tables, verdict
from scripts.views.final import as_yaml, final, yaml_value
from scripts.views.results import Noise, Results, load
from scripts.views.words import number, signed
from tests.fabricate import fabricate
from tests.fabricate_runs import study
from tests.pages import Elements, with_pictures

HOSTILE = "</script><script>alert(1)</script>\"'&\u2028{{ 7 * 7 }}<img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return load(with_pictures(fabricate(tmp_path_factory.mktemp("study"))))


@pytest.fixture(scope="module")
def html(results: Results) -> str:
    return page.render(results)


def change(results: Results, **parts: object) -> Results:
    return Results(**{**results.__dict__, **parts})


def test_nothing_is_fetched(html: str) -> None:
    for tag, attributes in Elements(html).tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, value)
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    script = html[html.rindex("<script>") :]
    for word in ("fetch(", "XMLHttpRequest", "import(", "eval(", "innerHTML", "Date", "random("):
        assert word not in script


def test_the_policy_allows_exactly_the_pages_own_script_and_style(html: str) -> None:
    policy = next(a for _, a in Elements(html).tags if a.get("http-equiv"))["content"]
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not [a for _, a in Elements(html).tags if any(k.startswith("on") for k in a)]


def test_elements_are_closed_and_ids_unique(html: str) -> None:
    elements = Elements(html)
    assert elements.open == []
    ids = [attributes["id"] for _, attributes in elements.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [a["href"] for _, a in elements.tags if a.get("href")]
    assert {str(target)[1:] for target in targets} <= set(ids)
    assert all(a.get("alt") for tag, a in elements.tags if tag == "img")


def test_the_command_writes_the_same_bytes(
    results: Results, html: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From another folder too: no path of this machine is in the report."""
    shutil.copytree(results.folder, tmp_path / "study")
    path = tmp_path / "study" / "study.json"
    monkeypatch.setattr(sys, "argv", ["report", "--study", str(path)])
    report.main()
    assert (tmp_path / "study" / "report.html").read_text(encoding="utf-8") == html


def test_hostile_texts_are_shown_as_text(results: Results) -> None:
    ugly: dict[str, Any] = {
        **results.study,
        "study": HOSTILE,
        "labels": [HOSTILE, "b"],
        "dataset": {"path": HOSTILE},
        "model": {"path": HOSTILE, "revision": HOSTILE, "sha256": None},
    }
    runs = results.runs.assign(run=[HOSTILE + str(i) for i in range(len(results.runs))])
    info = {**results.info, "labels": [HOSTILE, HOSTILE]}
    best = {**results.best, "run": HOSTILE, "ties": [HOSTILE], "tie_break": HOSTILE}
    best["comparison"] = [{**row, "label": HOSTILE, "run": HOSTILE} for row in best["comparison"]]
    chosen = {**results.chosen, "rule": HOSTILE}
    text = page.render(change(results, study=ugly, runs=runs, info=info, best=best, chosen=chosen))
    elements = Elements(text)
    assert elements.open == []
    assert [tag for tag, _ in elements.tags].count("script") == 2
    assert "alert(1)" in elements.text
    assert not [a for _, a in elements.tags if "onerror" in a]
    assert "\u2028" not in text[text.rindex('id="study-runs"') :]


def test_the_embedded_runs_are_all_runs(html: str, results: Results) -> None:
    found = re.search(r'id="study-runs">(.*?)</script>', html, re.DOTALL)
    assert found
    assert json.loads(found[1])["runs"] == results.runs["run"].tolist()


def test_a_large_figure_is_embedded_small(results: Results, tmp_path: Path) -> None:
    shutil.copytree(results.folder, tmp_path / "study")
    stem = tmp_path / "study" / "figures" / "parallel-coordinates-all"
    stem.with_suffix(".svg").write_bytes(b" " * (page.MAX_SVG + 1))
    noise = np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8)
    Image.fromarray(noise).save(stem.with_suffix(".png"))
    text = page.render(load(tmp_path / "study" / "study.json"))
    found = re.search(r"data:image/png;base64,([^\"]+)", text)
    assert found
    content = base64.b64decode(found[1])
    assert len(content) < stem.with_suffix(".png").stat().st_size / 2
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size == (90, 90)


def test_every_section_is_there(html: str) -> None:
    text = Elements(html).text
    for words in (
        "The best run of the search has F1 0.9437 (best of grid), the baseline 0.9125 (mean of",
        "10.0 times the seed-to-seed sd", "What was tuned", "1e-5 to 4e-4, log", "Screening",
        "Optuna history", "Training curves of the best run", "trial 3 of 12", "Best runs",
        "1 other run tied with the best", "Data fingerprint", "5f0c8a2be1d94c37",
        "Always answering equivalent", "Complete: 44; pruned: 1; diverged",
    ):  # fmt: skip
        assert words in text, words


def test_stages_that_are_off_are_said_to_be(tmp_path: Path) -> None:
    config = study()
    config["optuna"]["trials"] = 0
    bare = load(with_pictures(fabricate(tmp_path, config, ("baseline",))))
    text = Elements(page.render(bare)).text
    assert "No screening: the stage is off" in " ".join(text.split())
    assert "No Optuna search: the stage is off" in " ".join(text.split())
    assert "No tuned run beats the baseline" in text


def test_a_study_without_a_complete_run_has_a_report(results: Results) -> None:
    runs = results.runs.assign(status="diverged", objective=float("nan"))
    best = {
        **results.best, "run": None, "hyperparameters": {}, "metrics": {}, "ties": [],
        "reason": "none of 47 runs completed: they diverged, failed or were pruned",
        "objective": {**results.best["objective"], "value": None},
        "comparison": [
            {"label": "baseline", "run": None, "objective": None, "metrics": {}, "ties": [],
             "hyperparameters": {}, "trial": None, "found_at": None, "of": 3}
        ],
        "baseline": {"mean": None, "sd": None, "values": [], "seeds": []},
    }  # fmt: skip
    text = Elements(page.render(change(results, runs=runs, best=best))).text
    assert "none of 47 runs completed" in text
    assert "there is no final configuration" in text


def test_a_missing_figure_is_named(tmp_path: Path) -> None:
    results = load(fabricate(tmp_path))
    with pytest.raises(StudyError, match=r"no such figure; run `python -m scripts\.figures"):
        page.render(results)


def test_the_final_block_is_the_best_run_again(results: Results) -> None:
    block = yaml.safe_load(as_yaml(results, final(results).values))["hyperparameters"]
    best = results.best["hyperparameters"]
    for name, entry in block.items():
        value = entry["baseline"]
        assert HYPERPARAMETERS[name].canonical(value) == best[name]
        assert not isinstance(value, str) or isinstance(best[name], str)
    assert set(best) - set(block) == {"warmup_steps"}


def test_the_final_block_says_that_a_warmup_ends(results: Results) -> None:
    blocks = results.study["hyperparameters"]
    study = {
        **results.study,
        "hyperparameters": {**blocks, "warmup_steps": {**blocks["warmup_steps"], "baseline": 16}},
    }
    values = {**final(results).values, "warmup_steps": 0}
    text = as_yaml(change(results, study=study), values)
    assert "  warmup_steps: {baseline: 0}  # was 16\n" in text


@pytest.mark.parametrize("value", [5e-5, 1e-05, 2.642988043609753e-05, 0.1, 1e16, 1.0, 3, "cosine"])
def test_yaml_reads_values_back(value: float | str) -> None:
    read = yaml.safe_load(f"a: {{baseline: {yaml_value(value)}}}")["a"]["baseline"]
    assert read == value
    assert type(read) is type(value)


def noisy(results: Results, sd: float | None) -> Results:
    values = list(results.noise.values)
    gain = results.best["objective"]["value"] - 0.9125
    best = {
        **results.best,
        "baseline": {"mean": 0.9125, "sd": sd, "values": values},
        "chance": luck.chance(gain, sd, len(values), results.best["of"]),
    }
    return change(results, best=best)


@pytest.mark.parametrize(
    ("sd", "words"),
    [
        (0.05, "within the noise"),
        (0.015, "This gain may be luck"),
        (0.015, "no better than the baseline would gain as much in 63% of studies"),
        (0.004, "would gain as much in 8.4% of studies, as far as 3 seeds tell the noise"),
        (0.001, "This gain is beyond the noise"),
        (0.001, "would gain as much in less than 1% of studies"),
        (None, "nothing tells whether this gain is real"),
        (0.0, "the noise is not known"),
    ],
)
def test_gains_are_judged_by_the_noise(results: Results, sd: float | None, words: str) -> None:
    assert words in " ".join(verdict.headline(noisy(results, sd)))


def test_a_gain_is_left_to_the_confirmation_where_there_is_one(results: Results) -> None:
    alone = noisy(results, 0.001)
    assert "expect less on new seeds" in " ".join(verdict.headline(alone))
    for sd in (None, 0.0, 0.05, 0.015, 0.001):
        told = change(noisy(results, sd), verdict={"winner": 1})
        said = " ".join(verdict.headline(told))
        assert said.endswith("What fresh seeds leave of it, the confirmation says."), sd
        assert "nothing tells" not in said
        assert "Nothing here shows" not in said


def test_the_comparison_counts_examples_and_finds(results: Results) -> None:
    rows = {row.label: row for row in verdict.rows(results)}
    assert list(rows) == ["best by hand", "best of grid", "best of Optuna"]
    grid = rows["best of grid"]
    assert (grid.gain, grid.in_sd, grid.examples) == ("+0.0312", "+10.0", "+10")
    assert len(grid.ties) == 1
    assert rows["best of Optuna"].found == "trial 3 of 12"


@pytest.mark.parametrize(
    ("sd", "chance", "words"),
    [
        (0.005, 0.04, "beyond the noise, p = 0.040"),
        (0.005, 0.2, "may be the luck of 12 tries, p = 0.200"),
        (0.05, 0.04, "within the noise"),
        (0.0, None, "noise unknown (its seeds score the same)"),
        (None, None, "noise unknown (one seed)"),
    ],
)
def test_each_search_is_judged_by_its_own_tries(
    results: Results, sd: float | None, chance: float | None, words: str
) -> None:
    rows = [{**row, "chance": chance} for row in results.best["comparison"]]
    best = {**noisy(results, sd).best, "comparison": rows}
    (optuna,) = [r for r in verdict.rows(change(results, best=best)) if r.label == "best of Optuna"]
    assert optuna.verdict == words
    assert optuna.beyond == words.startswith("beyond")


def test_the_baselines_own_point_is_no_gain_of_tuning(results: Results) -> None:
    """The grid may hold it: on one seed it can be the best of all, and far above its mean."""
    rows = [
        {**row, "hyperparameters": results.baseline}
        for row in results.best["comparison"] if row["label"] == "best of grid"
    ]  # fmt: skip
    best = {**noisy(results, 0.001).best, "changed": {}, "run": rows[0]["run"], "comparison": rows}
    itself = change(results, best=best)
    (row,) = verdict.rows(itself)
    assert (row.verdict, row.beyond) == ("the baseline itself", False)
    (sentence,) = verdict.headline(itself)
    assert sentence.startswith("No tuned run beats the baseline's own run on seed 42, whose F1 is")
    assert sentence.endswith("; its mean over 3 seeds is 0.9125.")


def test_without_noise_nothing_is_called_real(results: Results) -> None:
    text = " ".join(Elements(page.render(noisy(results, None))).text.split())
    assert "so nothing tells which of them are real. More right counts" in text
    known = " ".join(Elements(page.render(results)).text.split())
    assert "up to 0.05 a gain is beyond it. More right counts" in known
    assert "baseline mean \N{PLUS-MINUS SIGN} 2 sd" not in text
    assert "sd is the standard deviation" not in text


def test_examples_that_are_no_more_are_not_counted(results: Results) -> None:
    accuracy = float(results.stage("baseline")["accuracy"].mean())
    rows = [
        {**row, "metrics": {**row["metrics"], "accuracy": accuracy}}
        for row in results.best["comparison"]
    ]
    told = " ".join(verdict.headline(change(results, best={**results.best, "comparison": rows})))
    assert "validation examples right" in " ".join(verdict.headline(results))
    assert "validation examples right" not in told


def test_gains_of_a_loss_are_turned(tmp_path: Path) -> None:
    results = load(fabricate(tmp_path, study(metric="loss")))
    text = " ".join(
        Elements(page.render(load(with_pictures(tmp_path / "study.json")))).text.split()
    )
    assert "Gains are over the baseline's mean, turned so that more is better" in text
    for row in verdict.rows(results):
        better = row.objective < (results.noise.mean or 0)
        assert (row.gain[0] == row.in_sd[0] == "+") == better


def test_roles_of_hyperparameters(results: Results) -> None:
    roles = {row["name"]: row["role"] for row in tables.tuned(results)}
    assert roles["learning_rate"] == "screened, chosen, searched"
    assert roles["adam_beta1"] == "screened"
    assert roles["num_train_epochs"] == "fixed"


def test_the_best_run_leads_its_ties(results: Results) -> None:
    tied = results.complete()["run"].head(2).tolist()
    other = change(results, best={**results.best, "run": tied[1]})
    columns, rows = tables.best_runs(other)
    assert rows[0][columns.index("run")][0] == tied[1]
    assert len(rows) == tables.BEST_RUNS


def test_ranking_levels_are_spelt_as_their_kind(results: Results) -> None:
    """A column with numbers and words reads back as text: 16 must not become 16.0."""
    levels = {row["name"]: (row["worst"], row["best"]) for row in tables.ranking(results)}
    assert levels["train_batch_size"] == ("64", "16")
    assert levels["lr_scheduler_type"] == ("constant_with_warmup", "cosine")
    assert levels["weight_decay"] == ("0.3", "0")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5e-5, "5e-5"), (2.642988043609753e-05, "2.643e-5"), (0.1, "0.1"), (128, "128"),
        (0.0, "0"), (1.0, "1"), (0.0327163, "0.03272"), (1e16, "1e16"), ("cosine", "cosine"),
        (None, ""), (float("nan"), ""), (12345.678, "12350"), (0.98, "0.98"), (0.999, "0.999"),
        (0.99996, "0.99996"), (0.9999999, "0.9999999"), (0.9923, "0.9923"),
    ],
)  # fmt: skip
def test_numbers_are_short(value: object, text: str) -> None:
    assert number(value) == text
    # Levels that differ are told apart, whatever the digits.
    assert [number(v, 3) for v in (0.999, 0.9995, 0.9999)] == ["0.999", "0.9995", "0.9999"]


def test_differences_have_their_sign() -> None:
    assert signed(0.01) == "+0.0100"
    assert signed(-0.01) == "\N{MINUS SIGN}0.0100"
    assert signed(-0.00001) == "0.0000"


def test_noise_without_seeds_has_no_band() -> None:
    assert Noise(0.9, None, (0.9,)).band is None
    assert Noise(0.9, 0.01, (0.89, 0.91)).band == pytest.approx((0.88, 0.92))


def test_numpy_types_of_a_table_are_fine(results: Results) -> None:
    runs = results.runs.astype({"train_batch_size": "Int64"})
    assert isinstance(runs, pd.DataFrame)
    assert "train_batch_size" in page.render(change(results, runs=runs))


def test_best_json_by_hand_may_lack_what_is_optional(results: Results, tmp_path: Path) -> None:
    """An info.json or chosen.json may be absent: the report leaves their lines out."""
    path = with_pictures(fabricate(tmp_path))
    (tmp_path / "data" / "info.json").unlink()
    (tmp_path / "provenance.json").unlink()
    (tmp_path / "screen" / "chosen.json").unlink()
    write_json(tmp_path / "best.json", {**results.best, "majority": None, "example": None})
    assert "Data fingerprint" not in Elements(page.render(load(path))).text
