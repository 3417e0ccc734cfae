"""The search space as Optuna sees it, and the trials that it learns from."""

import hashlib
import itertools
import math
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from scripts.study.hyperparameters import HYPERPARAMETERS, Value
from scripts.study.trial import Trial

# A sampler that keeps proposing what was tried already is asked this often for something else.
ATTEMPTS = 10
# Of a space with at most so many points, those not yet tried are listed.
LISTED = 10_000


def distributions(space: Mapping[str, Mapping[str, Any]]) -> dict[str, BaseDistribution]:
    """Return Optuna's distribution of each searched hyperparameter, sorted by name."""
    return {name: _distribution(name, block) for name, block in sorted(space.items())}


def _distribution(name: str, block: Mapping[str, Any]) -> BaseDistribution:
    if "choices" in block:
        return CategoricalDistribution(block["choices"])
    log, step = block.get("log", False), block.get("step")
    if HYPERPARAMETERS[name].kind == "int":
        return IntDistribution(block["low"], block["high"], log=log, step=step or 1)
    return FloatDistribution(block["low"], block["high"], log=log, step=step)


def contains(space: Mapping[str, BaseDistribution], parameters: Mapping[str, Value]) -> bool:
    """Tell whether `parameters` lies within the search space."""
    for name, distribution in space.items():
        value = parameters[name]
        if isinstance(distribution, CategoricalDistribution):
            if value not in distribution.choices:
                return False
        elif isinstance(value, str) or not distribution._contains(float(value)):
            return False
    return True


def frozen(
    trial: Trial, space: Mapping[str, BaseDistribution], diverged: TrialState
) -> FrozenTrial:
    """Return `trial` in Optuna's form; `diverged` is the state that a diverged one is given."""
    states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "diverged": diverged}
    complete = trial.status == "complete"
    return create_trial(
        state=states[trial.status],
        value=trial.values[-1] if complete else None,
        params={name: trial.parameters[name] for name in space},
        distributions=dict(space),
        intermediate_values=dict(enumerate(trial.values, start=1)),
        user_attrs=dict(trial.attributes),
    )


def sampler_seed(seed: int, batch: int) -> int:
    """Return the sampler's seed of a batch: from the study's seed and the batch's number alone."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{batch}".encode()).digest()[:4], "big")


def _sampler(name: str, options: Mapping[str, Any], seed: int) -> optuna.samplers.BaseSampler:
    if name == "tpe":
        return optuna.samplers.TPESampler(seed=seed, constant_liar=True, **options)
    if name == "gp":
        return optuna.samplers.GPSampler(seed=seed, **options)
    if name == "qmc":
        return optuna.samplers.QMCSampler(
            seed=seed, warn_independent_sampling=False, **{"scramble": True, **options}
        )
    return optuna.samplers.RandomSampler(seed=seed)


def propose(
    space: Mapping[str, BaseDistribution],
    earlier: Sequence[Trial],
    *,
    direction: Literal["minimize", "maximize"],
    sampler: Mapping[str, Any],
    seed: int,
    batch: int,
    size: int,
) -> list[dict[str, Value]]:
    """Return the parameters of the `size` trials of batch number `batch`, counted from 1.

    A pure function of its arguments: the study is rebuilt in memory from `earlier` (warm start
    first, then trials in trial order), the sampler is seeded by study seed and batch, and the
    trials of the batch are asked for together (constant liar). What was tried already is not
    proposed again: where the sampler finds nothing else, any point left of a small space is taken.
    Only a space of which all was tried is tried again.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    skip = 0
    if sampler["name"] == "qmc":
        # A quasi-random sequence has one seed for all batches and learns nothing: it is run
        # through from its beginning, and the trials of earlier batches are left out at the end.
        skip, batch = (batch - 1) * size, 0
        earlier = earlier[: max(len(earlier) - skip, 0)]
    study = optuna.create_study(
        direction=direction,
        sampler=_sampler(sampler["name"], sampler["options"], sampler_seed(seed, batch)),
    )
    if sampler["name"] == "qmc":
        study.add_trial(_anywhere(space))
    else:
        # To the sampler a diverged trial is a bad one, not an unknown one: pruned without a value
        # ranks last in TPE, whereas it does not look at failed ones at all.
        known = _completed(earlier, direction) if sampler["name"] == "gp" else earlier
        study.add_trials([frozen(trial, space, TrialState.PRUNED) for trial in known])
    rng = random.Random(f"{seed}:{batch}")
    tried = {_key(trial.parameters, space) for trial in earlier}
    left = _left(space, tried)
    proposals: list[dict[str, Value]] = []
    for _ in range(skip + size):
        for _ in range(ATTEMPTS):
            parameters = _canonical(study.ask(dict(space)).params, space)
            if left == [] or _key(parameters, space) not in tried:
                break
        else:
            if left:
                parameters = dict(zip(space, rng.choice(left), strict=True))
        tried.add(_key(parameters, space))
        left = left and [point for point in left if point not in tried]
        proposals.append(parameters)
    return proposals[skip:]


def _completed(trials: Sequence[Trial], direction: str) -> list[Trial]:
    """Return `trials` as a Gaussian process needs them: it looks at complete ones alone.

    A pruned trial counts with its last value, a diverged one with the worst of all; otherwise the
    sampler would come back to where it knows nothing.
    """
    last = [trial.values[-1] for trial in trials if trial.values]
    worst = (min if direction == "maximize" else max)(last, default=0.0)
    return [replace(t, status="complete", values=t.values or [worst]) for t in trials]


def _left(
    space: Mapping[str, BaseDistribution], tried: Collection[tuple[Value, ...]]
) -> list[tuple[Value, ...]] | None:
    """Return the points of the space that were not tried; None where it has too many to list."""
    if points(space) > LISTED:
        return None
    levels = map(_levels, space.values())
    return [point for point in itertools.product(*levels) if point not in tried]


def points(space: Mapping[str, BaseDistribution]) -> int:
    """Return how many points the space has; of a continuous one a number above `LISTED`."""
    return math.prod(len(_levels(distribution)) for distribution in space.values())


def _levels(distribution: BaseDistribution) -> Sequence[Value]:
    """Return the values of one distribution; of a continuous one more than are ever listed."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices  # type: ignore[return-value]
    if isinstance(distribution, IntDistribution):
        return range(distribution.low, distribution.high + 1, distribution.step)
    assert isinstance(distribution, FloatDistribution)
    if distribution.step is None:
        return range(LISTED + 1)
    steps = round((distribution.high - distribution.low) / distribution.step)
    return [_on_step(distribution, step) for step in range(min(steps, LISTED) + 1)]


def _on_step(distribution: FloatDistribution, step: int) -> float:
    """Return `low + step * distribution.step` in decimals: 0.3 and not 0.30000000000000004."""
    return float(Decimal(repr(distribution.low)) + step * Decimal(repr(distribution.step)))


def _anywhere(space: Mapping[str, BaseDistribution]) -> FrozenTrial:
    """Return a trial somewhere in the space: QMC reads the space off the first one it sees."""
    parameters = {
        name: d.choices[0] if isinstance(d, CategoricalDistribution) else d.low  # type: ignore[attr-defined]
        for name, d in space.items()
    }
    return create_trial(
        state=TrialState.COMPLETE, value=0.0, params=parameters, distributions=dict(space)
    )


def _key(parameters: Mapping[str, Value], names: Iterable[str]) -> tuple[Value, ...]:
    return tuple(parameters[name] for name in names)


def _canonical(
    parameters: Mapping[str, Any], space: Mapping[str, BaseDistribution]
) -> dict[str, Value]:
    """Return parameters in the study's one spelling (numpy scalars become plain numbers)."""
    return {
        name: HYPERPARAMETERS[name].canonical(_plain(parameters[name], distribution))
        for name, distribution in space.items()
    }


def _plain(value: Any, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, FloatDistribution) and distribution.step is not None:
        return _on_step(distribution, round((value - distribution.low) / distribution.step))
    return value.item() if hasattr(value, "item") else value
