"""Names of models and data sets: of a folder here, or of the hub, pinned and without a secret."""

import os
import re

from scripts.study.errors import StudyError
from scripts.study.reading import show
from scripts.study.urls import has_secret, masked

_HUB = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)


def is_local(path: str) -> bool:
    """Return whether a model's or data set's `path` means a folder here, not a name of the hub."""
    return path.startswith((".", "/", "~")) or os.path.isdir(path)


def check_pinned(key: str, path: str, revision: object) -> None:
    """Names of the hub are pinned: what is behind a branch may change between two runs."""
    if not _HUB.fullmatch(path) or ".." in path:
        raise StudyError(f"{key}.path: {show(path)} is neither a folder nor a name of the hub")
    if revision is None:
        raise StudyError(
            f"{key}.revision: missing; {show(path)} is no folder here, and a name of the hub "
            "needs a full commit (40 digits from 0 to f)"
        )


def check_secrets(where: str, url: str) -> None:
    """Refuse secrets: the config goes into study.json, the report and Snakemake's log."""
    if "://" in url and has_secret(url):
        raise StudyError(
            f"{where}: {show(masked(url))} came with a user, a password or a token; download the"
            " file, and name the copy"
        )
