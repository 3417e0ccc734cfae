"""report.html: the study in one file that needs nothing beside it, not even a network."""

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from scripts.study.errors import StudyError
from scripts.views import (
    classes,
    confirmed,
    further,
    gallery,
    importances,
    screening,
    searches,
    tables,
    verdict,
)
from scripts.views.final import as_yaml, final
from scripts.views.payload import payload, safe_json
from scripts.views.results import Results
from scripts.views.words import count, hours, listed, metric_name, score, sentence_case

HERE = Path(__file__).parent
SCRIPTS = (
    "runs.js", "scene.js", "field.js", "lines.js", "axes.js", "kept.js", "explore.js", "page.js",
)  # fmt: skip
# An SVG larger than this is shown as its PNG, which is smaller from thousands of runs on, in so
# many colours that the eye misses none.
MAX_SVG = 600_000
COLOURS = 128


def render(results: Results) -> str:
    """Return the report as HTML. The figures must have been drawn. Raises `StudyError`."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(score=score, sentence=sentence_case)
    style = _asset("report.css")
    # One block for all parts: they see each other, and the page's global names stay free.
    script = '"use strict";\n{\n' + "\n".join(_asset(name) for name in SCRIPTS) + "}\n"
    return environment.get_template("report.html.j2").render(
        **context(results),
        style=Markup(style),  # our own file
        script=Markup(script),
        data=Markup(safe_json(payload(results))),  # escaped for <script>
        policy=_policy(style, script),
    )


def context(results: Results) -> dict[str, Any]:
    """Return what the template shows, as plain values."""
    columns, best = tables.best_runs(results)
    tuned = tables.tuned(results)
    every = results.every_run
    recommended = final(results)
    fresh = results.verdict.get("baseline", {"mean": None, "completed": 0})
    return {
        "name": str(results.study["study"]),
        "metric": metric_name(results.metric),
        "direction": results.study["objective"]["direction"],
        "noise": results.noise,
        "fresh_mean": fresh["mean"],
        "fresh_done": count(fresh["completed"], "fresh seed"),
        "headline": verdict.headline(results),
        "comparison": verdict.rows(results),
        "ties": verdict.tie_words(results),
        "examples": verdict.examples(results),
        "majority": tables.majority(results),
        "complete": len(results.complete()),
        "seed": results.study["seed"],
        "mean_interval": verdict.mean_interval(results),
        "agreement": verdict.agreement(results),
        "seeds": count(len(results.noise.values), "seed"),
        "counts": tables.counts(results),
        "confirmed": confirmed.context(results),
        "final_words": recommended.words,
        "runs": len(every),
        "time": hours(float(every["seconds"].sum())),
        "cost": tables.cost(results),
        "tuned": tuned,
        "varied": listed([row["name"] for row in tuned if row["role"] != "fixed"]),
        "chosen": list(results.chosen.get("hyperparameters", ())),
        "evidence": "p_holm" in results.ranking,
        "too_close": tables.too_close(results),
        "rule": str(results.chosen.get("rule", "")),
        "ranking": tables.ranking(results),
        "design": screening.context(results),
        "yaml": as_yaml(results, recommended.values),
        "found_yaml": as_yaml(results, recommended.found),
        "found": tables.found(results, recommended.found),
        "best_run": results.best.get("run"),
        "best_columns": columns,
        "best_runs": best,
        "facts": tables.facts(results),
        "classes": classes.classes(results),
        "interactions": further.interactions(results),
        "interaction_words": further.interaction_words(results),
        "importances": importances.table(results),
        "importance_words": importances.words(results),
        "advice": further.advice(results),
        "advice_rules": further.advice_rules(results),
        "searches": searches.context(results),
        "provenance": further.provenance(results),
        "packages": further.packages(results),
        "pictures": {picture.name: _picture(results, picture) for picture in gallery.PICTURES},
        "stages": [s for s in ("screen", "grid", "optuna") if len(results.stage(s))],
        "off": [s for s in ("screen", "grid", "optuna") if not len(results.stage(s))],
    }


def _asset(name: str) -> str:
    return (HERE / "assets" / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy: this page's own script and style, and nothing fetched."""

    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest(style)}'; "
        f"script-src 'sha256-{digest(script)}'; base-uri 'none'; form-action 'none'"
    )


def _small(path: Path) -> bytes:
    """Return a PNG file's picture as a PNG of few colours, a third of its size."""
    stream = io.BytesIO()
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(stream, format="png", optimize=True)
    return stream.getvalue()


def _picture(results: Results, picture: gallery.Picture) -> dict[str, str]:
    """Return a figure's title, caption and picture as a data URI."""
    path = results.folder / "figures" / f"{picture.name}.svg"
    kind = "svg+xml"
    try:
        if path.stat().st_size > MAX_SVG:
            content, kind = _small(path.with_suffix(".png")), "png"
        else:
            content = path.read_bytes()
    except FileNotFoundError:
        raise StudyError(
            f"{path}: no such figure; run `python -m scripts.figures --study "
            f"{results.folder / 'study.json'}` first"
        ) from None
    return {
        "title": picture.title,
        "caption": picture.caption(),
        "source": f"data:image/{kind};base64,{base64.b64encode(content).decode()}",
    }
