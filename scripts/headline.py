"""Print where a study's report is and what the study found, in a few lines.

In come best.json and verdict.json beside study.json; nothing is written.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.analysis.luck import beside_noise
from scripts.study.documents import FACTS, read_facts
from scripts.study.errors import command
from scripts.study.files import read_object
from scripts.study.hyperparameters import Value


def headline(
    best: Mapping[str, Any], report: Path, verdict: str | None = None, model: str | None = None
) -> str:
    """Return the lines to print: the report's place, the best run, the baseline, what changed.

    `best` is the content of best.json, `verdict` the sentence of verdict.json, None where nothing
    was confirmed, and `model` says where the final model is, None where there is none. A gain is
    set beside the spread (standard deviation) of the baseline's seeds, since a gain within it may
    be luck.
    """
    lines = [f"Report:   {report}"]
    metric, value = best["objective"]["metric"], best["objective"]["value"]
    if value is None:
        return "\n".join([*lines, "Best:     none; no run of this study came to its end"])
    lines.append(f"Best:     {metric} {value:.4f}, {best['run']} (stage {best['stage']})")
    if best["ties"]:
        lines[-1] += f", tied with {len(best['ties'])} more"

    baseline = best["baseline"]
    if baseline["mean"] is None:
        lines.append("Baseline: none; it diverged on every seed")
    else:
        lines.append(f"Baseline: {metric} {baseline['mean']:.4f}{_spread(baseline)}")
        gain = value - baseline["mean"]
        if best["objective"]["direction"] == "minimize":
            gain = -gain
        # The baseline on one seed is no gain over its mean.
        if best["changed"]:
            beside = beside_noise(gain, baseline["sd"], best["chance"])
            lines.append(f"Gain:     {gain:+.4f}{beside}")
    changed = ", ".join(
        f"{name} {_short(change['baseline'])} -> {_short(change['best'])}"
        for name, change in sorted(best["changed"].items())
    )
    lines.append(f"Changed:  {changed or 'nothing: the baseline is the best'}")
    if model is not None:
        lines.append(f"Model:    {model}")
    if verdict is not None:
        lines.append(f"Verdict:  {verdict}")
    return "\n".join(lines)


def _short(value: Value) -> str:
    """Return a value with the six digits that are enough to recognise it."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _spread(baseline: Mapping[str, Any]) -> str:
    """Return how many seeds the baseline's mean is of, and their standard deviation, in words."""
    if baseline["sd"] is None:
        return " on one seed"
    return f", mean of {len(baseline['values'])} seeds (sd {baseline['sd']:.4f})"


def main() -> None:
    """Read the command line and print the headline of a study."""
    parser = argparse.ArgumentParser(prog="python -m scripts.headline", description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="results/<study>/study.json")
    path: Path = parser.parse_args().study.resolve()
    folder, confirm = path.parent, read_object(path, "confirm")["confirm"]
    verdict = None
    if confirm["configurations"] and confirm["seeds"]:
        verdict = read_object(folder / "verdict.json", "verdict")["verdict"]
    keys = ("run", "stage", "objective", "ties", "baseline", "changed", "chance")
    best, report = read_object(folder / "best.json", *keys), folder / "report.html"
    print(headline(best, report, verdict, _model(folder / "model")))


def _model(folder: Path) -> str | None:
    """Return where the final model is and which run it is: not always the best of the search."""
    return f"{folder}, {read_facts(folder, 'run')['run']}" if (folder / FACTS).exists() else None


if __name__ == "__main__":
    command(main)
