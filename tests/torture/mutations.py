"""Configs that went wrong at random: what people, editors and attackers do to a YAML file.

`mutated(number)` gives the same text for the same number, so that a config which fails a test can
be looked at: `python -m tests.torture.mutations 17`.
"""

import copy
import math
import random
import string
import sys
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from tools.project import PROJECT

BASES = ("config.yaml", "local-csv.yaml", "mrpc-f1.yaml", "mrpc-accuracy-wished.yaml", "cola.yaml")

Keys = tuple[Any, ...]


def _values(random_: random.Random) -> list[Any]:
    """Return what takes the place of a value: of another type, out of range, hostile."""
    return [
        None, True, False, 0, 1, -1, 2, 7, 10**6, 10**17, -(10**17), 10**30, 2**63,
        0.0, 0.5, -0.5, 1.0, 1e-300, 1e300, math.nan, math.inf, -math.inf,
        "", " ", "x", "0.1", "1e-5", "true", "null", "nan", "~", "-",
        "é", "模型", "مرحبا", "\U0001f600",
        "a\u202eb", "a b", "a\tb", "a\nb", "a'b", 'a"b', "a`b`", "$(touch pwned)", "; touch pwned",
        "{wildcard}", "{input}", "../../outside", "/tmp/outside", "..", ".", "a/b", "~/x", "C:\\x",
        "~nosuchuser/x", "package:__main__/x", "./" + "a" * 5000, "train[:" + "9" * 5000 + "]",
        "x" * 300, "%s%n", "<script>alert(1)</script>", "http://127.0.0.1:1/", "CON",
        [], [[]], [None], [1, 1], [0.1, "x"], ["x"] * 3, list(range(50)), [{}],
        {}, {"x": 1}, {"baseline": 1}, {"low": 2, "high": 1}, {"low": 0, "high": 1, "log": True},
        {"choices": []}, {"name": "tpe"}, {"path": "json"},
        random_.randint(-1000, 1000), random_.uniform(-2, 2), random_.choice(string.printable),
    ]  # fmt: skip


def _paths(value: Any, here: Keys = ()) -> Iterator[Keys]:
    """Yield the path of everything in a config but of the config itself."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*here, key)
        if isinstance(item, dict | list):
            yield from _paths(item, (*here, key))


def _parent(config: Any, path: Keys) -> Any:
    for key in path[:-1]:
        config = config[key]
    return config


def _replace(config: Any, path: Keys, random_: random.Random) -> None:
    _parent(config, path)[path[-1]] = random_.choice(_values(random_))


def _remove(config: Any, path: Keys, random_: random.Random) -> None:
    del _parent(config, path)[path[-1]]


def _scale(config: Any, path: Keys, random_: random.Random) -> None:
    """Make a number too large, too small, negative or text."""
    parent = _parent(config, path)
    value = parent[path[-1]]
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = random_.choice([value * 1000, value / 1000, -value, str(value), [value], value + 1])
    parent[path[-1]] = value


def _misspell(config: Any, path: Keys, random_: random.Random) -> None:
    parent, key = _parent(config, path), path[-1]
    # A key that is no text any more has been misspelt before.
    if not isinstance(parent, dict) or not isinstance(key, str):
        return
    at = random_.randrange(len(key))
    swapped = key[:at] + random_.choice(string.ascii_lowercase + "_- .") + key[at + 1 :]
    parent[random_.choice([swapped, key.upper(), key + " ", 1, True, None])] = parent.pop(key)


def _add(config: Any, path: Keys, random_: random.Random) -> None:
    """Add a key or an element that nobody asked for."""
    parent = _parent(config, path)
    value = random_.choice(_values(random_))
    if isinstance(parent, list):
        parent.insert(random_.randrange(len(parent) + 1), value)
    else:
        known = ["screen", "grid", "search", "baseline", "seed", "trust_remote_code", "revision"]
        parent[random_.choice([*known, "".join(random_.choices(string.ascii_letters, k=5))])] = (
            value
        )


def _swap(config: Any, path: Keys, random_: random.Random) -> None:
    """Put a value where another one was, from anywhere in the config."""
    other = random_.choice(list(_paths(config)))
    taken = copy.deepcopy(_parent(config, other)[other[-1]])
    _parent(config, path)[path[-1]] = taken


def _deepen(config: Any, path: Keys, random_: random.Random) -> None:
    parent = _parent(config, path)
    for _ in range(random_.choice([1, 3, 40])):
        parent[path[-1]] = [parent[path[-1]]] if random_.random() < 0.5 else {"x": parent[path[-1]]}


CHANGES: tuple[Callable[[Any, Keys, random.Random], None], ...] = (
    _replace, _replace, _replace, _remove, _scale, _misspell, _add, _swap, _deepen,
)  # fmt: skip


def _text(text: str, random_: random.Random) -> bytes:
    """Damage the text itself, as editors, merges and half a download do."""
    lines = text.splitlines(keepends=True)
    at = random_.randrange(len(lines))
    kind = random_.randrange(10)
    if kind == 0:
        lines.insert(at, lines[random_.randrange(len(lines))])
    elif kind == 1:
        lines[at] = lines[at].replace("  ", "\t", 1)
    elif kind == 2:
        lines[at] = " " * random_.randint(1, 5) + lines[at]
    elif kind == 3:
        return "".join(lines[:at]).encode() + lines[at].encode()[: random_.randint(0, 20)]
    elif kind == 4:
        lines.insert(at, random_.choice(["<<<<<<< HEAD\n", "---\n", "...\n", "%TAG ! x\n", "? \n"]))
    elif kind == 5:
        lines += ["x: &a [*a]\n"] if random_.random() < 0.5 else ["seed: *unknown\n"]
    elif kind == 6:
        billion = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"]
        for one, other in zip("abcdefgh", "bcdefghi", strict=True):
            billion.append(f"{other}: &{other} [{', '.join([f'*{one}'] * 9)}]\n")
        lines += billion
    elif kind == 7:
        tag = random_.choice(
            ["!!python/object/apply:os.system ['touch pwned']", "!!binary x", "!x y"]
        )
        lines.append(f"seed: {tag}\n")
    elif kind == 8:
        lines.append("<<: {study: merged}\n" if random_.random() < 0.5 else "study: [\n")
    else:
        data = bytearray("".join(lines).encode())
        for _ in range(random_.randint(1, 4)):
            data[random_.randrange(len(data))] = random_.choice(
                [0, 9, 255, 0xC3, 0x80, 10, 58, 123]
            )
        return bytes(data)
    return random_.choice([b"", b"", b"\xef\xbb\xbf"]) + "".join(lines).encode()


def mutated(number: int) -> bytes:
    """Return the config of that number: one of the project's with one to three changes."""
    random_ = random.Random(number)
    text = (PROJECT / "config" / random_.choice(BASES)).read_text(encoding="utf-8")
    if number % 5 == 0:
        return _text(text, random_)
    config = yaml.safe_load(text)
    for _ in range(random_.choice([1, 1, 2, 3])):
        if paths := list(_paths(config)):
            random_.choice(CHANGES)(config, random_.choice(paths), random_)
    return yaml.safe_dump(config, allow_unicode=True, sort_keys=False, width=200).encode()


if __name__ == "__main__":
    sys.stdout.buffer.write(mutated(int(sys.argv[1])))
