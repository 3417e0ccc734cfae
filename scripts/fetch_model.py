"""Get the study's pretrained model once, check its weights, and write down which one it is.

In: the study's `model` block. Out: `data/model.json` with path, revision, the weights' sha256 and
those of the other files.
"""

import argparse
import json
from pathlib import Path

from scripts.study.errors import StudyError, command
from scripts.study.files import read_object, write_json
from scripts.training.hub import wait_no_longer
from scripts.training.labels import bare
from scripts.training.weights import is_hub, locate, sums, verify


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.fetch_model", description=__doc__)
    parser.add_argument("--model", required=True, help="the study's model block, as JSON")
    parser.add_argument("--output", required=True, type=Path, help="data/model.json")
    options = parser.parse_args()
    try:
        model = json.loads(options.model)
    except json.JSONDecodeError as error:
        raise StudyError(f"--model: {options.model!r} is not JSON ({error})") from None
    if is_hub(model):
        wait_no_longer()
    folder = locate(model, fetch=True)
    sha256 = verify(model, folder)
    config = read_object(folder / "config.json")
    architecture = str(config.get("model_type", ""))
    write_json(
        options.output,
        {
            "path": model["path"],
            "revision": model["revision"],
            "sha256": sha256,
            "architecture": architecture,
            "files": sums(folder),
        },
    )
    print(f"model: {model['path']} ({bare(architecture)}), weights {sha256[:12]}")


if __name__ == "__main__":
    command(main)
