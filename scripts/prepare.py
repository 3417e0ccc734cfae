"""Load the study's data set once and bring it to one form.

In: the study's `dataset`, `columns`, `splits` and `labels`. Out: one Parquet file a split with the
columns text_a, text_b (pairs only) and label, and `info.json`: fingerprint, classes, sizes and the
score of always answering the majority class.
"""

import argparse
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.study.errors import StudyError, command
from scripts.study.files import write_bytes, write_json
from scripts.training.data import SPLITS, fingerprint, load, standardise
from scripts.training.hub import wait_no_longer
from scripts.training.labels import bare
from scripts.training.metrics import score
from scripts.training.splitting import cut_off


def describe(splits: dict[str, dict[str, list[Any]]], classes: list[str]) -> dict[str, Any]:
    """Return what `info.json` holds: facts of the data that other stages and the report need."""
    sizes = {
        role: {
            "examples": len(columns["label"]),
            "by_class": [columns["label"].count(index) for index in range(len(classes))],
        }
        for role, columns in splits.items()
    }
    train, validation = splits["train"]["label"], splits["validation"]["label"]
    majority = max(range(len(classes)), key=train.count)
    return {
        "fingerprint": fingerprint(splits, classes),
        "labels": classes,
        "text_columns": 2 if "text_b" in splits["train"] else 1,
        "splits": sizes,
        "majority_class": classes[majority],
        "majority": score([majority] * len(validation), validation, len(classes)),
    }


def where(dataset: Mapping[str, Any], roles: Mapping[str, str], message: str) -> str:
    """Return which files hold the split that a message is about; nothing where that is unknown."""
    files = dataset.get("data_files")
    # The first that is named: further ones say what would be right.
    role = re.search(r"the (\w+) split", message)
    if not isinstance(files, Mapping) or role is None or role[1] not in roles:
        return ""
    split = roles[role[1]]
    found = files.get(split.partition("[")[0])
    names = [found] if isinstance(found, str) else list(found or ())
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    # Rows are counted from where a slice begins.
    what = f"{split} of" if "[" in split else "of"
    return f"\n  that split is {what} {', '.join(map(str, names[:3]))}{more}" if names else ""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.prepare", description=__doc__)
    parser.add_argument("--source", required=True, help="dataset, columns, splits, labels, as JSON")
    parser.add_argument("--output", required=True, type=Path, help="the study's data folder")
    options = parser.parse_args()
    try:
        source = json.loads(options.source)
    except json.JSONDecodeError as error:
        raise StudyError(f"--source: not JSON ({error})") from None
    wait_no_longer()
    roles = {role: source["splits"][role] for role in SPLITS if source["splits"][role]}
    wanted = [*source["columns"]["text"], source["columns"]["label"]]
    loaded = {role: load(source["dataset"], split, wanted) for role, split in roles.items()}
    try:
        splits, classes = standardise(loaded, source["columns"], source["labels"])
    except StudyError as error:
        raise StudyError(f"{error}{where(source['dataset'], roles, str(error))}") from None
    share = source["splits"].get("validation_share")
    if share is not None:
        train, validation = cut_off(splits["train"], share, source["seed"], classes)
        splits = {**splits, "train": train, "validation": validation}
    for role in set(SPLITS) - set(splits):
        # What an earlier config had would be taken for a split of this one.
        (options.output / f"{role}.parquet").unlink(missing_ok=True)
    for role, columns in splits.items():
        buffer = io.BytesIO()
        pd.DataFrame(columns).to_parquet(buffer, index=False)
        write_bytes(options.output / f"{role}.parquet", buffer.getvalue())
    info = describe(splits, classes)
    write_json(options.output / "info.json", info)
    sizes = ", ".join(f"{role} {facts['examples']}" for role, facts in info["splits"].items())
    known = ", ".join(map(bare, classes))[:300]
    print(f"data: {sizes}; classes {known}; fingerprint {info['fingerprint'][:12]}")


if __name__ == "__main__":
    command(main)
