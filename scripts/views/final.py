"""The final configuration: what the study recommends, and as a block to paste into a config."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from scripts.analysis.words import diverged
from scripts.study.hyperparameters import HYPERPARAMETERS, Value
from scripts.views.results import Results
from scripts.views.words import count


@dataclass(frozen=True)
class Final:
    """What the study recommends: `values` by hyperparameter, empty where there is nothing.

    `found` is what the search took for the best instead, empty where that is the same.
    """

    words: str
    values: Mapping[str, Value]
    found: Mapping[str, Value]


def final(results: Results) -> Final:
    """Return the confirmed winner, the baseline where none is, the best run where none was asked.

    A confirmation without finalists leaves the baseline too; where that never completed, the best
    run of the search, as `scripts.analysis.recommended` has it for the model.
    """
    best: Mapping[str, Value] = results.best.get("hyperparameters") or {}
    if not results.best.get("run"):
        return Final("No run is complete, so there is no final configuration.", {}, {})
    verdict = results.verdict
    if not verdict:
        return Final(f"From run {results.best['run']}, the best of the search.", best, {})
    if verdict["winner"] is not None:
        winner = verdict["finalists"][verdict["winner"] - 1]
        words = (
            f"Confirmed on {count(len(verdict['seeds']), 'fresh seed')}; the search found it as run"
            f" {winner['run']}."
        )
        values = winner["hyperparameters"]
    elif results.noise.mean is None:
        return Final(
            f"From run {results.best['run']}, the best of the search; the baseline did not complete"
            " on any seed of the search.",
            best,
            {},
        )
    else:
        words = (
            "The baseline stays the recommendation: nothing that the search found is shown to be"
            " better than it on fresh seeds."
        )
        lost, seeds = diverged(verdict["baseline"])
        words += f" It diverged on {lost} of {count(seeds, 'fresh seed')}." if lost else ""
        values = results.baseline
    return Final(words, values, {} if values == best else best)


def yaml_value(value: Value) -> str:
    """Return a value as YAML reads it back: `2e-05` would be a string, `2.0e-05` is a number."""
    if isinstance(value, float):
        text = repr(value)
        return text if "." in text or "e" not in text else text.replace("e", ".0e")
    if isinstance(value, int) or re.fullmatch(r"[a-z]+_[a-z_0-9]+|linear|cosine|adam\w*", value):
        return str(value)
    return json.dumps(value)


def as_yaml(results: Results, final: Mapping[str, Value]) -> str:
    """Return hyperparameters as a config's `hyperparameters` block; nothing for none."""
    if not final:
        return ""
    base = results.baseline
    # A config may set one of the two warmups only: the line of one that was and is 0 may go.
    warmups = ("warmup_steps", "warmup_ratio")
    left_out = next((name for name in warmups if not (final.get(name) or base[name])), None)
    lines = ["hyperparameters:"]
    for name in HYPERPARAMETERS:
        if name in final and name != left_out:
            was = f"  # was {yaml_value(base[name])}" if final[name] != base[name] else ""
            lines.append(f"  {name}: {{baseline: {yaml_value(final[name])}}}{was}")
    return "\n".join(lines) + "\n"
