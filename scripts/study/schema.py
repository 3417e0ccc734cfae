"""The JSON Schemas in workflow/schemas, and their errors as one line that a user can act on."""

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource

from scripts.study.errors import StudyError
from scripts.study.hyperparameters import HYPERPARAMETERS, Hyperparameter
from scripts.study.reading import join, show

FOLDER = Path(__file__).parents[2] / "workflow" / "schemas"

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+")
_NOUNS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_PATTERNS = {
    "study": "1 to 64 letters, digits, '.', '_' or '-', of which a letter or digit comes first",
    "revision": "a full commit of 40 digits from 0 to f",
    "sha256": "a SHA-256 of 64 digits from 0 to f",
    "splits": "the name of a split, or a slice of one such as train[:80%]",
    "project": "1 to 128 letters, digits, '.', '_' or '-'",
    "entity": "1 to 128 letters, digits, '.', '_' or '-'",
}


@cache
def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema `name`: config, run or metrics."""
    text = (FOLDER / f"{name}.schema.yaml").read_text(encoding="utf-8")
    return cast(dict[str, Any], yaml.safe_load(text))


def validate(value: object, name: str) -> None:
    """Check `value` against the schema `name`.

    Raises `StudyError` with the key as a dotted path, its value and what would be right; of
    several mistakes unknown keys come first, since a misspelt key explains many others.
    """
    errors = _validator(name).iter_errors(value)
    first = min(errors, key=_rank, default=None)
    if first is not None:
        raise StudyError(_message(first))


def numbers(value: Any, spec: Mapping[str, Any]) -> Any:
    """Return `value` with each text such as 5e-1 as a number where the schema `spec` wants one.

    YAML as Snakemake reads it takes for a number only what has a point in it: 5.0e-1.
    """
    if isinstance(value, Mapping):
        known = spec.get("properties", {})
        return {key: numbers(item, known.get(key, {})) for key, item in value.items()}
    return as_number(value) if spec.get("type") in ("number", "integer") else value


def as_number(value: Any) -> Any:
    """Return a text such as 5e-1 as the number that it is, and anything else as it is."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        number = float(value)
        if math.isfinite(number):
            return int(number) if number.is_integer() else number
    return value


@cache
def _validator(name: str) -> Draft202012Validator:
    """Return the validator of a schema, in which one schema may refer to another by file name."""
    schemas = [schema(path.name.partition(".")[0]) for path in FOLDER.glob("*.schema.yaml")]
    resources = [(each["$id"], Resource.from_contents(each)) for each in schemas]
    registry: Registry[Any] = Registry().with_resources(resources)
    return Draft202012Validator(schema(name), registry=registry)


def unknown(path: str, name: object, known: Iterable[str], noun: str = "key") -> str:
    """Return the message for an unknown name at `path`, with the nearest known one."""
    names = list(known)
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
    return f"{path}: unknown {noun} {show(name)}; {hint}"


def dotted(path: Iterable[str | int]) -> str:
    """Return a path of keys and indices as `hyperparameters.dropout.grid[1]`."""
    text = ""
    for part in path:
        text = f"{text}[{part}]" if isinstance(part, int) else join(text, part)
    return text


def _rank(error: ValidationError) -> tuple[int, int, str]:
    """Order errors: unknown keys, then the outermost, then by path."""
    kind = 0 if error.validator == "additionalProperties" else 1
    return (kind, len(error.absolute_path), dotted(error.absolute_path))


def _message(error: ValidationError) -> str:
    """Return one line for `error`."""
    path = list(error.absolute_path)
    where = dotted(path) or "the file"
    value, keyword = cast(Any, error.instance), error.validator
    limit = cast(Any, error.validator_value)
    if keyword == "additionalProperties":
        known = cast(Mapping[str, Any], error.schema)["properties"]
        extra = next(key for key in value if key not in known)
        noun = "hyperparameter" if set(known) == set(HYPERPARAMETERS) else "key"
        return unknown(dotted([*path, extra]), extra, known, noun)
    if keyword == "required":
        missing = next(key for key in limit if key not in value)
        wanted = cast(Mapping[str, Any], error.schema)["properties"][missing]
        return f"{dotted([*path, missing])}: missing; {wanted.get('description', 'it is needed')}"
    return f"{where}: {show(value)} is not {_wanted(error, path)}"


def _wanted(error: ValidationError, path: list[str | int]) -> str:
    """Return in words what `error`'s place wants."""
    limit, keyword = cast(Any, error.validator_value), error.validator
    if keyword == "type":
        spec = _hyperparameter(path)
        if spec is not None and limit == ["number", "string"]:
            return spec.allowed()
        keys = cast(Mapping[str, Any], error.schema).get("properties")
        if limit == "object" and keys and len(keys) < len(HYPERPARAMETERS):
            return f"a mapping with {', '.join(keys)}"
        types = [limit] if isinstance(limit, str) else limit
        return " or ".join(_NOUNS[name] for name in types)
    if keyword == "pattern":
        names = [part for part in path if isinstance(part, str)]
        return _PATTERNS.get(names[-1]) or _PATTERNS.get(names[0]) or f"of the form {limit}"
    words: dict[str, Callable[[], str]] = {
        "enum": lambda: "one of " + ", ".join(show(item).strip("'") for item in limit),
        "const": lambda: show(limit),
        "minimum": lambda: f">= {limit}",
        "maximum": lambda: f"<= {limit}",
        "exclusiveMinimum": lambda: f"> {limit}",
        "exclusiveMaximum": lambda: f"< {limit}",
        "minLength": lambda: "a text that is not empty",
        "maxLength": lambda: f"a text of at most {limit} characters",
        "minItems": lambda: f"a list of at least {limit}",
        "maxItems": lambda: f"a list of at most {limit}",
        "minProperties": lambda: "a mapping with something in it",
        "uniqueItems": lambda: "a list in which nothing stands twice",
    }
    describe = words.get(str(keyword))
    return describe() if describe else re.sub(r"\s+", " ", error.message)


def _hyperparameter(path: list[str | int]) -> Hyperparameter | None:
    """Return the hyperparameter whose value stands at `path` in a config, if any."""
    names = [str(part) for part in path]
    if names[:1] == ["hyperparameters"] and len(names) > 1 and names[-1] != "step":
        return HYPERPARAMETERS.get(names[1])
    if names[1:2] == ["configurations"] and len(names) == 4:
        return HYPERPARAMETERS.get(names[3])
    return None
