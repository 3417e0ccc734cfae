"""Numbers and names in words: one spelling for figures, tables and the report."""

import math

UNITS = {
    "train_batch_size": "examples",
    "max_seq_length": "tokens",
    "warmup_ratio": "share of steps",
    "warmup_steps": "steps",
    "gradient_accumulation_steps": "batches",
    "num_train_epochs": "epochs",
}

METRIC_NAMES = {
    "accuracy": "accuracy",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "matthews_correlation": "Matthews correlation",
    "loss": "validation loss",
}


def metric_name(metric: str) -> str:
    """Return a metric's name as people write it."""
    return METRIC_NAMES.get(metric, metric.replace("_", " "))


def sentence_case(text: str) -> str:
    """Return `text` with a capital first letter and the rest as it is."""
    return text[:1].upper() + text[1:]


def on_validation(metric: str) -> str:
    """Return the title of an axis with a metric of the validation split.

    >>> on_validation("f1"), on_validation("loss")
    ('F1 (validation)', 'Validation loss')
    """
    name = sentence_case(metric_name(metric))
    return name if "alidation" in name else f"{name} (validation)"


def number(value: object, digits: int = 4) -> str:
    """Return a value in up to `digits` significant digits: `2.643e-5`, `0.05`, `128`, `cosine`.

    None and NaN give an empty string. Whole numbers keep all their digits.
    """
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, float):
        value = float(value)  # type: ignore[arg-type]  # numpy's scalars
    if math.isnan(value):
        return ""
    if value == 0 or math.isinf(value):
        return "0" if value == 0 else str(value)
    if value.is_integer() and abs(value) < 10**6:
        return str(int(value))
    if 0.99 <= abs(value) < 1:
        # What counts is how far it is from 1, which it must not become.
        decimals = max(digits, digits - 2 - math.floor(math.log10(1 - abs(value))))
        return f"{value:.{decimals}f}".rstrip("0")
    text = f"{value:.{digits}g}"
    if abs(value) < 1e-3 or abs(value) >= 10**6:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        if "." in mantissa:
            mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa}e{int(exponent)}"
    return f"{float(text):.12f}".rstrip("0").rstrip(".") if "e" in text else text


def score(value: float | None) -> str:
    """Return a metric's value with four decimals, or `none` where the run has no value."""
    return "none" if value is None or math.isnan(value) else f"{value:.4f}"


def signed(value: float, decimals: int = 4) -> str:
    """Return a difference with its sign, a true minus and never a negative zero."""
    text = f"{abs(value):.{decimals}f}"
    if float(text) == 0:
        return text
    return ("+" if value > 0 else "\N{MINUS SIGN}") + text


def probability(value: float | None) -> str:
    """Return a p-value: `p = 0.012`, `p < 0.001`; `no test` for None.

    Beside 0.05 it has the digits that tell on which side it lies.

    >>> probability(0.0123), probability(0.0503), probability(0.04996)
    ('p = 0.012', 'p = 0.0503', 'p = 0.04996')
    """
    if value is None:
        return "no test"
    if value < 0.001:
        return "p < 0.001"
    digits = next((d for d in (3, 4, 5) if round(value, d) != 0.05 or value == 0.05), 6)
    return f"p = {value:.{digits}f}"


def count(amount: int, noun: str, plural: str | None = None) -> str:
    """Return `1 run` or `3 runs`."""
    return f"{amount:,} {noun if amount == 1 else plural or noun + 's'}"


def listed(names: list[str]) -> str:
    """Return names as a list in a sentence: `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def training_hours(seconds: float) -> str:
    """Return a study's cost in the unit that studies are compared by: `0.20 h`, `3.4 h`, `120 h`.

    >>> training_hours(720), training_hours(12_240), training_hours(432_000)
    ('0.20 h', '3.4 h', '120 h')
    """
    amount = seconds / 3600
    return f"{amount:.{2 if amount < 1 else 1 if amount < 100 else 0}f} h"


def hours(seconds: float) -> str:
    """Return a duration in the unit that people would use: `42 s`, `12.3 min`, `3.4 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
