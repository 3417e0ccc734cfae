"""What else the analysis found, in tables: interactions, advice, provenance."""

from typing import Any

import pandas as pd

from scripts.views.grid import varied
from scripts.views.results import Results
from scripts.views.words import count, metric_name, number, probability, score

# The packages that decide what a training computes and how a study runs.
MAIN = (
    "torch", "transformers", "tokenizers", "datasets", "numpy", "pandas", "scikit-learn", "optuna",
    "snakemake",
)  # fmt: skip


def interactions(results: Results) -> list[dict[str, str]]:
    """Return the rows of grid/interactions.csv as the report shows them."""
    return [
        {
            "term": str(row["term"]).replace(":", " with "),
            "kind": "interaction" if row["kind"] == "interaction" else "main effect",
            "share": "" if pd.isna(row["share"]) else f"{row['share']:.1%}",
            "f": "" if pd.isna(row["f"]) else f"{row['f']:.1f}",
            "p": "" if pd.isna(row["p_holm"]) else probability(row["p_holm"]),
            "stands_out": "yes" if row["stands_out"] == 1 else "",
        }
        for row in results.interactions.to_dict("records")
    ]


def interaction_words(results: Results) -> str:
    """Return which interactions stand out of the noise, and how large that is, in words."""
    table = results.interactions
    if table.empty:
        return ""
    noise, freedom = table["noise_sd"].iloc[0], table["noise_df"].iloc[0]
    if pd.isna(noise):
        return "The noise is not known, so nothing tells which of these may be chance."
    pairs = table[table["kind"] == "interaction"]
    # A main effect that the points which completed cannot separate is not in the table.
    alone = len(varied(results, results.complete(results.stage("grid")))) == 1
    out = [str(term).replace(":", " with ") for term in pairs[pairs["stands_out"] == 1]["term"]]
    if alone:
        said = "One hyperparameter alone varies in the grid: there are no interactions"
    elif pairs.empty:
        said = "No interaction was tested: too many combinations, or too few points that completed"
    else:
        which = f"{', '.join(out)} stand{'s' if len(out) == 1 else ''}" if out else "none stands"
        said = f"Of {count(len(pairs), 'two-factor interaction')} {which} out of the noise"
    return (
        f"{said}. Noise floor: sd {score(float(noise))} of {metric_name(results.metric)} with"
        f" {int(freedom)} degrees of freedom, from the baseline's further seeds and from what"
        " effects and pairs leave over; p is corrected by Holm for all terms."
    )


def advice(results: Results) -> list[tuple[str, str]]:
    """Return what summary/advice.json advises, each with the figures behind it."""
    return [
        (
            str(entry["advice"]),
            ", ".join(f"{name.replace('_', ' ')} {_show(v)}"
                      for name, v in entry["figures"].items() if v is not None),
        )
        for entry in results.advice.get("advice", ())
    ]  # fmt: skip


def advice_rules(results: Results) -> list[str]:
    """Return the rules that the advice follows, whether they applied or not."""
    return list(results.advice.get("rules", ()))


def _show(value: Any) -> str:
    return value if isinstance(value, str) else number(value)


def provenance(results: Results) -> list[tuple[str, str]]:
    """Return where the results come from, as terms and values; nothing without the file."""
    found = results.provenance
    if not found:
        return []
    git = found.get("git")
    commit = "no git clone"
    if git:
        state = "with uncommitted changes" if git["dirty"] else "no uncommitted changes"
        commit = f"{git['commit']}, {state}"
    model, machine, packages = found["model"], found["machine"], found["packages"]
    gpus = ", ".join(machine.get("gpus") or ()) or "no GPU"
    main = [f"{name} {packages[name]}" for name in MAIN if name in packages]
    return [
        ("Code (git commit)", commit),
        ("Config (sha256 of study.json)", str(found["config_sha256"])),
        ("Data fingerprint", str(found["data"]["fingerprint"])),
        ("Model", f"{model['path']}" + (f", {model['architecture']}" if model.get("architecture")
                                        else "")),
        ("Model revision", str(model["revision"] or "none pinned")),
        ("Weights' sha256", str(model["sha256"] or "unknown")),
        ("Machine that wrote this down",
         f"{machine['cpu']}, {machine['cores']} cores, {machine['cpu_capability']}; {gpus};"
         f" {machine['system']}"),
        ("Python", str(found["python"])),
        ("Main packages", ", ".join(main)),
    ]  # fmt: skip


def packages(results: Results) -> str:
    """Return every package as a requirements file has it, a line each."""
    found = results.provenance.get("packages", {})
    return "\n".join(f"{name}=={version}" for name, version in sorted(found.items()))
