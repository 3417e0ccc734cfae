"""The runs as the interactive parallel coordinates plot reads them: JSON inside the report."""

import json
import math
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.colors import to_hex
from numpy import linspace

from scripts.views.results import Results
from scripts.views.scales import Axis, axes, hyperparameter_axis
from scripts.views.words import metric_name, number, score, sentence_case

STATUSES = ("complete", "pruned", "diverged", "failed")
SHADES = 24
# Up to this many values of an axis are written once, instead of once a run.
FEW = 40


def safe_json(value: object) -> str:
    r"""Return `value` as JSON that is safe inside a `<script>` element, whatever its texts hold.

    >>> safe_json("</script>")
    '"\\u003c/script\\u003e"'
    """
    text = json.dumps(value, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def ramps() -> dict[str, list[str]]:
    """Return viridis from bad to good runs: to dark on light paper, to bright on dark paper."""
    viridis = matplotlib.colormaps["viridis"]
    return {
        "light": [to_hex(viridis(x)) for x in linspace(0.75, 0.0, SHADES)],
        "dark": [to_hex(viridis(x)) for x in linspace(0.32, 1.0, SHADES)],
    }


def payload(results: Results) -> dict[str, Any]:
    """Return what the plot needs, columns by axis; positions run from 0 (foot) to 1 (top)."""
    runs = results.every_run
    *made, objective = axes(results, runs)
    columns = [_axis(axis, runs[axis.name], axis.name) | _other(axis, runs) for axis in made]
    title = sentence_case(metric_name(results.metric))
    last = _axis(objective, runs["objective"], title) | {"objective": True}
    stages = list(dict.fromkeys(";".join(runs["stages"].astype(str)).split(";")))
    band = results.noise.band
    return {
        "sign": results.sign,
        "runs": runs["run"].astype(str).tolist(),
        "stages": stages,
        "stage": [
            [stages.index(name) for name in str(names).split(";")] for names in runs["stages"]
        ],
        "statuses": list(STATUSES),
        "status": [STATUSES.index(status) for status in runs["status"]],
        "aside": [at for at, stage in enumerate(stages) if stage == "confirm"],
        "rank": _ranks(results, runs),
        "standing": _standing(results, runs),
        "axes": [*columns, last],
        "band": band and [_round(objective.position(end)) for end in band],
        "mean": None if results.noise.mean is None
        else _round(objective.position(results.noise.mean)),
        "noise": band and f"baseline mean {score(results.noise.mean)}, "
        f"2 sd {2 * (results.noise.sd or 0):.4f}",
        "ramps": ramps(),
    }  # fmt: skip


def _standing(results: Results, runs: pd.DataFrame) -> list[int]:
    """Return each run's place from 1 for the best objective on; runs without one come last."""
    values = runs["objective"] * -results.sign
    return [int(place) for place in values.rank(method="first", na_option="bottom")]


def _ranks(results: Results, runs: pd.DataFrame) -> list[int]:
    """Return the rank of the runs that compete, 1 for the best and all that tie; 0 for others."""
    done = results.complete()["objective"]
    ranks = done.rank(method="min", ascending=results.sign < 0)
    return [int(rank) for rank in ranks.reindex(runs.index).fillna(0)]


def _round(position: float) -> float:
    # a ten-thousandth of an axis is finer than any screen
    return round(position, 4)


def _axis(axis: Axis, values: pd.Series, title: str) -> dict[str, Any]:
    """Return one axis with its runs' places and texts.

    Few values are listed once, as `levels` from foot to top (place, text), and `level` gives each
    run's number in the list, or one number for all. Of many, each run has its `place`, in
    ten-thousandths of the axis, and its text.
    """
    shown = [(_round(axis.position(value)), _text(axis, value)) for value in values]
    column: dict[str, Any] = {
        "title": title,
        "unit": axis.unit,
        "log": axis.log,
        "scale": [_round(axis.start), _round(axis.end)],
        "places": sorted(_round(place) for place in axis.places.values()),
        "ticks": [[_round(place), label] for place, label in axis.ticks],
    }
    levels = sorted(set(shown))
    if len(levels) <= FEW:
        numbers = {level: at for at, level in enumerate(levels)}
        level = [numbers[level] for level in shown]
        column |= {"levels": levels, "level": 0 if len(levels) == 1 else level}
    else:
        column |= {
            "place": [round(10_000 * place) for place, _ in shown],
            "texts": [text for _, text in shown],
        }
    return column


def _other(axis: Axis, runs: pd.DataFrame) -> dict[str, Any]:
    """Return a number's axis on its other scale, linear or logarithmic, where it has one."""
    if axis.categories or axis.constant:
        return {}
    values = runs[axis.name]
    other = hyperparameter_axis(axis.name, values.tolist(), log=not axis.log)
    if other.log == axis.log:  # no logarithm of 0
        return {}
    column = _axis(other, values, axis.name)
    for name in ("title", "unit", "texts"):
        column.pop(name, None)
    return {"other": column}


def _text(axis: Axis, value: object) -> str:
    """Return a value as hover and table show it."""
    if axis.categories:
        return str(value)
    if isinstance(value, float) and math.isnan(value):
        return ""
    return number(value, 6)
