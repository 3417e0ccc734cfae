"""Damage each kind of file of a finished study in each way, and run the same command again.

    python -m tests.torture.damage [--minutes 30] [--seed 0] [--only GLOB]

Damage must be named with its file, in a line and without a traceback, or be mended: no file that
must be the same may end up different. What is missing may stay so until it is needed. Cases are
tried in an order drawn by the seed until the time is over; every eighth that was refused is cured
as its message says.
"""

import argparse
import base64
import fnmatch
import os
import random
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.small_project import STUDY, contents
from tests.torture import campaign, studies

FILES = (
    *("runs/baseline-seed7/run.json", "runs/baseline-seed7/metrics.json"),
    *("runs/baseline-seed7/history.csv", "runs/baseline-seed7/predictions.csv"),
    *("runs/baseline-seed7/benchmark.tsv", "runs/baseline-seed1007/predictions.csv"),
    *("runs/baseline-seed1007/metrics.json", "runs/optuna-0001-seed7/run.json"),
    *("runs/optuna-0001-seed7/metrics.json", "data/train.parquet", "data/validation.parquet"),
    *("data/info.json", "data/model.json", "data/tokens/16.safetensors", "data/test.parquet"),
    *("screen/ranking.csv", "screen/chosen.json", "screen/results.csv"),
    *("grid/results.csv", "grid/interactions.csv", "grid/refinement.csv"),
    *("optuna/settings.json", "optuna/space.json", "optuna/warm-start.csv"),
    *("optuna/choice.json", "optuna/batch-0001.json", "optuna/trials.csv", "optuna/study.db"),
    "optuna/told-0001.txt",
    *("confirm/finalists.json", "confirm/results.csv", "summary/runs.csv", "summary/searches.csv"),
    *("summary/gathered.csv", "summary/best-so-far.csv", "summary/random-search.csv"),
    *("summary/importances.csv", "summary/advice.json", "best.json", "verdict.json"),
    *("provenance.json", "study.json"),
    *("model/README.md", "model/model.safetensors", "model/config.json", "model/snaketune.json"),
    *("report.html", "figures/comparison.png", "figures/training-curves.svg"),
)
# Of these files Snakemake keeps records, which are damaged as well.
RECORDS = ("runs/baseline-seed7/metrics.json", "grid/results.csv", "best.json", "report.html")
# Nothing is made of them, or their times of day alone: a plain run need not look at them. Of the
# predictions, those on fresh seeds are used alone.
LEAVES = ("model/*", "report.html", "figures/*", "runs/*/benchmark.tsv", "study.json",
          "optuna/study.db", "runs/*-seed7/predictions.csv")  # fmt: skip
# What is made of results, made again by force; figures and report take longer than all of it.
FORCED = ("rank", "grid", "refine", "trials", "gather", "finalists", "confirm", "summary", "best",
          "insights")  # fmt: skip
TARGETS = ("summary/runs.csv", "best.json", "verdict.json", "optuna/trials.csv",
           "summary/importances.csv")  # fmt: skip

Damage = Callable[[Path, Path], None]


def truncate(path: Path, other: Path) -> None:
    """Leave the first half."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def empty(path: Path, other: Path) -> None:
    """Leave nothing."""
    path.write_bytes(b"")


def garbage(path: Path, other: Path) -> None:
    """Put bytes that are no text in its place."""
    path.write_bytes(random.Random(path.name).randbytes(max(path.stat().st_size, 64)))


def other_shape(path: Path, other: Path) -> None:
    """Put valid JSON in its place that is not what it should be."""
    path.write_text('{"a": [null, 1]}\n')


def a_list(path: Path, other: Path) -> None:
    """Put a JSON list in its place."""
    path.write_text("[1]\n")


def swap(path: Path, other: Path) -> None:
    """Put another file of the same kind in its place."""
    shutil.copyfile(other, path)


def digit(path: Path, other: Path) -> None:
    """Change one digit of one number in the middle, or a letter: the file stays valid."""
    text = path.read_text()
    found = [*re.finditer(r"(?<=\d)\d(?=\D)", text)] or [*re.finditer(r"\d", text)]
    found = found or [*re.finditer(r"[a-z]", text)]
    at = found[len(found) // 2].start()
    other = str((int(text[at]) + 1) % 10) if text[at].isdigit() else "x" if text[at] != "x" else "y"
    path.write_text(f"{text[:at]}{other}{text[at + 1 :]}")


def delete(path: Path, other: Path) -> None:
    """Remove it."""
    path.unlink()


def directory(path: Path, other: Path) -> None:
    """Put a folder in its place: what root cannot read either."""
    path.unlink()
    path.mkdir()


def dangling(path: Path, other: Path) -> None:
    """Put a link to nowhere in its place."""
    path.unlink()
    path.symlink_to("nowhere")


ALL: tuple[Damage, ...] = (truncate, empty, garbage, swap)
JSON: tuple[Damage, ...] = (other_shape, a_list)
ONCE: tuple[Damage, ...] = (delete, directory, dangling)


def record_of(name: str) -> str:
    """Return the place of Snakemake's record of a file, from the study's folder."""
    key = base64.urlsafe_b64encode(f"{STUDY}/{name}".encode()).decode()
    return f"../../.snakemake/metadata/{key}"


def cases() -> list[tuple[str, Damage, bool]]:
    """Return all cases: a file, a damage, and whether the file keeps its time."""
    found = []
    for name in (*FILES, *map(record_of, RECORDS)):
        text = name.endswith((".json", ".csv", ".tsv"))
        record = "metadata" in name
        kinds = [*ALL, *(JSON if name.endswith(".json") or record else ())]
        kinds += [digit] if text else []
        found += [(name, kind, keep) for kind in kinds for keep in (True, False)]
        found += [(name, kind, True) for kind in ONCE]
    return found


def another(study: Path, name: str) -> Path:
    """Return another file of the same kind, of another run where there is one."""
    if name.startswith("runs/"):
        run = name.split("/")[1]
        there = {"optuna-0001-seed7": "optuna-0002-seed7", "baseline-seed1007": "baseline-seed1008"}
        return study / name.replace(run, there.get(run, "baseline-seed8"))
    if "metadata" in name:
        return study / record_of("screen/results.csv")
    suffix = Path(name).suffix
    found = [path for path in sorted(study.rglob(f"*{suffix}")) if path != study / name]
    near = [path for path in found if path.parent == (study / name).parent]
    return (near or found or [study / "best.json"])[0]


def leaf(name: str) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in LEAVES)


def unneeded(folder: Path, name: str) -> bool:
    """Tell whether a result is missing and stays so until it is asked for.

    As what trainings alone read does, once all is trained.
    """
    return not (leaf(name) or "metadata" in name or (folder / STUDY / name).exists())


def _differs(folder: Path, expected: dict[str, bytes], but: str) -> list[str]:
    """Return the files that must be the same and are not, without a damaged one."""
    found: dict[str, bytes] = {}
    with_folders = [path for path in (folder / STUDY).rglob("*") if path.is_dir()]
    if not any(str(path.relative_to(folder / STUDY)) == but for path in with_folders):
        found = contents(folder)
    else:
        os.rmdir(folder / STUDY / but)
        found = contents(folder)
    return sorted(n for n in expected if n != but and found.get(n) != expected[n])


def judge(folder: Path, case: tuple[str, Damage, bool], expected: dict[str, bytes]) -> str:
    """Return what came of a damage to the study in `folder`; a fault begins with FAULT."""
    name, damage, keep = case
    path = folder / STUDY / name
    before, times = path.read_bytes(), (path.stat().st_atime, path.stat().st_mtime)
    damage(path, another(folder / STUDY, name))
    if keep and path.is_file():
        os.utime(path, times)
    damaged = path.read_bytes() if path.is_file() else b""
    ended = studies.snakemake(folder)
    if campaign.traceback_in(ended.text):
        return f"FAULT traceback:\n{ended.text[-3000:]}"
    if ended.code:
        # A record's name is Snakemake's own, cut into folders where it is long.
        if Path(name).name not in ended.text:
            return f"FAULT not named:\n{ended.text[-3000:]}"
        return "refused by name"
    if damaged == before:
        return "the same bytes"
    missing = not path.exists()
    mended = not missing and path.is_file() and path.read_bytes() != damaged
    but = "" if mended else name
    if wrong := _differs(folder, expected, but):
        return f"FAULT differs after a plain run: {', '.join(wrong)}"
    if not (mended or missing or leaf(name) or "metadata" in name):
        return f"FAULT not looked at:\n{ended.text[-1000:]}"
    forced = force(folder)
    if campaign.traceback_in(forced.text):
        return f"FAULT traceback by force:\n{forced.text[-3000:]}"
    if forced.code:
        named = Path(name).name in forced.text
        return "refused by name, by force" if named else f"FAULT by force:\n{forced.text[-3000:]}"
    if unneeded(folder, name):
        studies.snakemake(folder, "--", f"{STUDY}/{name}")
    if wrong := _differs(folder, expected, name if leaf(name) else ""):
        return f"FAULT differs by force: {', '.join(wrong)}"
    if missing:
        return "missing, and made again when it was needed"
    return "made again" if mended else "not looked at by a plain run, and in no result"


def force(folder: Path) -> studies.Ended:
    """Make every table again."""
    targets = [f"{STUDY}/{target}" for target in TARGETS]
    return studies.snakemake(folder, "--forcerun", *FORCED, "--", *targets)


def cure(folder: Path, name: str, expected: dict[str, bytes]) -> str:
    """Do what the message says: delete the file and run again."""
    path = folder / STUDY / name
    if path.name == "run.json":
        path = path.parent
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    ended = studies.snakemake(folder)
    if ended.code == 0 and unneeded(folder, name):
        ended = studies.snakemake(folder, "--", f"{STUDY}/{name}")
    if ended.code == 0:
        ended = force(folder)
    wrong = _differs(folder, expected, "")
    if ended.code or wrong:
        return f"FAULT not cured ({', '.join(wrong)}):\n{ended.text[-3000:]}"
    return "cured by deleting the file, to the same bytes"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.damage", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="*", help="files of these names alone")
    options = parser.parse_args()
    planned = [case for case in cases() if fnmatch.fnmatch(case[0], options.only)]
    random.Random(options.seed).shuffle(planned)
    counts: Counter[str] = Counter()
    faults = []
    with studies.campaign_folder("damage") as home:
        base, expected = studies.finished_study(home / "base")
        end = time.monotonic() + 60 * options.minutes
        for case in planned:
            if time.monotonic() > end:
                break
            folder = studies.copy(base, home / "study")
            found = judge(folder, case, expected)
            told = f"{case[0]}, {case[1].__name__}, {'old' if case[2] else 'new'} time"
            print(f"{told}: {found}", flush=True)
            counts[found.split(":")[0]] += 1
            faults += [told] * found.startswith("FAULT")
            if found == "refused by name" and counts[found] % 8 == 1:
                found = cure(folder, case[0], expected)
                print(f"  {found}", flush=True)
                counts[found.split(" (")[0]] += 1
                faults += [f"{told}, cured"] * found.startswith("FAULT")
    if faults:
        raise SystemExit(f"{len(faults)} faults:\n" + "\n".join(faults))
    tried = sum(count for what, count in counts.items() if not what.startswith("cured"))
    campaign.record(
        "damage",
        title="Damaged files",
        command=f"python -m tests.torture.damage --minutes {options.minutes:g}"
        f" --seed {options.seed}",
        text="Each kind of file that a finished study leaves was truncated, emptied, overwritten"
        " with garbage, JSON of another shape, another run's file or one changed digit, deleted, or"
        " replaced by a folder or a broken link, with its old time and with a new one; the same"
        " command was run again, then all tables by force. Checked: no traceback, the file is named"
        " or made again, and every result has the bytes of the undisturbed study.",
        figures={"damages there are": len(cases()), "tried": tried, **dict(sorted(counts.items()))},
    )


if __name__ == "__main__":
    main()
