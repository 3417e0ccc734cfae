"""Stands in for scripts/train.py: trains for real what was never trained, else gives it again.

A campaign puts it there (`studies.new_study`), with the real one beside it as scripts/real_train.py
and a folder that all its studies share. What was trained lies in it by all that went in: run.json,
model.json, info.json, the bytes of the tokens, and the options.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.study.files import read_json, write_bytes

VAULT = "SNAKETUNE_TORTURE_VAULT"
FILES = ("history.csv", "predictions.csv", "metrics.json")


def key(options: argparse.Namespace) -> str:
    """Return a name for all that the training's result depends on."""
    digest = hashlib.sha256()
    length = read_json(options.run)["hyperparameters"]["max_seq_length"]
    tokens = options.tokens / f"{length}.safetensors"
    for path in (options.run, options.model, options.info, tokens):
        content = path.read_bytes()
        digest.update(len(content).to_bytes(8, "big") + content)
    digest.update(f"{options.metric}{bool(options.save_model)}".encode())
    return digest.hexdigest()


def give(source: Path, options: argparse.Namespace) -> None:
    """Copy a training's files to where they are asked for, each whole or not at all, as it does."""
    if options.save_model:
        options.save_model.mkdir(parents=True)
        for path in (source / "model").iterdir():
            write_bytes(options.save_model / path.name, path.read_bytes())
    for name in FILES:
        write_bytes(options.output / name, (source / name).read_bytes())


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("run", "model", "info", "output", "tokens", "save-model"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--metric")
    options = parser.parse_known_args()[0]
    try:
        kept = Path(os.environ[VAULT]) / key(options)
    except Exception as error:
        # What goes in is damaged: the real training is to say so.
        print(f"not known: {error}")
        kept = None
    if kept is not None and (kept / "metrics.json").exists():
        give(kept, options)
        return 0
    code = subprocess.run(
        [sys.executable, "-m", "scripts.real_train", *sys.argv[1:]], check=False
    ).returncode
    if code == 0 and kept is not None:
        made = kept.with_name(f"{kept.name}.{os.getpid()}")
        made.mkdir(parents=True)
        for name in FILES:
            shutil.copyfile(options.output / name, made / name)
        if options.save_model:
            shutil.copytree(options.save_model, made / "model")
        try:
            made.rename(kept)
        except OSError:
            shutil.rmtree(made)  # another process trained the same
    return code


if __name__ == "__main__":
    sys.exit(main())
