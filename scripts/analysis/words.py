"""The verdict in words, from the figures of verdict.json."""

from collections.abc import Mapping, Sequence
from typing import Any

from scripts.study.names import spell
from scripts.study.plan import Study


def no_test(study: Study, examples: int) -> str | None:
    """Return why there are no test metrics; None where there are."""
    if examples:
        return None
    return (
        "the study has no test split (splits.test)"
        if study["splits"]["test"] is None
        else "the test split has no labels"
    )


def sentence(document: Mapping[str, Any]) -> str:
    """Return the verdict, one to three sentences."""
    finalists, seeds = document["finalists"], len(document["seeds"])
    if not finalists:
        why = none_completed(document["baseline"]["before"] is not None)
        return f"There is nothing to confirm: {why}."
    if document["outcome"] == "better":
        return _better(document)
    worse = [one for one in finalists if one["worse"]]
    withheld = [one for one in finalists if one["withheld"]]
    if document["outcome"] == "undecided" and not withheld:
        return _undecided(document)
    equal = [one for one in finalists if one["finalist"] in document["equivalent"]]
    none = "No configuration is distinguishable from the baseline"
    if worse:
        none = "No configuration is better than the baseline"
    if withheld:
        none = "No configuration is called better than the baseline"
    text = f"{none} on {seeds} fresh seeds"
    if equal:
        verb = "this one is" if len(equal) == 1 else f"these {len(equal)} are"
        text += f"; {verb} equivalent: " + ", ".join(
            f"{name(one)} ({_within(one)})" for one in equal
        )
    if worse:
        text += f"; worse: {', '.join(map(name, worse))}"
    for one in withheld:
        text += (
            f"; {name(one)} scores better, but completed on {one['completed']} of them, and is not"
            " called better for that"
        )
    return f"{text}.{_detectable(document)}"


def none_completed(baseline: bool) -> str:
    """Return that no configuration completed, or none but the baseline, where that did."""
    return f"no configuration {'but the baseline ' if baseline else ''}completed"


def _within(finalist: Mapping[str, Any]) -> str:
    within = finalist["equivalent_within"]
    if within is None:
        return "its seeds do not differ, so within what is not known"
    return f"within {within:.4f}"


def name(finalist: Mapping[str, Any]) -> str:
    """Return a configuration by what it changes, such as `learning_rate=2e-05 dropout=0.2`."""
    changed: Mapping[str, Any] = finalist["changed"]
    parts = [
        f"{key}={float(f'{value:.6g}')!r}" if isinstance(value, float) else f"{key}={spell(value)}"
        for key, value in sorted(changed.items())
    ]
    return " ".join(parts)


def diverged(baseline: Mapping[str, Any]) -> tuple[int, int]:
    """Return on how many fresh seeds the baseline diverged, of how many that were trained.

    None are where there was nothing to confirm.
    """
    seeds = len(baseline["values"])
    return seeds - baseline["completed"], seeds


def surviving(share: float) -> str:
    """Return how much of a gain survives: a share above 1 is all of it, one below 0 nothing.

    >>> surviving(0.67), surviving(1.22), surviving(-0.42)
    ('67%', 'all', 'nothing')
    """
    if share <= 0:
        return "nothing"
    return "all" if share >= 1 else f"{share:.0%}"


def _better(document: Mapping[str, Any]) -> str:
    finalists: Sequence[Mapping[str, Any]] = document["finalists"]
    winner = finalists[document["winner"] - 1]
    metric = document["objective"]["metric"]
    held = ""
    if winner["interval_all"]:
        held = (
            f"{_range(winner['interval_all'])}, {document['confidence']:.0%} confidence"
            f"{' for all finalists together' if len(finalists) > 1 else ''}, "
        )
    text = (
        f"{name(winner)} is better than the baseline by {winner['gain']:.4f} {metric}"
        f" ({held}{len(document['seeds'])} fresh seeds)"
    )
    if winner["survives"] is not None:
        text += (
            f"; {surviving(winner['survives'])} of the gain that the search promised survives on"
            " fresh seeds"
        )
    test = winner["test"]
    if test is None:
        text += f"; not tested further: {document['no_test']}"
    elif test["gain"] is not None:
        text += f"; on the test split the gain is {test['gain']:+.4f}"
        text += f" ({_range(test['interval'])})" if test["interval"] else ""
    equal = [name(one) for one in finalists if one["finalist"] in document["equivalent"]]
    if equal:
        text += f". Not distinguishable from it: {', '.join(equal)}"
    return f"{text}."


def _undecided(document: Mapping[str, Any]) -> str:
    seeds = len(document["seeds"])
    if seeds < 2:
        return (
            "One fresh seed says nothing about chance, so no configuration is called better than"
            " the baseline; set confirm.seeds to 5."
        )
    if document["baseline"]["completed"] < 2:
        return (
            f"The baseline completed on {document['baseline']['completed']} of {seeds} fresh seeds,"
            " too few to compare anything with it."
        )
    return f"No finalist completed on two or more of {seeds} fresh seeds; the baseline stands."


def _detectable(document: Mapping[str, Any]) -> str:
    gain, power = document["detectable"]["gain"], document["detectable"]["power"]
    if gain is None:
        return " Scores do not vary from seed to seed."
    return (
        f" A true difference of {gain:.4f} {document['objective']['metric']} would have been found"
        f" with a probability of {power:.0%}."
    )


def _range(interval: Sequence[float]) -> str:
    return f"{interval[0]:.4f} to {interval[1]:.4f}"
