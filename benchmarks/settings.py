"""What every contestant is given: the same model, examples, batch size and number of steps."""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

# Of a pair, in tokens.
MAX_SEQ_LENGTH = 128


@dataclass(frozen=True)
class Settings:
    """One training of one epoch.

    Attributes:
        model: folder of the pretrained model.
        train, validation: JSON Lines with sentence1, sentence2 and label.
        examples: how many of the training split's first examples are trained on.
        validated: how many of the validation split's first examples are scored.
        epochs, batch_size, learning_rate, seed: hyperparameters, the same for all.
        threads: threads of one training.
        output: file that the metrics after the last epoch are written to.
    """

    model: str
    train: str
    validation: str
    examples: int
    validated: int
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int
    threads: int
    output: str

    def write(self, path: Path) -> None:
        """Write the settings as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")


def from_command_line(description: str | None) -> Settings:
    """Return the settings in the JSON file that a recipe's command line names."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("settings", type=Path, help="JSON file of the settings")
    path: Path = parser.parse_args().settings
    return Settings(**json.loads(path.read_text(encoding="utf-8")))
