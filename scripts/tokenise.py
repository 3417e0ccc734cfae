"""Tokenise every split once for one max_seq_length.

In: the Parquet files of `prepare`, the model. Out: one safetensors file that trainings load.
"""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel

from scripts.study.errors import StudyError, command, out_of_memory
from scripts.study.files import read_json
from scripts.training.data import SPLITS
from scripts.training.tokens import save_tokens, tokenise
from scripts.training.vocabulary import embeddings
from scripts.training.weights import locate


def shape(folder: Path) -> PreTrainedModel:
    """Return the model in `folder` without its weights."""
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    with torch.device("meta"):
        return AutoModel.from_config(config, trust_remote_code=False)


def positions(model: PreTrainedModel) -> int | None:
    """Return how many tokens the model takes at most; None where its config sets no limit.

    RoBERTa and its kin count positions from behind the padding's: of 514 they use 512.
    """
    limit = getattr(model.config, "max_position_embeddings", None)
    if limit is None:
        return None
    for name, module in model.named_modules():
        if (
            name.endswith("position_embeddings")
            and getattr(module, "padding_idx", None) is not None
        ):
            return int(limit - module.padding_idx - 1)
    return int(limit)


def read_split(path: Path) -> dict[str, list[Any]]:
    """Return the columns of a split; raise `StudyError` where the file is not one of `prepare`."""
    try:
        columns = {str(name): list(column) for name, column in pd.read_parquet(path).items()}
    except Exception as error:  # pyarrow raises many kinds
        if out_of_memory(error):
            raise
        reason = " ".join(str(error).split())[:200]
        raise StudyError(
            f"{path}: not a readable Parquet file ({reason}); delete it and run snakemake again"
        ) from None
    if not {"text_a", "label"} <= columns.keys():
        raise StudyError(
            f"{path}: text_a and label are not both in it; delete it and run snakemake again"
        )
    return columns


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.tokenise", description=__doc__)
    parser.add_argument("--data", required=True, type=Path, help="the study's data folder")
    parser.add_argument("--model", required=True, type=Path, help="data/model.json")
    parser.add_argument("--max-seq-length", required=True, type=int, help="tokens kept")
    parser.add_argument("--longest", type=int, help="the most that any run of the study keeps")
    parser.add_argument("--output", required=True, type=Path, help="the safetensors file to write")
    options = parser.parse_args()
    folder = locate(read_json(options.model))
    try:
        model = shape(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # transformers and tokenizers raise many kinds
        if out_of_memory(error):
            raise
        reason = " ".join(str(error).split())[:300]
        raise StudyError(f"model.path: {folder} cannot be loaded: {reason}") from None
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        # Without a vocabulary transformers makes a tokenizer to which every word is unknown.
        raise StudyError(f"model.path: {folder} has no tokenizer, such as a tokenizer.json")
    longest, words = positions(model), embeddings(model)
    # Of all runs, before the first is trained: which lengths a grid has, only the ranking tells.
    most = max(options.max_seq_length, options.longest or 0)
    if longest is not None and most > longest:
        raise StudyError(
            f"max_seq_length: {most} is more than the {longest} tokens that the model takes"
        )
    splits = {
        role: tokenise(
            read_split(path),
            tokenizer,
            options.max_seq_length,
        )
        for role in SPLITS
        if (path := options.data / f"{role}.parquet").exists()
    }
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    last = max([pad, *(int(tokens.input_ids.max(initial=0)) for tokens in splits.values())])
    if words is not None and last >= words.num_embeddings:
        raise StudyError(
            f"model.path: the tokenizer of {folder} has a token of number {last}, and the model"
            f" has embeddings up to {words.num_embeddings - 1}; is it another model's?"
        )
    save_tokens(options.output, splits, pad)
    cut = sum(int((tokens.lengths == options.max_seq_length).sum()) for tokens in splits.values())
    print(f"tokens: max_seq_length {options.max_seq_length}, {cut} examples reach it")


if __name__ == "__main__":
    command(main)
