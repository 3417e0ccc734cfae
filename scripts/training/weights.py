"""The pretrained model of a study: where it lies, and proof that it is the one asked for."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from scripts.study.errors import StudyError
from scripts.study.files import file_sha256, read_object
from scripts.study.model_files import MODEL_FILES, WEIGHTS, present
from scripts.study.reading import show
from scripts.training.hub import COMMIT

PACKAGE = "package:"
_CURE = "it describes no model; name another model, or fetch this one again"


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
    if not (found / WEIGHTS).is_file():
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
                name, revision=revision, allow_patterns=MODEL_FILES, local_files_only=not fetch
            )
        )
    except Exception as error:  # a login page in the hub's place raises many kinds
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise StudyError(
            f"model.path: {name!r} at revision {revision}: not in the local cache and not to be"
            f" had from the hub ({reason}); "
            + (
                "use a network, or a local folder as model.path"
                if fetch
                else "`snakemake --force -- results/<study>/data/model.json`, with the study's"
                " config, fetches it again, and nothing is trained for that"
            )
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
    return file_sha256(folder / WEIGHTS)


def verify(model: Mapping[str, Any], folder: Path) -> str:
    """Return the sha256 of the weights; raise `StudyError` where the study asks for another.

    So it does where `files`, the sums of the other files if `model` has them, are of others, and
    where the model's own config names weights that nobody has looked at.
    """
    weights = folder / WEIGHTS
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
            f"model.sha256: {weights} has {found}, the study asks for"
            f" {wanted}; fetch the model again, or put the right hash into the config"
        )
    if not (folder / "config.json").is_file():
        raise StudyError(f"model.path: no config.json in {folder}, which says what its model is")
    other = read_object(folder / "config.json", cure=_CURE).get("transformers_weights")
    if other is not None:
        raise StudyError(
            f"model.path: {folder / 'config.json'} names weights of its own (transformers_weights:"
            f" {show(other)}); {WEIGHTS} alone is checked and read: remove the key"
        )
    for name, sha256 in model.get("files", {}).items():
        file = folder / name
        if not file.is_file() or file_sha256(file) != sha256:
            raise StudyError(
                f"model.path: {file} is not what it was when the study fetched its model; put it"
                " back, or delete data/model.json in the study's folder and run snakemake again"
            )
    return found


def sums(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file of a model's folder but its weights, by name."""
    return {path.name: file_sha256(path) for path in present(folder) if path.name != WEIGHTS}
