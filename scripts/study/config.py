"""A study's config: read, merged, checked as a whole, every default filled in.

What comes out of `resolve` is written to results/<study>/study.json and is all that any other
module needs to know of a config. Every mistake is one line: key, value, what would be right.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from scripts.study import blocks, checks, designs, optuna_options, trackers
from scripts.study.errors import StudyError
from scripts.study.files import json_text
from scripts.study.plan import candidates
from scripts.study.reading import join, merge, plain, read, show, without_nulls
from scripts.study.schema import numbers, schema, validate


def load(*paths: Path | str) -> dict[str, Any]:
    """Return the resolved study of the YAML files `paths`, later ones laid over earlier ones.

    Mappings merge deeply, lists replace, null removes a key. Raises `StudyError`.

    Example: `load("config/mrpc-f1.yaml", "config/offline.yaml")["study"]`
    """
    if not paths:
        raise StudyError("no config file given; name one, such as config/config.yaml")
    config: dict[str, Any] = {}
    for path in paths:
        config = merge(config, read(path))
    return resolve(config, " + ".join(str(path) for path in paths))


def resolve(config: Mapping[str, Any], source: str = "config") -> dict[str, Any]:
    """Return the resolved study of a merged `config`; `source` stands first in every error.

    Values are canonical and keys sorted, so that the result equals study.json read back, order
    included; resolving a resolved study changes nothing. Files of the study are looked for
    relative to the current directory. Raises `StudyError`.
    """
    try:
        if not isinstance(config, Mapping):
            raise StudyError(f"{show(config)} is not a mapping of keys to values")
        raw = plain(config)
        _refuse_remote_code(raw, "")
        given = cast(dict[str, Any], numbers(_without_nulls(raw), schema("config")))
        validate(given, "config")
        study = _resolved(given)
        checks.check(study)
    except StudyError as error:
        raise StudyError(f"{source}: {error}") from None
    return cast(dict[str, Any], json.loads(json_text(study)))


def _refuse_remote_code(value: object, path: str) -> None:
    """Nobody's code is downloaded and run, however deep a config asks for it."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "trust_remote_code":
                raise StudyError(
                    f"{join(path, key)}: {show(item)} is refused; code from a hub is never run. "
                    "Remove the key"
                )
            _refuse_remote_code(item, join(path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_remote_code(item, f"{path}[{index}]")


def _without_nulls(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Drop keys that are null; `splits.test: null` alone is a value: there is no test split."""
    given = without_nulls(raw)
    splits = raw.get("splits")
    if isinstance(splits, Mapping) and "test" in splits and splits["test"] is None:
        given["splits"] = {**given["splits"], "test": None}
    return given


def _defaults(block: str) -> dict[str, Any]:
    """Return the defaults of a block as its schema states them."""
    properties = schema("config")["properties"][block]["properties"]
    return {key: spec["default"] for key, spec in properties.items() if "default" in spec}


def _resolved(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the study with every default filled in and every value canonical."""
    study: dict[str, Any] = {
        "study": given["study"],
        "seed": int(given.get("seed", schema("config")["properties"]["seed"]["default"])),
        "objective": _objective(given.get("objective", {})),
        "model": {"revision": None, "sha256": None, **given["model"]},
        "dataset": _dataset(given["dataset"]),
        "labels": given.get("labels"),
        "hyperparameters": blocks.hyperparameters(given.get("hyperparameters", {})),
    }
    for name in ("columns", "training", "baseline", "grid", "confirm"):
        study[name] = _whole({**_defaults(name), **given.get(name, {})})
    study["splits"] = _splits(given.get("splits", {}), study["dataset"])
    for name in ("screen", "refine"):
        listed = given.get(name, {}).get("configurations", [])
        study[name] = {"configurations": blocks.configurations(listed, f"{name}.configurations")}
    design = designs.resolve(given.get("screen", {}).get("design"), study)
    if design is not None:
        study["screen"]["design"] = design
    optuna = given.get("optuna", {})
    study["optuna"] = _whole(
        {
            **_defaults("optuna"),
            **optuna,
            "sampler": optuna_options.sampler(optuna.get("sampler", {})),
            "pruner": optuna_options.pruner(optuna.get("pruner", {})),
        }
    )
    study["rank"] = _rank(given.get("rank", {}), study)
    study["tracking"] = trackers.resolved(given.get("tracking", {}))
    return study


def _whole(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return `block` with 32.0 as 32: JSON Schema takes both as a whole number."""
    return {key: int(value) if type(value) is float else value for key, value in block.items()}


def _objective(given: Mapping[str, Any]) -> dict[str, str]:
    metric = given.get("metric", _defaults("objective")["metric"])
    direction = "minimize" if metric == "loss" else "maximize"
    if given.get("direction", direction) != direction:
        raise StudyError(
            f"objective.direction: {show(given['direction'])} does not go with {metric}; "
            f"it is {direction}, and may be left out"
        )
    return {"metric": metric, "direction": direction}


def _dataset(given: Mapping[str, Any]) -> dict[str, Any]:
    if "generated" not in given:
        return dict(given)
    properties = schema("config")["properties"]["dataset"]["properties"]["generated"]["properties"]
    defaults = {key: spec["default"] for key, spec in properties.items()}
    return {**given, "generated": _whole({**defaults, **given["generated"]})}


def _splits(given: Mapping[str, Any], dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Return the splits; files named by split without a test file mean that there is none."""
    splits = {**_defaults("splits"), **given}
    files = dataset.get("data_files")
    if "validation_share" in given:
        if "validation" in given:
            raise StudyError(
                f"splits.validation_share: {show(given['validation_share'])} does not go with"
                " splits.validation; null removes one of them"
            )
        splits["validation"] = None
    if "test" not in given and files is not None and "test" not in _names_of(files):
        splits["test"] = None
    return splits


def _names_of(files: object) -> list[str]:
    """Return the names of the splits that `data_files` makes; load_dataset's default is train."""
    return list(files) if isinstance(files, Mapping) else ["train"]


def _rank(given: Mapping[str, Any], study: Mapping[str, Any]) -> dict[str, Any]:
    """Return how hyperparameters are chosen; with two candidates the default is both."""
    named = given.get("hyperparameters")
    if named is not None:
        return {"top": len(named), "hyperparameters": named}
    default = _defaults("rank")["top"]
    possible = len(candidates(study)) or default
    return {"top": int(given.get("top", min(default, possible))), "hyperparameters": None}
