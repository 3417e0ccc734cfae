"""The hyperparameters' blocks and listed configurations of a config, with canonical values."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from scripts.study.errors import StudyError
from scripts.study.hyperparameters import HYPERPARAMETERS, Hyperparameter, Value
from scripts.study.names import spell
from scripts.study.reading import join, show

# Of a range that is searched; more could as well be none.
MAX_STEPS = 1_000_000_000

ROOT = "hyperparameters"


def hyperparameters(config: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return a block for every hyperparameter; those not in `config` hold their default only."""
    return {
        name: _block(spec, config.get(name, {}), join(ROOT, name))
        for name, spec in HYPERPARAMETERS.items()
    }


def configurations(listed: Sequence[Mapping[str, Any]], path: str) -> list[dict[str, Value]]:
    """Return listed configurations with canonical values; refuse one that stands there twice."""
    found: dict[str, int] = {}
    resolved = []
    for index, values in enumerate(listed):
        where = f"{path}[{index}]"
        configuration = {
            name: _canonical(HYPERPARAMETERS[name], value, join(where, name))
            for name, value in values.items()
        }
        identity = "+".join(f"{name}={spell(configuration[name])}" for name in sorted(values))
        if identity in found:
            raise StudyError(
                f"{where}: {show(dict(configuration))} repeats {path}[{found[identity]}]; "
                "list it once"
            )
        found[identity] = index
        resolved.append(configuration)
    return resolved


def _canonical(spec: Hyperparameter, value: object, path: str) -> Value:
    """Return `value` in its one type; the error names the key in the config."""
    try:
        return spec.canonical(value)
    except StudyError:
        raise StudyError(f"{path}: {show(value)} is not {spec.allowed()}") from None


def _block(spec: Hyperparameter, block: Mapping[str, Any], path: str) -> dict[str, Any]:
    resolved: dict[str, Any] = {
        "baseline": _canonical(spec, block.get("baseline", spec.default), f"{path}.baseline")
    }
    for key in ("screen", "grid"):
        if key in block:
            resolved[key] = _levels(spec, block[key], f"{path}.{key}")
    if "search" in block:
        resolved["search"] = _search(spec, block["search"], f"{path}.search")
    return resolved


def _levels(spec: Hyperparameter, values: Sequence[object], path: str) -> list[Value]:
    """Return canonical `values`, each of which may stand there once."""
    levels: list[Value] = []
    for index, value in enumerate(values):
        level = _canonical(spec, value, f"{path}[{index}]")
        if level in levels:
            first = levels.index(level)
            raise StudyError(
                f"{path}[{index}]: {show(value)} repeats {path}[{first}]; list it once"
            )
        levels.append(level)
    return levels


def _search(spec: Hyperparameter, search: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the search space of one hyperparameter: choices, or low, high, log and any step."""
    if "choices" in search:
        for key in ("low", "high", "log", "step"):
            if key in search:
                raise StudyError(
                    f"{path}.{key}: {show(search[key])} does not go with choices; "
                    "give choices, or low and high"
                )
        choices = _levels(spec, search["choices"], f"{path}.choices")
        if len(choices) < 2:
            raise StudyError(f"{path}.choices: {show(choices)} leaves nothing to search; give two")
        return {"choices": choices}
    if spec.kind == "categorical":
        given = next(iter(search), "choices")
        raise StudyError(
            f"{path}.{given}: {show(search.get(given))}, but {spec.name} is categorical; "
            f"give choices, a list of some of {', '.join(spec.choices)}"
        )
    for key in ("low", "high"):
        if key not in search:
            raise StudyError(f"{path}.{key}: missing; give low and high, or choices")
    low = _canonical(spec, search["low"], f"{path}.low")
    high = _canonical(spec, search["high"], f"{path}.high")
    if not _number(low) < _number(high):
        raise StudyError(f"{path}.low: {show(low)} is not below high, {show(high)}")
    log = bool(search.get("log", False))
    if log and _number(low) <= 0:
        raise StudyError(f"{path}.low: {show(low)} is not above 0, as log: true needs")
    resolved: dict[str, Any] = {"low": low, "high": high, "log": log}
    if "step" in search:
        step = _step(spec, search["step"], low, high, f"{path}.step")
        if log:
            raise StudyError(f"{path}.step: {show(step)} does not go with log: true; leave one out")
        if not (spec.kind == "int" and step == 1):
            resolved["step"] = step
    return resolved


def _number(value: Value) -> float:
    """Return the value of a hyperparameter that is a number."""
    assert not isinstance(value, str)
    return value


def _step(spec: Hyperparameter, value: object, low: Value, high: Value, path: str) -> Value:
    """Return the step, which divides the range: Optuna would silently move `high` otherwise."""
    noun = "a whole number" if spec.kind == "int" else "a number"
    plain_step = Hyperparameter("step", spec.kind, 1, "", open_low=True)
    try:
        step = plain_step.canonical(value)
    except StudyError:
        raise StudyError(f"{path}: {show(value)} is not {noun} > 0") from None
    # Decimals, since 0.1 / 0.02 is not 5 in binary floats.
    width = Decimal(spell(high)) - Decimal(spell(low))
    steps = width / Decimal(spell(step))
    if steps > MAX_STEPS:
        raise StudyError(
            f"{path}: {show(step)} cuts the range from {show(low)} to {show(high)} into more than"
            f" {MAX_STEPS:,} steps; leave it out"
        )
    if steps != steps.to_integral_value():
        raise StudyError(
            f"{path}: {show(step)} does not divide the range from {show(low)} to {show(high)}"
        )
    return step
