"""What a trial of the search came to; without Optuna, which takes long to import."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scripts.study.hyperparameters import Value

# How a run may end; of those that are no trial none may be pruned or failed.
STATUSES = ("complete", "diverged", "pruned", "failed")


@dataclass(frozen=True)
class Trial:
    """A finished trial: its parameters in the search space, and what came of it.

    `values` is the objective after each epoch; the last one is the trial's value. A diverged trial
    has none.
    """

    parameters: Mapping[str, Value]
    status: str
    values: Sequence[float]
    attributes: Mapping[str, Any] = field(default_factory=dict)


def epoch_values(metrics: Mapping[str, Any]) -> list[float]:
    """Return the objective after each epoch of a run, from its metrics.json; finite ones only."""
    name = metrics["objective"]["metric"]
    return [epoch[name] for epoch in metrics["epochs"] if math.isfinite(epoch[name])]
