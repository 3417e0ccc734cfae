"""The runs as the interactive parallel coordinates plot reads them: JSON inside the report."""

import json
import math
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.colors import to_hex
from numpy import linspace

from scripts.views.results import Results
from scripts.views.scales import Axis, axes, spread
from scripts.views.words import metric_name, number, score, sentence_case

STATUSES = ("complete", "pruned", "diverged")
SHADES = 24


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
    ranks = runs["objective"].rank(method="first").fillna(0).tolist()
    columns = [
        _axis(axis, runs[axis.name], axis.name, spread([axis.position(v) for v in runs[axis.name]],
                                                       ranks, _fan(len(runs))))
        for axis in made
    ]  # fmt: skip
    title = sentence_case(metric_name(results.metric))
    last = _axis(objective, runs["objective"], title, None) | {"objective": True}
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


def _fan(runs: int) -> float:
    """Return how much of an axis a run takes where many share a value."""
    return 0.006 if runs <= 200 else 0.001


def _round(position: float) -> float:
    # a ten-thousandth of an axis is finer than any screen
    return round(position, 4)


def _axis(axis: Axis, values: pd.Series, title: str, fanned: list[float] | None) -> dict[str, Any]:
    """Return one axis with its runs: positions (for limits), fanned ones (for lines), texts."""
    places = [axis.position(value) for value in values]
    levels = sorted({_round(place) for place in places})
    texts = {place: _text(axis, value) for place, value in zip(places, values, strict=True)}
    column: dict[str, Any] = {
        "title": title,
        "unit": axis.unit,
        "log": axis.log,
        "constant": axis.constant,
        "category": bool(axis.categories),
        "scale": [_round(axis.start), _round(axis.end)],
        "places": sorted(_round(place) for place in axis.places.values()),
        "ticks": [[_round(place), label] for place, label in axis.ticks],
        "place": [_round(place) for place in places],
    }
    if fanned is not None and len(levels) < len(places):
        column["fanned"] = [_round(place) for place in fanned]
    if len(levels) <= 40 and not axis.places:
        # few levels: their texts once, instead of once a run
        column["levels"] = [[_round(place), text] for place, text in sorted(texts.items())]
    else:
        column["texts"] = [_text(axis, value) for value in values]
    return column


def _text(axis: Axis, value: object) -> str:
    """Return a value as hover and table show it."""
    if axis.categories:
        return str(value)
    if isinstance(value, float) and math.isnan(value):
        return ""
    return number(value, 6)
