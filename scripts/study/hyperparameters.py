"""The hyperparameters that a study may tune: name, kind, range and default of each.

Names are those of transformers' `TrainingArguments` where it has one.
"""

import math
from dataclasses import dataclass
from typing import Literal

from scripts.study.errors import StudyError

Value = float | int | str
Kind = Literal["float", "int", "categorical"]


@dataclass(frozen=True)
class Hyperparameter:
    """One tunable setting of a training.

    `low` and `high` bound the values of a number; `open_low` and `open_high` exclude the bound
    itself. `choices` lists the values of a categorical one.
    """

    name: str
    kind: Kind
    default: Value
    meaning: str
    low: float = 0.0
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    choices: tuple[str, ...] = ()

    def allowed(self) -> str:
        """Return the allowed values in words, such as `a number > 0 and <= 1`."""
        if self.kind == "categorical":
            return "one of " + ", ".join(self.choices)
        noun = "a whole number" if self.kind == "int" else "a number"
        words = f"{noun} {'>' if self.open_low else '>='} {self.low:.10g}"
        if math.isfinite(self.high):
            words += f" and {'<' if self.open_high else '<='} {self.high:.10g}"
        return words

    def canonical(self, value: object) -> Value:
        """Return `value` in the one type and spelling that names and files use.

        YAML reads `5e-5` as a string and `32.0` as a float; both are accepted where they mean a
        value of this kind. Raises `StudyError` with the value and what would be right.
        """
        if self.kind == "categorical":
            if isinstance(value, str) and value in self.choices:
                return value
            raise StudyError(f"{self.name}: {value!r} is not {self.allowed()}")
        number = _number(value)
        if number is None or (self.kind == "int" and not float(number).is_integer()):
            raise StudyError(f"{self.name}: {value!r} is not {self.allowed()}")
        below = number <= self.low if self.open_low else number < self.low
        above = number >= self.high if self.open_high else number > self.high
        if below or above:
            raise StudyError(f"{self.name}: {value!r} is not {self.allowed()}")
        return int(number) if self.kind == "int" else float(number) + 0.0  # no -0.0


def _number(value: object) -> float | int | None:
    """Return the finite number that `value` means, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int):
        return value if abs(value) < 2**53 else None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


_TABLE = (
    Hyperparameter(
        "learning_rate", "float", 5e-5, "peak step size of the optimiser", high=1.0, open_low=True
    ),
    Hyperparameter("weight_decay", "float", 0.0, "decay of weights a step, decoupled", high=1.0),
    Hyperparameter("train_batch_size", "int", 32, "examples a batch", low=1, high=4096),
    Hyperparameter(
        "max_seq_length",
        "int",
        128,
        "tokens kept of an example, special ones included",
        low=8,
        high=8192,
    ),
    Hyperparameter(
        "warmup_ratio", "float", 0.0, "share of all steps with a rising learning rate", high=1.0
    ),
    Hyperparameter("warmup_steps", "int", 0, "steps with a rising learning rate", high=1_000_000),
    Hyperparameter(
        "adam_beta1", "float", 0.9, "decay of the gradient's mean", high=1.0, open_high=True
    ),
    Hyperparameter(
        "adam_beta2",
        "float",
        0.999,
        "decay of the squared gradient's mean",
        high=1.0,
        open_high=True,
    ),
    Hyperparameter(
        "adam_epsilon", "float", 1e-8, "added to Adam's denominator", high=1.0, open_low=True
    ),
    Hyperparameter(
        "max_grad_norm", "float", 1.0, "norm that gradients are clipped to; 0 is off", high=1e6
    ),
    Hyperparameter(
        "dropout", "float", 0.1, "share of hidden units dropped", high=1.0, open_high=True
    ),
    Hyperparameter(
        "attention_dropout",
        "float",
        0.1,
        "share of attention weights dropped",
        high=1.0,
        open_high=True,
    ),
    Hyperparameter(
        "lr_scheduler_type",
        "categorical",
        "linear",
        "shape of the learning rate after warmup",
        choices=("linear", "cosine", "polynomial", "constant_with_warmup", "inverse_sqrt"),
    ),
    Hyperparameter(
        "optim",
        "categorical",
        "adamw_torch",
        "optimiser",
        choices=("adamw_torch", "adafactor", "sgd", "adagrad", "rmsprop", "nadam", "radam"),
    ),
    Hyperparameter(
        "label_smoothing_factor",
        "float",
        0.0,
        "share of the label spread over all classes",
        high=1.0,
        open_high=True,
    ),
    Hyperparameter(
        "gradient_accumulation_steps", "int", 1, "batches summed to one step", low=1, high=1024
    ),
    Hyperparameter("num_train_epochs", "int", 3, "passes over the training data", low=1, high=1000),
)

HYPERPARAMETERS: dict[str, Hyperparameter] = {spec.name: spec for spec in _TABLE}


def defaults() -> dict[str, Value]:
    """Return every hyperparameter's default by name."""
    return {name: spec.default for name, spec in HYPERPARAMETERS.items()}
