"""Write environment.yml, the conda form of the locked environment: `python -m tools.environment`.

In come requirements.in and requirements.lock, out comes environment.yml with the same versions.
"""

import re

from tools.project import PROJECT

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;#\\]+)", re.MULTILINE)

_HEAD = """\
# The environment of requirements.lock for conda and mamba. Written by `make lock`; do not edit.
#   conda env create --file environment.yml && conda activate snaketune
name: snaketune
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def pins(text: str) -> dict[str, str]:
    """Return version by normalised name of every `name==version` line in a requirements file."""
    return {
        re.sub(r"[-_.]+", "-", match["name"]).lower(): match["version"]
        for match in _PIN.finditer(text)
    }


def environment(requirements: str, lock: str) -> str:
    """Return the text of environment.yml: every pin of the lock, and torch from requirements.in."""
    locked = pins(lock) | {"torch": pins(requirements)["torch"]}
    return _HEAD + "".join(f"      - {name}=={locked[name]}\n" for name in sorted(locked))


def main() -> None:
    """Write environment.yml beside requirements.lock."""
    text = environment(
        (PROJECT / "requirements.in").read_text(encoding="utf-8"),
        (PROJECT / "requirements.lock").read_text(encoding="utf-8"),
    )
    (PROJECT / "environment.yml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
