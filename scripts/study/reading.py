"""Reading YAML strictly, merging overlays, and refusing what no config may hold."""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from scripts.study.errors import StudyError

MAX_DEPTH = 12
MAX_NODES = 100_000
_LONGEST = 80


class _Loader(yaml.SafeLoader):
    """YAML as Snakemake reads it, but 5e-5 is a number and a key may stand only once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands there twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+\Z"),
    list("-+.0123456789"),
)


def read(path: Path | str) -> dict[str, Any]:
    """Return the mapping in the YAML file `path`.

    Raises `StudyError` with file and line where the file is missing, is not YAML, names a key
    twice, or holds anything but a mapping of plain values.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise StudyError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise StudyError(f"{path}: cannot be read as UTF-8 text ({error})") from None
    try:
        # The loader derives from SafeLoader: it makes plain values only.
        value = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f" line {mark.line + 1}:" if mark else ""
        problem = " ".join(", ".join(filter(None, (error.context, error.problem))).split())
        raise StudyError(f"{path}:{line} {problem}") from None
    # The loader's own errors, and those of Python where a tag wants what its text is not.
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError,
            OverflowError) as error:  # fmt: skip
        raise StudyError(f"{path}: not valid YAML ({first_line(error)})") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise StudyError(f"{path}: {show(value)} is not a mapping of keys to values")
    if "__use_yte__" in value:
        raise StudyError(
            f"{path}: __use_yte__: a config holds values and no code; remove the key, and look at"
            " what the code does: Snakemake runs it before anything can be refused"
        )
    try:
        return cast(dict[str, Any], plain(value))
    except StudyError as error:
        raise StudyError(f"{path}: {error}") from None


def merge(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `overlay` on top: mappings merge deeply, all else is replaced.

    A null of the overlay replaces too; `without_nulls` takes it out once all overlays are in.
    Snakemake merges several `--configfile` in the same way.
    """
    merged = dict(base)
    for key, value in overlay.items():
        if isinstance(value, Mapping):
            below = merged.get(key)
            merged[key] = merge(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def without_nulls(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return `config` without the keys that are null, at any depth; lists stay as they are."""
    return {
        key: without_nulls(value) if isinstance(value, Mapping) else value
        for key, value in config.items()
        if value is not None
    }


def plain(value: object) -> Any:
    """Return a copy of `value` in dict, list, str, int, float, bool and None only.

    Raises `StudyError` naming the key for anything else, for NaN and infinity, for numbers of
    more than 18 digits, control characters, keys that are not text, and for values nested or
    repeated (YAML anchors) without end.
    """
    return _plain(value, "", MAX_DEPTH, iter(range(MAX_NODES)))


def _plain(value: object, path: str, depth: int, budget: Iterator[int]) -> Any:
    where = path or "the config"
    if depth == 0 or next(budget, None) is None:
        raise StudyError(f"{where}: nested too deeply or too large for a config")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise StudyError(f"{join(path, show(key))}: the key is not text; put it in quotes")
            _check_text(key, where)
        return {
            key: _plain(item, join(path, key), depth - 1, budget) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [
            _plain(item, f"{path}[{index}]", depth - 1, budget) for index, item in enumerate(value)
        ]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        _check_text(value, where)
        return str(value)
    if isinstance(value, int):
        if abs(value) >= 10**18:
            raise StudyError(f"{where}: {show(value)} is too large; at most 18 digits")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise StudyError(f"{where}: {value!r} is not a finite number")
        return float(value)
    raise StudyError(f"{where}: {show(str(value))} is a {type(value).__name__}; put text in quotes")


def _check_text(text: str, where: str) -> None:
    """Refuse characters that no name, path or label needs and that break files and terminals."""
    for character in text:
        control = character < " " and character != "\t"  # csv files may be separated by tabs
        if control or "\x7f" <= character < "\xa0":
            raise StudyError(f"{where}: {show(text)} holds the control character {character!r}")
        if "\ud800" <= character <= "\udfff":
            raise StudyError(f"{where}: {show(text)} holds half a character ({character!r})")


def join(path: str, key: str) -> str:
    """Return the dotted path of `key` below `path`, as messages name it."""
    key = str(key)
    if len(key) > _LONGEST or not key.isprintable():
        key = show(key)
    return f"{path}.{key}" if path else key


def first_line(error: object) -> str:
    """Return the first line of an error's text."""
    return str(error).strip().split("\n")[0]


def show(value: object) -> str:
    """Return `value` as a message quotes it: on one line, shortened, null/true/false as in YAML."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and abs(value) >= 10**_LONGEST:
        return "a number of over 80 digits"  # Python refuses to print over 4,300 digits
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
