"""What a campaign found, kept as JSON, and the page that is made of it: docs/reliability.md.

    python -m tests.torture.campaign        # the page again, from the campaigns' last results

Each campaign is a module of this package with a command of its own; `make torture` runs them all.
"""

import json
import platform
import re
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from scripts.study.files import read_json, write_json, write_text
from tools.project import PROJECT

RESULTS = PROJECT / "docs/reliability"
PAGE = PROJECT / "docs/reliability.md"
# As they are on the page.
CAMPAIGNS = ("kills", "damage", "disk", "together", "configs", "mutants", "long_run")

_HEAD = """\
# Reliability

Written by `make torture`; do not edit. Each section is a campaign: something was done to studies
at random or by a list, and what came of it was counted. A campaign that finds a fault fails, so the
figures are of those that passed; the command of each repeats it.

"""


# How Snakemake tells of an exception while it reads the workflow, or in a param or an input.
# That of a job which failed is CalledProcessError.
_IN_FILE = re.compile(r'^(?!CalledProcessError)\w+(Error|Exception)[\w ]* in file "', re.MULTILINE)


def traceback_in(said: str) -> bool:
    """Tell whether Snakemake printed an exception that nobody foresaw."""
    return "Traceback" in said or _IN_FILE.search(said) is not None


def commit() -> str:
    """Return the commit that is tried, marked where files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    process = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    return process.stdout.strip() or "unknown"


# As a campaign begins: it goes on for an hour, and the work beside it too.
COMMIT = commit()


def record(
    name: str,
    *,
    title: str,
    command: str,
    text: str,
    figures: Mapping[str, str | int | float],
    add: bool = False,
) -> None:
    """Keep what the campaign `name` counted and make the page anew.

    `text` says in a few sentences what was done and what was checked; `figures` has a line of the
    table each, in order. With `add` they are counts, and those on record are added to them: the
    commits of both, and both commands, are named.
    """
    if name not in CAMPAIGNS:
        raise ValueError(f"{name}: no campaign of {', '.join(CAMPAIGNS)}")
    before = RESULTS / f"{name}.json"
    commits = COMMIT
    if add and before.exists():
        known = read_json(before)
        old = dict(known["figures"])
        commits = f"{old.pop('commit')}, {COMMIT}"
        del old["machine"]
        both = Counter({what: int(count) for what, count in old.items()})
        figures = dict(sorted((both + Counter(figures)).items()))
        command = f"{known['command']}\n    {command}"
    figures = {**figures, "machine": platform.platform(), "commit": commits}
    rows = [[what, str(figure)] for what, figure in figures.items()]
    document = {"title": title, "command": command, "text": text, "figures": rows}
    write_json(RESULTS / f"{name}.json", document)
    write_text(PAGE, page(RESULTS))
    print(json.dumps(dict(rows), ensure_ascii=False, indent=1))


def page(folder: Path) -> str:
    """Return the page for the results in a folder, in Markdown."""
    sections = []
    for path in (folder / f"{name}.json" for name in CAMPAIGNS):
        if path.exists():
            document = read_json(path)
            table = "".join(f"| {what} | {figure} |\n" for what, figure in document["figures"])
            sections.append(
                f"## {document['title']}\n\n{document['text']}\n\n"
                f"    {document['command']}\n\n| | |\n| --- | --- |\n{table}"
            )
    return _HEAD + "\n".join(sections)


if __name__ == "__main__":
    write_text(PAGE, page(RESULTS))
