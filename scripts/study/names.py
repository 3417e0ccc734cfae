"""Names of runs: how a run departs from the baseline, plus its seed. The name is the identity."""

import hashlib
import re
from collections.abc import Mapping

from scripts.study.errors import StudyError
from scripts.study.hyperparameters import HYPERPARAMETERS, Value

# File systems allow 255 bytes a name; Snakemake appends to it in its own bookkeeping.
MAX_LENGTH = 200

# The state of a training that is not done, in its run's folder.
CHECKPOINT = "checkpoint.safetensors"


def spell(value: Value) -> str:
    """Return the one spelling of a value in names: floats by repr, whole numbers without point."""
    return repr(value) if isinstance(value, float) else str(value)


def departures(
    hyperparameters: Mapping[str, Value], baseline: Mapping[str, Value]
) -> dict[str, Value]:
    """Return the hyperparameters whose value differs from the baseline's, sorted by name."""
    return {
        name: value
        for name, value in sorted(hyperparameters.items())
        if spell(value) != spell(baseline[name])
    }


def run_name(hyperparameters: Mapping[str, Value], baseline: Mapping[str, Value], seed: int) -> str:
    """Return the name of a planned run, such as `learning_rate=2e-05+weight_decay=0.1-seed42`.

    A name over 200 characters is cut and ends in a hash of the whole.
    """
    changed = departures(hyperparameters, baseline)
    body = "+".join(f"{name}={spell(value)}" for name, value in changed.items()) or "baseline"
    name = f"{body}-seed{seed}"
    if len(name) <= MAX_LENGTH:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{body[:150].rpartition('+')[0]}+hash={digest}-seed{seed}"


def parse_run(name: str, baseline: Mapping[str, Value]) -> tuple[dict[str, Value], int]:
    """Return all hyperparameters and the seed that `name` stands for.

    Only the canonical spelling is taken, so that a run has one name. Raises `StudyError`.
    """
    body, _, seed = name.rpartition("-seed")
    if not seed.isdecimal():
        raise StudyError(f"run {name!r}: the name of a run ends in -seed and a number")
    values = dict(baseline)
    if body != "baseline":
        for part in body.split("+"):
            key, _, text = part.partition("=")
            if key not in HYPERPARAMETERS:
                raise StudyError(f"run {name!r}: {key!r} is not a hyperparameter")
            values[key] = HYPERPARAMETERS[key].canonical(text)
    if run_name(values, baseline, int(seed)) != name:
        raise StudyError(
            f"run {name!r}: its name would be {run_name(values, baseline, int(seed))!r}"
        )
    return values, int(seed)


def trial_name(trial: int, seed: int) -> str:
    """Return the name of an Optuna trial's slot, such as `optuna-0007-seed42`; trials from 1."""
    return f"optuna-{trial:04d}-seed{seed}"


def trial_number(name: str) -> int | None:
    """Return the number of the Optuna trial whose slot has the name `name`; None of other runs.

    >>> trial_number("optuna-0007-seed42"), trial_number("baseline-seed42")
    (7, None)
    """
    found = re.match(r"optuna-(\d+)-seed", name)
    return int(found[1]) if found else None


def planned_pattern() -> str:
    """Return the regular expression of planned runs' names, as a Snakemake wildcard constraint."""
    names = "|".join(HYPERPARAMETERS)
    part = rf"(?:{names}|hash)=[A-Za-z0-9_.\-]+"
    return rf"(?:baseline|{part}(?:\+{part})*)-seed\d+"
