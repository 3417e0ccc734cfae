"""Generate the project's own paraphrase set: pairs of sentences, label 1 where both say the same.

In: a seed and a size for each split. Out: train.jsonl, validation.jsonl and test.jsonl.
"""

import argparse
import itertools
import json
from pathlib import Path

from scripts.study.errors import StudyError, command
from scripts.study.files import write_text
from scripts.training.paraphrases import SPLITS, pairs

LARGEST = 20_000


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m scripts.generate", description=__doc__)
    parser.add_argument("--seed", required=True, type=int, help="seed of the grammar's choices")
    for split in SPLITS:
        parser.add_argument(f"--{split}", required=True, type=int, help=f"pairs in {split}")
    parser.add_argument("--output", required=True, type=Path, help="folder of the three files")
    options = parser.parse_args()
    for split in SPLITS:
        size = getattr(options, split)
        if not 5 <= size <= LARGEST:
            raise StudyError(f"--{split}: {size} is not a number of pairs from 5 to {LARGEST}")
    for split in SPLITS:
        lines = [
            json.dumps({"sentence1": pair[0], "sentence2": pair[1], "label": pair[2]})
            for pair in itertools.islice(pairs(options.seed, split), getattr(options, split))
        ]
        write_text(options.output / f"{split}.jsonl", "\n".join(lines) + "\n")
    print(f"generated: {', '.join(f'{split} {getattr(options, split)}' for split in SPLITS)} pairs")


if __name__ == "__main__":
    command(main)
