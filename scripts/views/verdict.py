"""What the comparison says, in words: how large a gain is, and whether it may be luck."""

from dataclasses import dataclass

from scripts.analysis.luck import NOISE, RARE
from scripts.views.comparison import value
from scripts.views.results import Results
from scripts.views.words import count, listed, metric_name, number, probability, score, signed


@dataclass(frozen=True)
class Row:
    """One row of the comparison, ready to show. `verdict` is empty for the baseline itself."""

    label: str
    run: str
    objective: float
    gain: str
    in_sd: str
    examples: str
    verdict: str
    beyond: bool
    found: str
    ties: tuple[str, ...]
    values: tuple[tuple[str, str], ...]


def examples(results: Results) -> int | None:
    """Return the number of validation examples, None where no file says."""
    size = results.best.get("example")
    return round(1 / size) if size else None


def mean_interval(results: Results) -> str:
    """Return the confidence interval of the baseline's mean, in words; empty on one seed."""
    block = results.best.get("baseline") or {}
    ends = block.get("interval")
    return (
        f"{block['confidence']:.0%} interval {score(ends[0])} to {score(ends[1])}" if ends else ""
    )


def agreement(results: Results) -> str:
    """Return how far other metrics order the runs as the objective does; empty where none can."""
    found = {
        metric: one
        for metric, one in (results.best.get("agreement") or {}).items()
        if one["spearman"] is not None
    }
    if not found:
        return ""
    runs = max(one["runs"] for one in found.values())
    ranks = [f"{metric_name(metric)} {signed(one['spearman'], 2)}" for metric, one in found.items()]
    return (
        f"How far other metrics order the {count(runs, 'complete run')} on seed"
        f" {results.study['seed']} as {metric_name(results.metric)} does, by Spearman's rank"
        f" correlation (+1: the same order): {listed(ranks)}."
    )


def rows(results: Results) -> list[Row]:
    """Return the comparison: the baseline's mean, then the best by hand, of grid and of Optuna."""
    entries = [e for e in results.best.get("comparison", ()) if value(e) is not None]
    made = []
    for entry in entries:
        label = str(entry["label"])
        if label == "baseline":
            continue
        gain = None
        if results.noise.mean is not None:
            gain = results.sign * (float(value(entry) or 0.0) - results.noise.mean)
        changed = _changed(results, entry.get("hyperparameters") or {})
        verdict, beyond = "the baseline itself", False
        if changed:
            verdict, beyond = _verdict(results, gain, int(entry["of"]), entry.get("chance"))
        trial = entry.get("trial")
        found = f"trial {trial}" if trial else f"run {entry['found_at']}"
        accuracy = (entry.get("metrics") or {}).get("accuracy")
        made.append(
            Row(
                label,
                str(entry["run"]),
                float(value(entry) or 0.0),
                "" if gain is None else signed(gain),
                _in_sd(results, gain),
                _more_right(results, accuracy),
                verdict,
                beyond,
                f"{found} of {entry['of']}",
                tuple(str(name) for name in entry.get("ties") or ()),
                changed,
            )
        )
    return made


def _changed(results: Results, values: dict[str, object]) -> tuple[tuple[str, str], ...]:
    """Return the hyperparameters that depart from the baseline, with their values in full."""
    base = results.baseline
    return tuple((name, number(v)) for name, v in values.items() if v != base.get(name))


def _in_sd(results: Results, gain: float | None) -> str:
    sd = results.noise.sd
    return signed(gain / sd, 1) if gain is not None and sd else ""


def _more_right(results: Results, accuracy: float | None) -> str:
    """Return how many more validation examples are right than the baseline's mean, with sign."""
    base = results.stage("baseline")["accuracy"].dropna()
    total = examples(results)
    if accuracy is None or total is None or base.empty:
        return ""
    more = (accuracy - float(base.mean())) * total
    return signed(more, 0 if abs(more - round(more)) < 0.05 else 1)


def _verdict(
    results: Results, gain: float | None, runs: int, chance: float | None
) -> tuple[str, bool]:
    """Return the verdict on a gain, and whether it is beyond noise and luck."""
    sd = results.noise.sd
    if gain is None:
        return "no baseline to compare with", False
    if gain <= 0:
        return "no gain", False
    if not sd or chance is None:
        why = "one seed" if sd is None else "its seeds score the same"
        return f"noise unknown ({why})", False
    if gain <= NOISE * sd:
        return "within the noise", False
    if chance > RARE:
        return f"may be the luck of {count(runs, 'try', 'tries')}, {probability(chance)}", False
    return f"beyond the noise, {probability(chance)}", True


def headline(results: Results) -> list[str]:
    """Return the study's outcome as sentences, the most important first."""
    made = rows(results)
    name = metric_name(results.metric)
    run = results.best.get("run")
    if run is None:
        return [str(results.best.get("reason") or "No run is complete, so there is no best run.")]
    top = float(results.best["objective"]["value"])
    noise = results.noise
    if noise.mean is None:
        return [f"The best run reaches {name} {score(top)}. No seed of the baseline is complete."]
    gain = top - noise.mean
    seeds = count(len(noise.values), "seed")
    winner = next((row for row in made if row.run == run), None)
    # The study's seed may be a lucky one for the baseline: then tuned runs may beat its mean alone.
    if winner is None or not results.best.get("changed", True):
        own = f"on seed {results.study['seed']}, whose {name} is {score(top)}"
        mean = f"; its mean over {seeds} is {score(noise.mean)}" if len(noise.values) > 1 else ""
        return [f"No tuned run beats the baseline's own run {own}{mean}."]
    if gain * results.sign <= 0:
        return [
            f"No tuned run beats the baseline, whose {name} is {score(noise.mean)} on average"
            f" over {seeds}; the best single run reaches {score(top)}."
        ]
    worth = []
    if noise.sd:
        worth.append(f"{abs(gain) / noise.sd:.1f} times the seed-to-seed sd of {score(noise.sd)}")
    amount = winner.examples.strip("+\N{MINUS SIGN}")
    if amount.strip("0."):
        more = "more" if winner.examples[0] == "+" else "fewer"
        worth.append(f"{amount} {more} of {examples(results)} validation examples right")
    sentence = (
        f"The best run of the search has {name} {score(top)} ({winner.label}), the baseline"
        f" {score(noise.mean)} (mean of {seeds}): {signed(gain)}"
    )
    sentences = [sentence + (f", which is {listed(worth)}." if worth else ".")]
    return [*sentences, _judgement(results, abs(gain))]


def _judgement(results: Results, gain: float) -> str:
    """Return whether the study's gain can be believed, in one sentence or two."""
    said, alone = _by_the_search(results, gain)
    fresh = "What fresh seeds leave of it, the confirmation says."
    return f"{said} {fresh if results.verdict else alone}".rstrip()


def _by_the_search(results: Results, gain: float) -> tuple[str, str]:
    """Return what the search tells of the gain, and what follows where nothing was confirmed."""
    sd, seeds = results.noise.sd, len(results.noise.values)
    if sd is None:
        return (
            "One seed of the baseline completed in the search.",
            "So nothing tells whether this gain is real: give it more (baseline.seeds).",
        )
    chance, runs = results.best.get("chance"), int(results.best["of"])
    if not sd or chance is None:
        return f"All {seeds} seeds of the baseline score the same, so the noise is not known.", ""
    if gain <= NOISE * sd:
        return (
            "This gain is within the noise: another seed alone moves the baseline as much.",
            "Nothing here shows that the tuned configuration is better.",
        )
    often = f"in {chance:.{1 if chance < 0.1 else 0}%}" if chance >= 0.01 else "in less than 1%"
    judged = "may be luck" if chance > RARE else "is beyond the noise"
    return (
        f"This gain {judged}: the best of {count(runs, 'run')} no better than the baseline would"
        f" gain as much {often} of studies, as far as {seeds} seeds tell the noise.",
        "The best of many runs is flattered: expect less on new seeds.",
    )


def tie_words(results: Results) -> str:
    """Return what ties there are for the best of the study and how they were broken."""
    ties = list(results.best.get("ties") or ())
    rule = str(results.best.get("tie_break") or "")
    if not ties:
        return f"No other run ties with the best. Rule for ties: {rule}." if rule else ""
    shown = listed([str(name) for name in ties[:5]]) + (
        f" and {len(ties) - 5} more" if len(ties) > 5 else ""
    )
    return f"{count(len(ties), 'other run')} tied with the best: {shown}. Rule: {rule}."
