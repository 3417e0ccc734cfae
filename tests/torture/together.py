"""Start studies at the same time, in one folder and in several that share a cache.

    python -m tests.torture.together [--rounds 3]

Checked: whoever cannot work is told at once, in a line that says what to do; whatever ends well
has the bytes of an undisturbed study, and what was refused succeeds when it is started again.
"""

import argparse
import json
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.small_project import STUDY, change_config
from tests.torture import campaign, studies

Expected = dict[str, bytes]
# What is refused is refused before anything is made: so soon (seconds), on a busy machine too.
AT_ONCE = 120
LOCKED = "Directory cannot be locked. Please make sure that no other Snakemake process"
HELD = "works on this study already (it holds .snakemake/snaketune-"


def two_in_one_folder(home: Path, begun: Path, expected: Expected, rng: random.Random) -> str:
    """Two people give the same command; the second one a moment later."""
    folder = studies.copy(begun, home / "one")
    first = studies.start(folder)
    _until(lambda: (folder / STUDY / "study.json").exists())
    time.sleep(rng.uniform(0, 10))
    begin = time.monotonic()
    second = studies.snakemake(folder)
    took = time.monotonic() - begin
    ended = studies.wait(first)
    if ended.code:
        return f"FAULT the first failed:\n{ended.text[-2000:]}"
    if second.code == 0 or not _is_told(second.text):
        return f"FAULT the second was not told:\n{second.text[-2000:]}"
    if took > AT_ONCE:
        return f"FAULT the second was told after {took:.0f} s"
    return _same(folder, expected, "the second is told at once, the first ends undisturbed")


def extended_meanwhile(home: Path, begun: Path, expected: Expected, rng: random.Random) -> str:
    """The config is extended while its study runs; it is started at once, and again at the end."""
    folder = studies.copy(begun, home / "extended")
    first = studies.start(folder)
    _until(lambda: (folder / STUDY / "screen/ranking.csv").exists())
    change_config(folder, "optuna", "trials", 6)
    second = studies.snakemake(folder)
    ended = studies.wait(first)
    if second.code == 0 or not _is_told(second.text):
        return f"FAULT the second was not told:\n{second.text[-2000:]}"
    if ended.code:
        return f"FAULT the first failed:\n{ended.text[-2000:]}"
    again = studies.snakemake(folder)
    if again.code:
        return f"FAULT the extended one failed:\n{again.text[-2000:]}"
    kept = ("runs/optuna", "optuna/batch")
    if wrong := [name for name in studies.differing(folder, expected) if name.startswith(kept)]:
        return f"FAULT differs: {', '.join(wrong)}"
    if len((folder / STUDY / "optuna/trials.csv").read_text().splitlines()) != 7:
        return "FAULT the trials are not six"
    return "a config extended meanwhile waits for its turn, and goes on from what there is"


def two_with_one_cache(home: Path, begun: Path, expected: Expected, rng: random.Random) -> str:
    """Two studies in folders of their own, with the caches of Hugging Face in common."""
    folders = [studies.copy(begun, home / name) for name in ("left", "right")]
    cache = home / f"cache-{rng.randrange(10**9)}"
    os.environ.update(HF_HOME=str(cache), HF_DATASETS_CACHE=str(cache / "datasets"))
    processes = [studies.start(folder) for folder in folders]
    for folder, process in zip(folders, processes, strict=True):
        ended = studies.wait(process)
        if ended.code:
            return f"FAULT one failed:\n{ended.text[-2000:]}"
        if (found := _same(folder, expected, "")) != "":
            return found
    return "two studies with one cache end undisturbed"


def two_studies_in_one_folder(
    home: Path, begun: Path, expected: Expected, rng: random.Random
) -> str:
    """Another study of the same folder is told as well: the lock is on files, not on names."""
    folder = studies.copy(begun, home / "two")
    first = _start_beside_another(folder)
    second = studies.snakemake(folder, "--configfile", "other.yaml")
    ended = studies.wait(first)
    if ended.code:
        return f"FAULT the first failed:\n{ended.text[-2000:]}"
    if second.code:
        if not _is_told(second.text):
            return f"FAULT the second was not told:\n{second.text[-2000:]}"
        return _same(folder, expected, "another study in the folder is told at once")
    shutil.rmtree(folder / "results/other")
    return _same(folder, expected, "another study in the folder works beside the first")


def started_again_after_another_ended(
    home: Path, begun: Path, expected: Expected, rng: random.Random
) -> str:
    """Another study ends in the folder, and with it Snakemake's locks; then the first one again."""
    folder = studies.copy(begun, home / "again")
    first = _start_beside_another(folder)
    data = "results/other/data/info.json"
    other = studies.snakemake(folder, "--configfile", "other.yaml", "--", data)
    again = studies.snakemake(folder)
    ended = studies.wait(first)
    if ended.code or other.code:
        return f"FAULT one failed:\n{(ended if ended.code else other).text[-2000:]}"
    if again.code == 0 or not _is_told(again.text):
        return f"FAULT who started it again was not told:\n{again.text[-2000:]}"
    shutil.rmtree(folder / "results/other")
    return _same(folder, expected, "another study's end takes no lock of the first")


CASES = (
    two_in_one_folder,
    extended_meanwhile,
    two_with_one_cache,
    two_studies_in_one_folder,
    started_again_after_another_ended,
)


def _start_beside_another(folder: Path) -> tuple[int, Path]:
    """Start the study in `folder`, and write the config of another one there; it runs by then."""
    config = json.loads((folder / "tiny.yaml").read_text())
    (folder / "other.yaml").write_text(json.dumps({**config, "study": "other"}))
    first = studies.start(folder)
    _until(lambda: (folder / STUDY / "study.json").exists())
    return first


def _is_told(text: str) -> bool:
    return (LOCKED in text or HELD in text) and "Traceback" not in text


def _until(there: Callable[[], bool]) -> None:
    end = time.monotonic() + studies.PATIENCE
    while not there():
        if time.monotonic() > end:
            raise SystemExit("the first study does not begin")
        time.sleep(0.05)


def _same(folder: Path, expected: Expected, words: str) -> str:
    wrong = studies.differing(folder, expected)
    return f"FAULT differs: {', '.join(wrong)}" if wrong else words


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.together", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    counts: Counter[str] = Counter()
    faults = []
    with studies.campaign_folder("together") as home:
        _, expected = studies.finished_study(home / "base")
        begun = studies.new_study(home / "begun")
        for _ in range(options.rounds):
            for case in CASES:
                found = case(home, begun, expected, rng)
                print(f"{case.__name__}: {found}", flush=True)
                counts[found.split(":")[0]] += 1
                faults += [case.__name__] * found.startswith("FAULT")
    if faults:
        raise SystemExit(f"{len(faults)} faults: {', '.join(faults)}")
    campaign.record(
        "together",
        title="Studies at the same time",
        command=f"python -m tests.torture.together --rounds {options.rounds}",
        text="Two people start one study, extend the config of one that runs, start two studies in"
        " one folder and two that share the caches of Hugging Face, and start one again once"
        " another has ended beside it. Checked: whoever cannot work is told at once, and what ends"
        " has the bytes of an undisturbed study.",
        figures=dict(sorted(counts.items())),
    )


if __name__ == "__main__":
    main()
