"""The report of a study with a confirmation: verdict, final configuration, statistics, origins."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.study import plan
from scripts.study.files import write_json
from scripts.views import confirmed, further, page, tables
from scripts.views.final import as_yaml, final
from scripts.views.results import Results, load
from tests.fabricate import fabricate
from tests.fabricate_runs import study
from tests.pages import Elements, with_pictures

HOSTILE = "</script><b onerror=alert(1)>"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("study")
    return load(with_pictures(fabricate(folder, study(confirm=(3, 5)))))


@pytest.fixture(scope="module")
def html(results: Results) -> str:
    return page.render(results)


def change(results: Results, **parts: object) -> Results:
    return Results(**{**results.__dict__, **parts})


def edited(results: Results, **parts: Any) -> Results:
    """Return results with another verdict.json."""
    return change(results, verdict={**json.loads(json.dumps(results.verdict)), **parts})


def words(text: str) -> str:
    return " ".join(Elements(text).text.split())


def test_the_first_page_leads_with_the_verdict(html: str, results: Results) -> None:
    said = results.verdict["verdict"].split(". ")
    text = words(html)
    order = [text.index(part) for part in (
        said[0], "Of the promised gain", "Final configuration", "The finalists on fresh seeds.",
        "What the search found", "The best run of the search has F1",
    )]  # fmt: skip
    assert order == sorted(order)
    assert "Nothing was confirmed" not in text
    elements = Elements(html)
    assert elements.open == []
    ids = [attributes["id"] for _, attributes in elements.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {str(a["href"])[1:] for _, a in elements.tags if a.get("href")}
    assert {"confirmation", "provenance"} <= targets <= set(ids)


def test_every_figure_of_the_confirmation_is_told(html: str) -> None:
    text = words(html)
    for part in (
        "Confirmed on 5 fresh seeds", "survives; the search promised +0.0312",
        "Rise of the baseline", "mean of 3 seeds of the search", "on 5 fresh seeds its mean is",
        "better than the baseline p < 0.001", "not distinguishable from the winner",
        "worse: diverged on 1 seed", "4 of 5 seeds", "Noise floor: the baseline's sd",
        "confirm (fresh seeds)", "All 20 runs on fresh seeds", "Test matthews correlation",
        "paired bootstrap over seeds and examples", "McNemar, two-sided", "corrected by Holm",
        "The rules behind the verdict", "The search was optimistic by +0.0088",
    ):  # fmt: skip
        assert part in text, part


def test_fresh_seeds_cost_and_do_not_compete(results: Results) -> None:
    cost = {stage: number for stage, number, _ in tables.cost(results)}
    assert cost["confirm (fresh seeds)"] == 20
    assert cost["all"] == len(results.runs) + 20 == len(results.every_run)
    assert sum(tables.counts(results).values()) == cost["all"]
    assert not set(results.complete()["seed"]) & set(plan.fresh_seeds(results.study))
    _, shown = tables.best_runs(results)
    assert not [row for row in shown if "seed10" in str(row[0][0])]


def test_the_final_configuration_is_the_confirmed_winner(results: Results) -> None:
    """Also where it is not the best of the search."""
    values = results.verdict["finalists"][1]["hyperparameters"]
    second = edited(results, winner=2)
    found = final(second)
    assert found.values == values
    assert found.found == results.best["hyperparameters"]
    block = yaml.safe_load(as_yaml(second, found.values))["hyperparameters"]
    assert block["weight_decay"]["baseline"] == values["weight_decay"] == 0.05
    text = words(page.render(second))
    assert "What the search took for the best" in text
    roles = {row["name"]: row for row in tables.tuned(second)}
    assert roles["weight_decay"]["changed"] == "yes"


def test_without_a_baseline_that_completed_the_best_of_the_search_is_final(
    results: Results,
) -> None:
    unknown = {**results.best["baseline"], "mean": None, "sd": None}
    none = change(
        edited(results, winner=None, outcome="undecided", equivalent=[]),
        best={**results.best, "baseline": unknown},
    )
    found = final(none)
    assert found.values == results.best["hyperparameters"]
    assert found.found == {}
    assert found.words == (
        f"From run {results.best['run']}, the best of the search; the baseline did not complete on"
        " any seed of the search."
    )


@pytest.mark.parametrize("outcome", ["indistinguishable", "undecided"])
def test_without_a_winner_the_baseline_stays(results: Results, outcome: str) -> None:
    sentence = "No configuration is distinguishable from the baseline on 5 fresh seeds."
    none = edited(results, winner=None, outcome=outcome, equivalent=[1, 2], verdict=sentence)
    assert final(none).values == results.baseline
    text = words(page.render(none))
    assert "The baseline stays the recommendation" in text
    assert "What the search took for the best" in text
    assert "Best of the search" in text
    assert "not distinguishable from the baseline" in text
    assert sentence in text


def test_nothing_to_confirm_is_said(results: Results) -> None:
    sentence = "There is nothing to confirm: no configuration but the baseline completed."
    nothing = edited(
        results, winner=None, outcome="undecided", finalists=[], optimism=None, verdict=sentence
    )
    none = {"values": [], "completed": 0, "mean": None, "sd": None, "test": None}
    nothing = edited(nothing, baseline={**results.verdict["baseline"], **none})
    nothing = change(nothing, fresh=results.fresh.head(0))
    text = words(page.render(nothing))
    assert sentence in text
    assert "diverged on" not in final(nothing).words
    assert "its mean is" not in text
    assert "runs on fresh seeds" not in text


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.674, "67%"), (1.22, "all"), (1.0, "all"), (0.0, "nothing"), (-0.42, "nothing")],
)
def test_no_more_than_all_of_a_gain_survives(results: Results, share: float, said: str) -> None:
    one = edited(results)
    for entry in one.verdict["finalists"]:
        entry["survives"] = share
    (tile,) = (tile for tile in confirmed.figures(one) if tile[0] == "Of the promised gain")
    assert tile[1] == said
    text = words(page.render(one))
    assert f"{said[0].upper()}{said[1:]} of the promised gain survives." in text


def test_one_fresh_seed_and_no_test_split_leave_gaps(results: Results) -> None:
    one = edited(results, winner=None, outcome="undecided", seeds=[1042], no_test="no test split")
    unknown = dict.fromkeys(("sd", "interval", "interval_all", "p", "p_holm", "test", "survives"))
    for entry in one.verdict["finalists"]:
        entry.update(unknown, examples={"validation": None, "test": None})
    one.verdict["finalists"][2].update(mean=None, gain=None, optimism=None, completed=0)
    one.verdict["baseline"].update(sd=None, test=None)
    one.verdict["detectable"].update(gain=None, sd=None)
    text = words(page.render(one))
    assert "There are no test scores: no test split." in text
    assert "Smallest detectable gain" not in text


def test_a_confirmation_that_is_off_is_said_to_be(tmp_path: Path, results: Results) -> None:
    """Files that an earlier confirmation left behind do not count."""
    path = fabricate(tmp_path)
    write_json(tmp_path / "verdict.json", dict(results.verdict))
    off = load(with_pictures(path))
    assert off.verdict == {}
    text = words(page.render(off))
    assert "Nothing was confirmed: the stage is off" in text
    assert "confirm.configurations is 0" in text
    assert "has not run yet" in confirmed.absent(change(off, study=results.study))


def test_less_loss_is_a_gain(tmp_path: Path) -> None:
    results = load(fabricate(tmp_path, study(metric="loss", confirm=(2, 3))))
    rows = confirmed.rows(results)
    assert [row["title"] for row in rows][-1] == "baseline"
    assert rows[0]["gain"][0].startswith("+")
    assert float(rows[0]["mean"]) < float(rows[-1]["mean"])
    assert "more is better" in confirmed.notes(results)


def test_hostile_texts_of_the_new_files_are_text(results: Results) -> None:
    ugly = edited(results, verdict=HOSTILE, rules=[HOSTILE], no_test=HOSTILE)
    ugly.verdict["finalists"][0].update(run=HOSTILE, changed={HOSTILE: HOSTILE})
    origin = {**results.provenance, "python": HOSTILE, "packages": {HOSTILE: HOSTILE}}
    made = change(
        ugly,
        provenance=origin,
        advice={"advice": [{"advice": HOSTILE, "figures": {HOSTILE: HOSTILE}}], "rules": [HOSTILE]},
        importances=results.importances.assign(hyperparameter=HOSTILE),
        searches=results.searches.assign(found_at=1),
        chance=results.chance.assign(trials_from=HOSTILE),
        interactions=results.interactions.assign(term=HOSTILE),
        fresh=results.fresh.assign(run=HOSTILE),
    )
    elements = Elements(page.render(made))
    assert elements.open == []
    assert not [a for _, a in elements.tags if "onerror" in a]
    assert [tag for tag, _ in elements.tags].count("script") == 2


def test_what_is_worse_has_the_p_of_that(results: Results) -> None:
    entries = json.loads(json.dumps(results.verdict["finalists"]))
    entries[1] |= {"worse": True, "better": False, "p_holm": 1.0, "p_worse_holm": 0.0004}
    seeds = len(results.verdict["seeds"])
    entries[1]["completed"] = seeds - 1
    base = {**results.verdict["baseline"], "completed": seeds - 1}
    rows = confirmed.rows(edited(results, finalists=entries, baseline=base, equivalent=[]))
    row = next(row for row in rows if row["title"] == "finalist 2")
    # The baseline diverged there too, so that this is not why.
    assert (row["judged"], row["p"]) == ("worse than the baseline", "p < 0.001")
    both = edited(results, finalists=entries, baseline=base, equivalent=[])
    assert "that it is worse, corrected p < 0.001." in words(page.render(both))
    # Where it did not, no test is needed.
    rows = confirmed.rows(edited(results, finalists=entries, equivalent=[]))
    row = next(row for row in rows if row["title"] == "finalist 2")
    assert (row["judged"], row["p"]) == ("worse: diverged on 1 seed", "")
    alone = edited(results, finalists=entries, equivalent=[])
    assert "that it is worse, corrected" not in words(page.render(alone))


def test_what_is_lost_of_a_promise_is_told_where_it_adds_up(results: Results) -> None:
    for winner, adds_up in ((1, True), (2, False)):
        told = {name: why for name, _, why in confirmed.figures(edited(results, winner=winner))}
        assert ("is lost of the promised gain" in told["Rise of the baseline"]) is adds_up
    base, (first, *_) = results.verdict["baseline"], results.verdict["finalists"]
    rise = results.sign * (base["mean"] - base["before"])
    assert first["promised"] - first["gain"] == pytest.approx(first["optimism"] + rise)


def test_a_baseline_that_diverged_on_fresh_seeds_is_told(results: Results) -> None:
    base = {**results.verdict["baseline"], "completed": 2}
    none = edited(results, winner=None, outcome="undecided", equivalent=[], baseline=base)
    assert final(none).words.endswith("It diverged on 3 of 5 fresh seeds.")


def test_interactions_are_told_with_their_noise(results: Results, html: str) -> None:
    rows = {row["term"]: row for row in further.interactions(results)}
    assert rows["learning_rate"]["stands_out"] == "yes"
    assert rows["learning_rate with weight_decay"]["kind"] == "interaction"
    assert "none stands out of the noise. Noise floor: sd" in words(html)
    one = results.interactions.assign(stands_out=1)
    assert "stand out of the noise" in further.interaction_words(change(results, interactions=one))
    blind = results.interactions.assign(noise_sd=None, p_holm=None, stands_out=None)
    assert "noise is not known" in further.interaction_words(change(results, interactions=blind))
    others = {name: results.runs[name].iloc[0] for name in ("weight_decay", "train_batch_size")}
    assert "no interactions" in further.interaction_words(
        change(
            results,
            runs=results.runs.assign(**others),
            interactions=results.interactions.head(1),
        )
    )
    # Of a hyperparameter whose effect the points that completed cannot separate there is no row.
    assert "No interaction was tested" in further.interaction_words(
        change(results, interactions=results.interactions.head(1))
    )
    alone = results.interactions[results.interactions["kind"] != "interaction"]
    assert len(alone) > 1
    assert "No interaction was tested: too many" in further.interaction_words(
        change(results, interactions=alone)
    )


def test_importances_and_advice_are_shown_where_there_are(results: Results, html: str) -> None:
    first = results.importances["hyperparameter"].iloc[0]
    assert f"Hyperparameter fANOVA PED-ANOVA {first} " in words(html)
    entry = {"advice": "widen learning_rate", "figures": {"best_inside": 1e-5, "region": "all"}}
    more = change(results, advice={"advice": [entry], "rules": ["a rule"]})
    text = words(page.render(more))
    assert "Widen learning_rate. best inside 1e-5, region all" in text
    assert "What to look at next: widen learning_rate (advice)" in text
    bare = change(
        results, importances=results.importances[:0], searches=results.searches[:0], advice={}
    )
    without = page.render(bare)
    for name in ("importances", "advice", "searches"):
        assert f'id="{name}"' in html
        assert f'id="{name}"' not in without


def test_a_warm_start_is_told_beside_the_searches(results: Results, html: str) -> None:
    told = "Optuna knew the runs of baseline, screen and grid before its first trial"
    assert told in words(html)
    optuna = {**results.study["optuna"], "warm_start": []}
    cold = change(results, study={**results.study, "optuna": optuna})
    assert "before its first trial" not in words(page.render(cold))


def test_choices_that_were_too_close_are_named(html: str) -> None:
    assert "Too close to call: weight_decay over lr_scheduler_type (0.0012 larger" in words(html)


def test_provenance_names_code_data_model_and_machine(html: str, results: Results) -> None:
    text = words(html)
    for part in (
        "0f3c5a8e1d2b4c6f7a9b0c1d2e3f405162738495, with uncommitted changes", "9d" * 32,
        "no GPU", "3.11.2", "torch 2.13.0", "aiohttp==3.14.5", "none pinned",
    ):  # fmt: skip
        assert part in text, part
    assert dict(further.provenance(results))["Main packages"].count(",") == 4
    bare = change(results, provenance={**results.provenance, "git": None})
    assert ("Code (git commit)", "no git clone") in further.provenance(bare)
    assert further.provenance(change(results, provenance={})) == []
