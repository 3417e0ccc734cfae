"""Say how far a study is: what is done, running, failed and left, and the best so far.

Reads a study's files and changes nothing, whether the study runs, is finished or has not begun.
"""

import argparse
import os
import time
from pathlib import Path
from typing import Any

from scripts.analysis.state import look
from scripts.study.documents import open_study
from scripts.study.errors import StudyError, command

DEFAULT = Path("config/config.yaml")


def find(named: str | None, configs: list[Path]) -> tuple[dict[str, Any], Path]:
    """Return the resolved study and its folder.

    `named` is a study's name, its folder or its study.json. Without it the study is that of
    `configs`, and need not have begun: it is then resolved from these files.
    """
    if named is None:
        # Not at the top: a study that has begun does without what checks a config.
        from scripts.study.config import load

        study = load(*(configs or [DEFAULT]))
        return study, Path("results") / study["study"]
    for path in (Path(named), Path("results") / named):
        file = path if path.name == "study.json" else path / "study.json"
        if os.path.isfile(file):  # False, too, for a name that is too long
            return open_study(file)
    raise StudyError(
        f"--study: {named!r} is not a study that has begun; of one that has not, give the config:"
        " --configfile config/mrpc-f1.yaml"
    )


def watch(study: dict[str, Any], folder: Path, interval: float) -> None:
    """Show the state again and again, in place, until nothing is left or Ctrl-C."""
    from rich.live import Live

    from scripts.views.status import render

    try:
        with Live(auto_refresh=False) as live:
            while True:
                state = look(study, folder)
                live.update(render(state), refresh=True)
                if state.report and not (state.total.left or state.total.running):
                    return
                time.sleep(interval)
    except KeyboardInterrupt:
        return


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.status", description=__doc__)
    parser.add_argument("--study", help="name, folder or study.json of a study that has begun")
    parser.add_argument(
        "--configfile", nargs="+", type=Path, default=[], help=f"its config (default: {DEFAULT})"
    )
    parser.add_argument("--watch", action="store_true", help="show it again every few seconds")
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between two looks")
    options = parser.parse_args()
    if options.study and options.configfile:
        raise StudyError("--configfile: not with --study; name the study one way")
    if not options.interval >= 0.1:
        raise StudyError(f"--interval: {options.interval} is not a number of seconds >= 0.1")
    study, folder = find(options.study, options.configfile)
    if options.watch:
        watch(study, folder, options.interval)
        return
    from rich.console import Console

    from scripts.views.status import render

    Console().print(render(look(study, folder)))


if __name__ == "__main__":
    command(main)
