"""Change the code in small ways, one at a time, and count how many changes a test notices.

    python -m tests.torture.mutants                # one mutant in four, the same ones every time
    python -m tests.torture.mutants --share 1      # all of them
    python -m tests.torture.mutants --keep /tmp/m  # leaves the copy there, for `mutmut show`

All is done on a copy of the project in a scratch folder, and mutmut (`mutants.txt`) is installed
there too. A mutant survives where every test passes that calls the changed function. Those that
cannot be told from the code are in `equivalent.json`, each with the reason, and count neither way.
Ends with 1 where fewer than 85 % of the others were killed.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from scripts.study.files import read_json
from tests.torture import campaign
from tests.torture.mutmut_run import Mutant, mutate

LEAST = 0.85
# What is mutated, by subject.
SUBJECTS = {
    "ranking": ("rank.py", "analysis/screening.py", "analysis/effects.py"),
    "statistics": ("analysis/inference.py", "analysis/noise.py", "analysis/evidence.py",
                   "analysis/confirmation.py", "analysis/verdict.py", "analysis/examples.py"),
    "search space": ("study/search.py", "study/search_files.py"),
    "ask": ("ask.py",),
}  # fmt: skip


@cache
def judged() -> set[tuple[str, tuple[str, ...]]]:
    """Return the changes that were looked at and found to change nothing that can be noticed."""
    listed = read_json(Path(__file__).parent / "equivalent.json")
    return {(one["file"], tuple(one["change"])) for one in listed}


def outcome(mutant: Mutant) -> str:
    """Return `killed`, `survived` or, for a survivor that was judged, `equivalent`."""
    # A crash or an endless loop is noticed as well.
    if mutant.status in ("killed", "timeout", "segfault"):
        return "killed"
    if mutant.status not in ("survived", "no tests"):
        raise SystemExit(f"{mutant.name}: {mutant.status}")
    return "equivalent" if (mutant.file, mutant.change) in judged() else "survived"


def score(mutants: Sequence[Mutant]) -> float:
    """Return the share of killed ones among those that can be noticed."""
    count = Counter(outcome(mutant) for mutant in mutants)
    return count["killed"] / max(count["killed"] + count["survived"], 1)


def main() -> None:
    """Run the campaign, print the survivors and record the score."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.mutants")
    parser.add_argument("--share", type=float, default=0.25, help="of all mutants, at random")
    parser.add_argument("--keep", type=Path, help="an empty folder to work in, which stays")
    options = parser.parse_args()
    start = time.monotonic()
    files = [f"scripts/{file}" for several in SUBJECTS.values() for file in several]
    with tempfile.TemporaryDirectory(prefix="snaketune-mutants-") as scratch:
        mutants = mutate(options.keep or Path(scratch), files, options.share)
    for mutant in mutants:
        if outcome(mutant) == "survived":
            print("survived:", mutant.file, mutant.name, *mutant.change, sep="\n  ")
    count = Counter(outcome(mutant) for mutant in mutants)
    figures: dict[str, str | int | float] = {
        "mutants": len(mutants),
        "share of all mutants": f"{options.share:.0%}",
        "killed": count["killed"],
        "survived": count["survived"],
        "equivalent, each with its reason in equivalent.json": count["equivalent"],
        "score": f"{score(mutants):.1%}",
    }
    for subject, several in SUBJECTS.items():
        own = [mutant for mutant in mutants if mutant.file in several]
        figures[f"score of {subject} ({len(own)} mutants)"] = f"{score(own):.1%}"
    figures["minutes"] = round((time.monotonic() - start) / 60)
    if score(mutants) < LEAST:
        raise SystemExit(f"{json.dumps(figures, indent=1)}\nless than {LEAST:.0%} were killed")
    campaign.record(
        "mutants",
        title="Mutants",
        command="python -m tests.torture.mutants",
        text=(
            "mutmut changed the code of ranking, statistics, search space and ask in small ways,"
            " one change at a time, drawn at random with a fixed seed; a change is killed where a"
            " test fails. The score is the share of those killed among all that can be noticed,"
            f" and has to be {LEAST:.0%}. Slow simulations stay out, so that it is a lower bound."
        ),
        figures=figures,
    )


if __name__ == "__main__":
    main()
