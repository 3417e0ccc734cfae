"""Where a study's model comes from: found and pinned before anything is trained."""

import importlib.util
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.study.errors import StudyError
from scripts.study.model_files import WEIGHTS
from scripts.study.pinned import check_pinned, check_secrets, is_local
from scripts.study.reading import show

PACKAGE = "package:"


def package_folder(path: str) -> Path:
    """Return the folder that `package:NAME/FOLDER` means; the package is found, not imported."""
    name, _, folder = path.removeprefix(PACKAGE).partition("/")
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or ".." in folder.split("/"):
        raise StudyError(f"model.path: {show(path)} is not of the form package:NAME/FOLDER")
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # of what is no package, such as __main__
        spec = None
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise StudyError(
            f"model.path: {show(path)}: the Python package {name} is not installed; "
            "pip install it, or name another model"
        )
    return Path(next(iter(places))) / folder


def model_folder(path: str) -> Path | None:
    """Return the local folder of the model `path`, or None where it is a model of the hub."""
    if path.startswith(PACKAGE):
        return package_folder(path)
    return Path(os.path.expanduser(path)) if is_local(path) else None


def check_model(model: Mapping[str, Any]) -> None:
    """Raise `StudyError` unless the model is there, or is pinned on the hub."""
    path = model["path"]
    check_secrets("model.path", path)
    folder = model_folder(path)
    if folder is None:
        check_pinned("model", path, model.get("revision"))
        return
    if model.get("revision") is not None:
        raise StudyError(
            f"model.revision: {show(model['revision'])} is for models of the hub; "
            f"{show(path)} is a folder (null removes the key)"
        )
    if not os.path.isdir(folder):
        raise StudyError(f"model.path: {show(path)}: no such folder ({show(str(folder))})")
    if {"{", "}"} & set(str(folder)):
        raise StudyError(
            f"model.path: {show(path)} has a brace in it, which Snakemake takes for a wildcard;"
            " rename the folder"
        )
    if not (folder / WEIGHTS).exists():
        raise StudyError(f"model.path: {show(path)}: the folder holds no {WEIGHTS}")
