"""The report's tables and texts, as plain values that the template shows."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from scripts.study import plan
from scripts.study.files import read_json
from scripts.study.hyperparameters import HYPERPARAMETERS, Value
from scripts.views.final import final as final_values
from scripts.views.results import METRICS, Results
from scripts.views.words import (
    UNITS,
    hours,
    listed,
    metric_name,
    number,
    probability,
    score,
    sentence_case,
    signed,
    training_hours,
)

# Rows of the table of the best runs; the interactive plot lists all.
BEST_RUNS = 20
# Pairs of hyperparameters too close to call that are named.
CLOSE = 3
Cell = tuple[str, str | float]  # what is shown, and what is sorted by


def tuned(results: Results) -> list[dict[str, str]]:
    """Return a row a hyperparameter: name, meaning, type, role, baseline, range tried, final."""
    chosen = list(results.chosen.get("hyperparameters", ()))
    final = final_values(results).values
    screened = plan.screened(results.study)
    made = []
    for name, spec in HYPERPARAMETERS.items():
        block = results.study["hyperparameters"][name]
        values = results.runs[name]
        search = block.get("search") if results.study["optuna"]["trials"] else None
        searched = search is not None and results.stage("optuna")[name].nunique() > 1
        roles = [
            role
            for role, holds in (
                ("screened", name in screened),
                ("chosen", name in chosen),
                ("searched", searched),
            )
            if holds
        ]
        if not roles and values.nunique() > 1:
            roles = ["varied"]
        made.append({
            "name": name,
            "meaning": spec.meaning,
            "type": spec.kind,
            "unit": UNITS.get(name, ""),
            "role": ", ".join(roles) or "fixed",
            "baseline": number(block["baseline"]),
            "range": _range(values),
            "search": _search(search) if searched and search else "",
            "final": number(final.get(name)),
            "changed": "yes" if name in final and final[name] != block["baseline"] else "",
        })  # fmt: skip
    return sorted(made, key=lambda row: row["role"] == "fixed")


def found(results: Results, values: Mapping[str, Value]) -> dict[str, str]:
    """Return what the best of the search changes, where it is not what the study recommends."""
    base = results.baseline
    return {name: number(value) for name, value in values.items() if value != base[name]}


def _range(values: pd.Series) -> str:
    """Return the values that runs took: all of a few, else the ends."""
    kinds = sorted(set(values.tolist()), key=lambda v: (isinstance(v, str), v))
    if len(kinds) <= 6:
        return ", ".join(number(v) for v in kinds)
    return f"{number(kinds[0])} to {number(kinds[-1])}"


def _search(search: Mapping[str, Any]) -> str:
    """Return a search space in words."""
    if "choices" in search:
        return "one of " + ", ".join(number(v) for v in search["choices"])
    words = f"{number(search['low'])} to {number(search['high'])}"
    words += ", log" if search.get("log") else ""
    return words + (f", step {number(search['step'])}" if search.get("step") else "")


def best_runs(results: Results) -> tuple[list[str], list[list[Cell]]]:
    """Return the columns and rows of the best runs, with every column of summary/runs.csv.

    The run that best.json names leads among those that tie with it.
    """
    columns = [c for c in results.runs.columns if c != "stage"]
    ranked = results.complete()
    lead = ranked["run"] == results.best.get("run")
    ranked = pd.concat([ranked[lead], ranked[~lead]]).sort_values(
        "objective", ascending=results.sign < 0, kind="stable"
    )
    rows = [
        [cell(column, value) for column, value in zip(columns, row, strict=True)]
        for row in ranked[columns].head(BEST_RUNS).itertuples(index=False)
    ]
    return [column.replace("stages", "stage") for column in columns], rows


def cell(column: str, value: Any) -> Cell:
    """Return a value of summary/runs.csv or confirm/results.csv as a table shows it."""
    if pd.isna(value):
        return "", ""
    if column.removeprefix("test_") in ("objective", *METRICS):
        return score(float(value)), float(value)
    if column in ("trial", "best_epoch"):
        return str(int(value)), float(value)
    if column == "seconds":
        return f"{value:.1f}", float(value)
    if isinstance(value, str):
        return value.replace(";", ", ") if column == "stages" else value, value
    return number(value), float(value)


def ranking(results: Results) -> list[dict[str, str]]:
    """Return the rows of the ranking table."""
    made = []
    for entry in results.ranking.to_dict("records"):
        known = not pd.isna(entry["effect"])
        noise = entry["effect_to_noise"]
        made.append({
            "rank": str(entry["rank"]),
            "name": str(entry["hyperparameter"]),
            "effect": score(entry["effect"]) if known else "not estimable",
            "noise": "" if pd.isna(noise) else f"{noise:.1f}",
            "worst": _level(entry, "worst_level"),
            "best": _level(entry, "best_level"),
            "runs": str(entry["runs"]),
            "diverged": str(entry.get("diverged", "")),
            "chosen": "yes" if entry["chosen"] else "",
            "interval": _between(entry.get("effect_low"), entry.get("effect_high")),
            "p": "" if _unknown(entry.get("p_holm")) else probability(entry["p_holm"]),
            "stands_out": "yes" if entry.get("stands_out") == 1 else "",
        })  # fmt: skip
    return made


def _unknown(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def _between(low: Any, high: Any) -> str:
    return "" if _unknown(low) or _unknown(high) else f"{signed(low)} to {signed(high)}"


def too_close(results: Results) -> str:
    """Return which choices of the ranking were too close to call, in words; empty for none."""
    pairs = results.chosen.get("too_close") or ()
    said = [
        f"{pair['chosen']} over {pair['left_out']} ({score(pair['difference'])} larger, where the"
        f" noise allows for {score(pair['margin'])})"
        for pair in pairs[:CLOSE]
    ]
    more = [f"{len(pairs) - CLOSE} more"] if len(pairs) > CLOSE else []
    return f"Too close to call: {listed([*said, *more])}." if said else ""


def _level(entry: Mapping[Any, Any], key: str) -> str:
    """Return a level as the hyperparameter's kind spells it (the column mixes kinds)."""
    value = entry.get(key)
    if value is None or pd.isna(value):
        return ""
    spec = HYPERPARAMETERS.get(str(entry["hyperparameter"]))
    return number(spec.canonical(value) if spec else value)


def cost(results: Results) -> list[tuple[str, int, str]]:
    """Return runs and training time by stage, the confirmation's and the total last."""
    every = results.every_run
    made = []
    for stage, runs in every.groupby("stage", sort=False):
        name = "confirm (fresh seeds)" if stage == "confirm" else str(stage)
        made.append((name, len(runs), hours(float(runs["seconds"].sum()))))
    total = float(every["seconds"].sum())
    said = dict.fromkeys((hours(total), training_hours(total)))
    return [*made, ("all", len(every), " or ".join(said))]


def counts(results: Results) -> dict[str, int]:
    """Return how many runs have each status, the confirmation's included."""
    status = results.every_run["status"]
    return {s: int((status == s).sum()) for s in ("complete", "pruned", "diverged", "failed")}


def facts(results: Results) -> list[tuple[str, str]]:
    """Return what data, model and machine the study used, as terms and values."""
    study, info = results.study, results.info
    dataset = study["dataset"]
    made = [("Data set", json.dumps(dataset, sort_keys=True, ensure_ascii=False))]
    if info.get("fingerprint"):
        made.append(("Data fingerprint", str(info["fingerprint"])))
    splits = info.get("splits") or {}
    for split in sorted(splits, key=lambda name: ("train", "validation", "test", name).index(name)):
        made.append((f"{sentence_case(split)} split", f"{splits[split]['examples']:,} examples"))
    if always := majority(results):
        made.append(("Floor", always))
    made += [("Model", str(study["model"]["path"]))]
    document = _metrics(results)
    model = {**study["model"], **{k: v for k, v in document.get("model", {}).items() if v}}
    made += [
        (term, str(model[key]))
        for term, key in (("Model revision", "revision"), ("Weights' sha256", "sha256"))
        if model.get(key)
    ]
    for term, key in (("Precision", "precision"), ("Device", "device"), ("Threads", "threads")):
        if document.get(key) is not None:
            made.append((term, str(document[key])))
    versions = document.get("versions", {})
    if versions:
        made.append(("Versions", ", ".join(f"{k} {v}" for k, v in sorted(versions.items()))))
    return made


def majority(results: Results) -> str:
    """Return what the most frequent class alone scores, in words; empty where no file says."""
    block = results.best.get("majority") or results.info.get("majority") or {}
    scores = [
        f"{metric_name(metric)} {score(block[metric])}"
        for metric in dict.fromkeys((results.metric, "accuracy"))
        if block.get(metric) is not None
    ]
    name = block.get("class", "the most frequent class")
    return f"Always answering {name} scores {listed(scores)} on validation" if scores else ""


def _metrics(results: Results) -> Mapping[str, Any]:
    """Return metrics.json of the best run (or of the first that has one), which names the model."""
    names = [results.best.get("run"), *results.runs["run"].head(1)]
    for name in names:
        path = results.folder / "runs" / str(name) / "metrics.json"
        if name and path.exists():
            return read_json(path)
    return {}
