"""The files that a pretrained model is: what is fetched, watched and compared with its sums."""

from pathlib import Path

WEIGHTS = "model.safetensors"
# Safetensors only: no pickle is ever fetched or read. The rest is configuration and tokeniser.
MODEL_FILES = [
    "config.json",
    WEIGHTS,
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "spm.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
    "bpe.codes",
]


def present(folder: Path) -> list[Path]:
    """Return those of the files that are in a model's folder, sorted."""
    return sorted(path for name in MODEL_FILES if (path := folder / name).is_file())
