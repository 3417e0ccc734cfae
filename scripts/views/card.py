"""The model card: README.md of the final model, in the Hugging Face hub's format."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from huggingface_hub import EvalResult, ModelCardData

from scripts.study import plan
from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.study.plan import Study
from scripts.views.words import count

TEMPLATES = Path(__file__).parent / "templates"
METRICS = ("accuracy", "f1", "precision", "recall", "matthews_correlation", "loss")


@dataclass(frozen=True)
class Card:
    """What a card tells of.

    Attributes:
        study: the resolved study; `info`: data/info.json; `model`: data/model.json.
        best: best.json; `verdict`: verdict.json, empty where nothing was confirmed.
        run: name of the run that the model is; `why`: why it is this one.
        metrics: its metrics.json, of the training that gave the model.
        again: how these compare with the metrics of the run in the study, in words.
    """

    study: Study
    info: Mapping[str, Any]
    model: Mapping[str, Any]
    best: Mapping[str, Any]
    verdict: Mapping[str, Any]
    run: str
    why: str
    metrics: Mapping[str, Any]
    again: str


def escape(value: object) -> str:
    """Return text that Markdown shows as it is, on one line: no markup, no HTML, no links.

    Every punctuation mark that can begin something has a backslash before it (CommonMark 6.1).
    """
    text = "".join(c if c.isprintable() else " " for c in str(value))
    return re.sub(r"([\\`*_{}\[\]()<>#|~&!:@])", r"\\\1", " ".join(text.split()))


def render(card: Card) -> str:
    """Return the card: a block of metadata in YAML, then Markdown."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # Whatever a template prints is escaped, unless it says otherwise.
        finalize=lambda value: value if isinstance(value, _Markdown) else escape(value),
    )
    environment.filters["markdown"] = _Markdown
    template = environment.get_template("model-card.md.j2")
    body = template.render(
        card=card,
        values=_values(card),
        epochs=card.metrics["epochs"],
        names=METRICS,
        sizes=_sizes(card.info),
        source=_source(card.study),
        fresh=_fresh(card),
        metric=card.study["objective"]["metric"],
        two=len(card.info["labels"]) == 2,
        pair=card.info["text_columns"] == 2,
        versions=", ".join(f"{name} {text}" for name, text in card.metrics["versions"].items()),
    )
    return f"---\n{metadata(card).to_yaml()}\n---\n\n{body}"


def without_model(study: Study, why: str) -> str:
    """Return the README of a study without a model."""
    return f"# {escape(study['study'])}\n\n{escape(why)}\n"


def metadata(card: Card) -> ModelCardData:
    """Return the card's metadata: figures of the validation split, and of the test split if any."""
    dataset, model = card.study["dataset"], card.model
    hub = dataset if dataset.get("revision") else {}
    results = [
        EvalResult(
            task_type="text-classification",
            dataset_type=_dataset_name(card.study),
            dataset_name=" ".join(filter(None, [_dataset_name(card.study), hub.get("name")])),
            dataset_config=hub.get("name"),
            dataset_split=card.study["splits"][split],
            dataset_revision=hub.get("revision"),
            metric_type=name,
            metric_value=value,
            metric_name=f"{name}, {words}",
        )
        for split, words, found in _evaluations(card)
        for name, value in found.items()
    ]
    return ModelCardData(
        base_model=model["path"] if model["revision"] else None,
        datasets=[dataset["path"]] if hub else None,
        eval_results=results,
        library_name="transformers",
        metrics=[name for name in METRICS if name != "loss"],
        model_name=card.study["study"],
        pipeline_tag="text-classification",
        tags=["snaketune", "hyperparameter-search"],
    )


def _evaluations(card: Card) -> list[tuple[str, str, Mapping[str, float]]]:
    """Return split, what the figures are of, and figures: this model's, and of its configuration.

    Only the confirmation's runs look at the test split, so its figure is a mean over seeds.
    """
    last = card.metrics["epochs"][-1]
    found: list[tuple[str, str, Mapping[str, float]]] = [
        ("validation", "this model", {name: last[name] for name in METRICS if name != "loss"})
    ]
    row = next((row for row in _fresh(card) if row["this"]), None)
    if row and row["test_mean"] is not None and card.study["objective"]["metric"] != "loss":
        metric, done = card.study["objective"]["metric"], row["test_seeds"]
        words = f"mean over {count(done, 'fresh seed')} of this configuration"
        found.append(("test", words, {metric: row["test_mean"]}))
    return found


def _fresh(card: Card) -> list[dict[str, Any]]:
    """Return the configurations of the confirmation with their scores; `this` marks the model's."""
    if not card.verdict or not card.verdict["finalists"]:
        return []
    baseline = plan.baseline_values(card.study)
    rows = [("baseline", baseline, card.verdict["baseline"])]
    rows += [
        (f"finalist {one['finalist']}", one["hyperparameters"], one)
        for one in card.verdict["finalists"]
    ]
    return [
        {
            "name": name,
            "this": dict(values) == card.metrics["hyperparameters"],
            "validation": _spread(scores),
            "test": _spread(scores["test"]),
            "test_mean": (scores["test"] or {}).get("mean"),
            "test_seeds": (scores["test"] or {}).get("completed"),
        }
        for name, values, scores in rows
    ]


def _spread(scores: Mapping[str, Any] | None) -> str:
    """Return mean and standard deviation over seeds, a dash where there are none."""
    if not scores or scores["mean"] is None:
        return "–"
    sd = "" if scores["sd"] is None else f" ± {scores['sd']:.4f}"
    done, seeds = scores["completed"], len(scores["values"])
    lost = "" if done == seeds else f" ({done} of {seeds} seeds)"
    return f"{scores['mean']:.4f}{sd}{lost}"


def _values(card: Card) -> list[tuple[str, object, object]]:
    """Return every hyperparameter, its value and the baseline's."""
    baseline, own = plan.baseline_values(card.study), card.metrics["hyperparameters"]
    return [(name, own[name], baseline[name]) for name in HYPERPARAMETERS]


def _sizes(info: Mapping[str, Any]) -> list[tuple[str, int, Sequence[str]]]:
    """Return of each split the number of examples and the share of each class."""
    found: list[tuple[str, int, Sequence[str]]] = []
    for role in ("train", "validation", "test"):
        facts = info["splits"].get(role)
        if facts:
            total = sum(facts["by_class"])
            shares = [f"{count / total:.1%}" if total else "?" for count in facts["by_class"]]
            found.append((role, facts["examples"], shares))
    return found


def _dataset_name(study: Study) -> str:
    return "generated" if "generated" in study["dataset"] else str(study["dataset"]["path"])


def _source(study: Study) -> str:
    """Return in words where the data come from."""
    dataset = study["dataset"]
    if "generated" in dataset:
        return "pairs of sentences that Snaketune generates itself"
    name = " ".join(filter(None, [dataset["path"], dataset.get("name")]))
    return f"{name} at revision {dataset['revision']}" if dataset.get("revision") else name


class _Markdown(str):
    """Text of a template that is Markdown already."""
