"""Write down where a study's results come from: code, packages, config, data, model, machine.

In: study.json, data/info.json, data/model.json. Out: `provenance.json`, made again whenever the
final configuration is. The machine is the one that this runs on, which on a cluster is not that of
the trainings: their metrics.json names the device.
"""

import argparse
import hashlib
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.study.errors import command
from scripts.study.files import read_json, read_object, write_json

ROOT = Path(__file__).resolve().parents[1]


def git_state(root: Path = ROOT, apart_from: Sequence[Path] = ()) -> dict[str, Any] | None:
    """Return the commit of the project and whether its tracked files differ from it.

    None where the project is not a git clone, or git is not installed. Files that the asker writes
    itself may be left out.
    """

    def git(*arguments: str) -> str:
        result = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
        )
        return result.stdout.strip()

    try:
        own = [path.resolve() for path in apart_from]
        others = [
            f":(exclude,literal){path}" for path in own if path.is_relative_to(root.resolve())
        ]
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", *others)
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(changed)}
    except (OSError, subprocess.CalledProcessError):
        return None


def packages() -> dict[str, str]:
    """Return every installed distribution and its version: the full lock of the environment."""
    found = {
        str(distribution.name).lower().replace("_", "-"): distribution.version
        for distribution in importlib.metadata.distributions()
    }
    return dict(sorted(found.items()))


def machine() -> dict[str, Any]:
    """Return the kind of machine: processor, instruction sets that training uses, GPUs, system."""
    import torch

    return {
        "cpu": _cpu_name(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "system": f"{platform.system()} {platform.machine()}",
    }


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m scripts.provenance", description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="results/<study>/study.json")
    path = parser.parse_args().study
    info = read_object(path.parent / "data/info.json", "fingerprint")
    state = git_state()
    write_json(
        path.parent / "provenance.json",
        {
            "schema_version": 1,
            "git": state,
            "config_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "data": {"fingerprint": info["fingerprint"]},
            "model": read_json(path.parent / "data/model.json"),
            "python": platform.python_version(),
            "packages": packages(),
            "machine": machine(),
        },
    )
    commit = "no git clone" if state is None else state["commit"][:12]
    print(f"provenance: {commit}{', with changes' if state and state['dirty'] else ''}")


if __name__ == "__main__":
    command(main)
