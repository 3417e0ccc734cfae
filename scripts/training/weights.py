"""The pretrained model of a study: where it lies, and proof that it is the one asked for."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from scripts.study.errors import StudyError
from scripts.study.files import file_sha256
from scripts.training.hub import COMMIT

PACKAGE = "package:"

# Safetensors only: no pickle is ever fetched or read. The rest is configuration and tokeniser.
HUB_FILES = [
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
]


def is_hub(model: Mapping[str, Any]) -> bool:
    """Tell whether the model's path names a repository of the Hugging Face hub."""
    path = model["path"]
    return not path.startswith((PACKAGE, ".", "/", "~")) and not os.path.isdir(path)


def locate(model: Mapping[str, Any], *, fetch: bool = False) -> Path:
    """Return the local folder of a model; with `fetch`, get a hub model first.

    `model` has `path` (`package:<package>/<folder>`, a local folder or a hub name) and `revision`.
    Raises `StudyError` when there is no such model.
    """
    path = model["path"]
    if path.startswith(PACKAGE):
        package, _, folder = path.removeprefix(PACKAGE).partition("/")
        spec = find_spec(package)
        places = spec.submodule_search_locations if spec else None
        if not places:
            raise StudyError(f"model.path: {path!r}: the Python package {package} is not installed")
        found = Path(next(iter(places))) / folder
    elif is_hub(model):
        found = _snapshot(model, fetch)
    else:
        found = Path(os.path.expanduser(path))
    if not (found / "model.safetensors").is_file():
        raise StudyError(
            f"model.path: {path!r}: no model.safetensors in {found}; weights in another format or"
            " in several files are not read (save_pretrained writes the one file)"
        )
    return found


def _snapshot(model: Mapping[str, Any], fetch: bool) -> Path:
    from huggingface_hub import snapshot_download

    name, revision = model["path"], model["revision"]
    try:
        found = Path(
            snapshot_download(
                name, revision=revision, allow_patterns=HUB_FILES, local_files_only=not fetch
            )
        )
    except Exception as error:  # a login page in the hub's place raises many kinds
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise StudyError(
            f"model.path: {name!r} at revision {revision}: not in the local cache and not to be"
            f" had from the hub ({reason}); use a network, or a local folder as model.path"
        ) from None
    # The folder that it keeps a model in has the revision's name.
    if COMMIT.fullmatch(found.name) and found.name != revision:
        raise StudyError(
            f"model.revision: {revision} of {name!r} could not be had from the hub, which gave"
            f" {found.name}; run again once it gives the revision that is pinned"
        )
    return found


def weights_sha256(folder: Path) -> str:
    """Return the sha256 of a model folder's `model.safetensors`, in hex."""
    return file_sha256(folder / "model.safetensors")


def verify(model: Mapping[str, Any], folder: Path) -> str:
    """Return the sha256 of the weights; raise `StudyError` where the study asks for another."""
    weights = folder / "model.safetensors"
    try:
        with safe_open(weights, framework="numpy"):
            pass
    except (SafetensorError, OSError) as error:
        raise StudyError(
            f"model.path: {weights} is not a safetensors file ({error}); another format, such as a"
            " pickle under this name, is not read"
        ) from None
    found = weights_sha256(folder)
    wanted = model["sha256"]
    if wanted is not None and found != wanted:
        raise StudyError(
            f"model.sha256: {folder / 'model.safetensors'} has {found}, the study asks for"
            f" {wanted}; fetch the model again, or put the right hash into the config"
        )
    return found
