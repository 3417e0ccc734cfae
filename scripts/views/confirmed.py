"""The confirmation in tables and words, as plain values that the template shows."""

from collections.abc import Mapping
from typing import Any

from scripts.analysis.words import surviving
from scripts.study import plan
from scripts.views.confirmation import interval, ordered, role
from scripts.views.results import Results
from scripts.views.tables import Cell, cell, majority
from scripts.views.words import (
    count,
    metric_name,
    number,
    probability,
    score,
    sentence_case,
    signed,
    training_hours,
)


def context(results: Results) -> dict[str, Any]:
    """Return what the template shows of the confirmation; `verdict` is empty without one."""
    verdict = results.verdict
    if not verdict:
        return {"verdict": "", "absent": absent(results)}
    first, _, rest = str(verdict["verdict"]).partition(". ")
    columns, runs = fresh_runs(results)
    return {
        "verdict": first if not rest else f"{first}.",
        "further": rest,
        "better": verdict["outcome"] == "better",
        "figures": figures(results),
        "rows": rows(results),
        "seeds": count(len(verdict["seeds"]), "fresh seed"),
        "notes": notes(results),
        "statistics": [(_title(results, one), statistics(results, one)) for one in _able(results)],
        "columns": columns,
        "runs": runs,
        "rules": [str(rule) for rule in verdict["rules"]],
    }


def absent(results: Results) -> str:
    """Return that nothing was confirmed, and why."""
    why = "the confirmation has not run yet"
    if not plan.fresh_seeds(results.study):
        key = "seeds" if results.study["confirm"]["configurations"] else "configurations"
        why = f"the stage is off in this study's config (confirm.{key} is 0)"
    return (
        f"Nothing was confirmed: {why}. All scores are those of the search itself, which flatter"
        " its best runs."
    )


def _able(results: Results) -> list[Mapping[str, Any]]:
    return [one for one in ordered(results) if "finalist" in one]


def _title(results: Results, entry: Mapping[str, Any]) -> str:
    """Return what a configuration is: `winner`, `finalist 2`, `baseline`."""
    name = role(results, entry)
    return f"finalist {entry['finalist']}" if name == "finalist" else name


def _changes(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, number(value)) for name, value in sorted(entry.get("changed", {}).items())]


def _judged(results: Results, entry: Mapping[str, Any]) -> str:
    """Return what the rules say of a configuration, in a few words."""
    verdict = results.verdict
    if "finalist" not in entry:
        return ""
    if entry["finalist"] == verdict["winner"]:
        return "better than the baseline"
    lost = len(verdict["seeds"]) - entry["completed"]
    if entry["worse"]:
        fell = _fell(results, entry)
        return f"worse: diverged on {count(lost, 'seed')}" if fell else "worse than the baseline"
    other = "the baseline" if verdict["winner"] is None else "the winner"
    if entry["finalist"] in verdict["equivalent"]:
        return f"not distinguishable from {other}"
    if entry["better"]:
        return "better than the baseline, less than the winner"
    if entry["p"] is None:
        return "not compared"
    if entry["withheld"]:
        return f"scores better, but diverged on {count(lost, 'seed')}: not called better"
    return "not distinguishable from the baseline, less than the winner"


def rows(results: Results) -> list[dict[str, Any]]:
    """Return the compact table: the winner, the other finalists, the baseline on fresh seeds."""
    seeds = len(results.verdict["seeds"])
    made = []
    for entry in ordered(results):
        test = entry.get("test") or {}
        done = entry["completed"]
        made.append({
            "title": _title(results, entry),
            "lead": role(results, entry) == "winner",
            "changes": _changes(entry),
            "before": score(entry["before"]),
            "mean": score(entry["mean"]),
            "sd": "" if entry["sd"] is None else score(entry["sd"]),
            "lost": "" if done == seeds else f"{done} of {seeds} seeds",
            "gain": _gain(entry.get("gain"), interval(entry)),
            "p": _p(results, entry),
            "test": score(test["mean"]) if test else "",
            "test_gain": _gain(test.get("gain"), test.get("interval")),
            "judged": _judged(results, entry),
        })  # fmt: skip
    return made


def _fell(results: Results, entry: Mapping[str, Any]) -> bool:
    """Return whether a finalist diverged on a fresh seed and the baseline on none."""
    seeds = len(results.verdict["seeds"])
    return bool(entry["completed"] < results.verdict["baseline"]["completed"] == seeds)


def _p(results: Results, entry: Mapping[str, Any]) -> str:
    """Return the p of what is said of a configuration: that it is worse, else that it is better.

    Empty for the baseline, and for what is worse or withheld without a test.
    """
    if "finalist" not in entry or entry["withheld"] or (entry["worse"] and _fell(results, entry)):
        return ""
    return probability(entry["p_worse_holm" if entry["worse"] else "p_holm"])


def _gain(gain: float | None, ends: Any) -> tuple[str, str]:
    """Return a gain and its interval."""
    if gain is None:
        return "", ""
    return signed(gain), _ends(ends) if ends else ""


def _ends(ends: Any) -> str:
    return f"{signed(ends[0])} to {signed(ends[1])}"


def figures(results: Results) -> list[tuple[str, str, str]]:
    """Return the numbers that matter, as name, value and explanation."""
    verdict = results.verdict
    made = []
    able = _able(results)
    if able and able[0]["gain"] is not None:
        one = able[0]
        gain, ends = _gain(one["gain"], interval(one))
        which = "winner" if one["finalist"] == verdict["winner"] else "best of the search"
        made.append(("Gain on fresh seeds", gain, f"{which} over baseline; {ends}".rstrip("; ")))
        if one["survives"] is not None:
            promised = signed(one["promised"])
            made.append(("Of the promised gain", surviving(one["survives"]),
                         f"survives; the search promised {promised}"))  # fmt: skip
    if verdict["optimism"] is not None:
        made.append(("Optimism of the search", signed(verdict["optimism"]),
                     f"its best score, less the same configuration on fresh seeds{results.turned}"
                     ))  # fmt: skip
    base = verdict["baseline"]
    if base["before"] is not None and base["mean"] is not None:
        # The optimism is told of the search's best, and may be of another than the winner.
        both = able and able[0]["finalist"] == 1 and verdict["optimism"] is not None
        made.append(("Rise of the baseline", signed(results.sign * (base["mean"] - base["before"])),
                     f"its mean on fresh seeds, less that in the search{results.turned}"
                     + ("; what optimism and rise come to is lost of the promised gain" if both
                        else "")))  # fmt: skip
    least = verdict["detectable"]
    if least["gain"] is not None:
        made.append(("Smallest detectable gain", score(least["gain"]),
                     f"found with probability {least['power']:.0%}"))  # fmt: skip
    every = results.every_run
    again = training_hours(float(results.repeats["seconds"].sum()))
    made.append(("Cost", training_hours(float(every["seconds"].sum())),
                 f"of training, {again} of it to confirm; {count(len(every), 'run')}"))  # fmt: skip
    return made


def notes(results: Results) -> str:
    """Return what the compact table's columns mean, and what this study could not see."""
    verdict = results.verdict
    many = len(verdict["finalists"]) > 1
    all_of_them = ", which holds for all finalists together" if many else ""
    corrected = " corrected by Holm for all of them" if many else ""
    text = (
        f"Gain: the difference from the baseline's mean on the same seeds{results.turned}, with"
        f" its {verdict['confidence']:.0%} interval{all_of_them}; p is that of Welch's one-sided"
        f" t test{corrected}: that it is better, or, where one is called worse, that it is worse. "
    )
    base, least = verdict["baseline"], verdict["detectable"]
    if base["sd"] is not None:
        text += (
            f"Noise floor: the baseline's sd from fresh seed to fresh seed is {score(base['sd'])}"
        )
        if least["gain"] is not None:
            text += (
                f"; a gain under {score(least['gain'])} would be found with a probability of less"
                f" than {least['power']:.0%}"
            )
        text += ". "
    if yardsticks := _yardsticks(results):
        text += f"{yardsticks} "
    if verdict["no_test"]:
        return text + f"There are no test scores: {verdict['no_test']}."
    return text + "The test split is looked at here only; its interval is each finalist's own."


def _yardsticks(results: Results) -> str:
    """Return what one example is worth, and what the most frequent class alone scores."""
    size, always = results.best.get("example"), majority(results)
    words = f"One validation example is {score(size)} of accuracy. " if size else ""
    return f"{words}{always}." if always else words.rstrip()


def statistics(results: Results, entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return all that is known of a finalist, in words, as terms and sentences."""
    name, verdict = metric_name(results.metric), results.verdict
    changed = ", ".join(f"{key} {value}" for key, value in _changes(entry))
    promised = entry["promised"]
    made = [
        ("Departs from the baseline", changed),
        ("In the search", f"run {entry['run']}: {name} {score(entry['before'])}"
         + (f", a promised gain of {signed(promised)}" if promised is not None else "")),
    ]  # fmt: skip
    done = f"{entry['completed']} of {count(len(verdict['seeds']), 'seed')} completed"
    if entry["mean"] is not None:
        done += f": mean {score(entry['mean'])}"
        done += "" if entry["sd"] is None else f", sd {score(entry['sd'])}"
    if entry["optimism"] is not None:
        done += f". The search was optimistic by {signed(entry['optimism'])}"
    made.append(("On fresh seeds", f"{done}."))
    if entry["gain"] is not None:
        text = signed(entry["gain"])
        if entry["interval"]:
            text += f", {verdict['confidence']:.0%} interval {_ends(entry['interval'])}"
            text += f" ({_ends(entry['interval_all'])} for all finalists together)"
        if entry["p"] is not None:
            text += f". Welch's one-sided t test that it is better: {probability(entry['p'])}"
            if not entry["withheld"]:
                text += f", corrected by Holm {probability(entry['p_holm'])}"
            if entry["worse"] and (p := _p(results, entry)):
                text += f"; that it is worse, corrected {p}"
        if entry["survives"] is not None:
            text += f". {sentence_case(surviving(entry['survives']))} of the promised gain survives"
        made.append(("Gain over the baseline", f"{text}."))
    test = entry["test"]
    if test and test["gain"] is not None:
        text = f"mean {score(test['mean'])}, gain {signed(test['gain'])}"
        known = [_ends(test["interval"])] if test["interval"] else []
        known += [] if test["p"] is None else [probability(test["p"])]
        text += f" ({'; '.join(known)})" if known else ""
        made.append(("On the test split", f"{text}."))
    for split, found in entry["examples"].items():
        if found:
            made.append((f"Same {split} examples", _paired(found)))
    made.append(("Judgement", f"{sentence_case(_judged(results, entry))}."))
    return made


def _paired(found: Mapping[str, Any]) -> str:
    """Return bootstrap and McNemar of one split, in words."""
    drawn, test = found["bootstrap"], found["mcnemar"]
    return (
        f"paired bootstrap over seeds and examples: gain {_ends(drawn['interval'])}, above 0 in"
        f" {drawn['above']:.1%} of the resamples. By the mean of the seeds' probabilities,"
        f" {count(test['only_first'], 'example')} right here alone and {test['only_second']} with"
        f" the baseline alone (McNemar, two-sided: {probability(test['p'])}, corrected"
        f" {probability(test['p_holm'])})."
    )


def fresh_runs(results: Results) -> tuple[list[str], list[list[Cell]]]:
    """Return the columns and rows of confirm/results.csv, without columns that are empty."""
    table = results.fresh.dropna(axis="columns", how="all")
    others = [column for column in table.columns if column not in ("run", "objective")]
    columns = ["run", *others] if others else []
    shown = [
        [cell(column, value) for column, value in zip(columns, row, strict=True)]
        for row in table[columns].itertuples(index=False)
    ]
    return [column.replace("_", " ") for column in columns], shown
