"""Addresses of data and servers, and the secrets that do not belong into them."""

import re
from urllib.parse import SplitResult, unquote, urlsplit

_SECRET = re.compile(
    r"pass|pwd|token|secret|key|signature|credential|authori[sz]|bearer"
    # Words that are parts of others too; then what tokens of GitHub, the hub and JWT begin with.
    r"|(?<![a-z])(sig|auth|jwt|sas)(?![a-z])|(?<![a-z])(hf_|gh[opsu]_|eyJ)\w{16}",
    re.IGNORECASE,
)


def split(url: str) -> SplitResult | None:
    """Return the parts of a URL, None where it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def has_secret(url: str) -> bool:
    """Return whether a URL holds a user, a password, a token or a signature.

    >>> has_secret("https://me:pw@example.org/a.csv"), has_secret("https://example.org/a.csv?v=1")
    (True, False)
    >>> has_secret("zip://a.csv::https://me:pw@example.org/a.zip")
    True
    """
    # Of a file inside of another, both are named, joined by ::.
    for one in url.split("::"):
        parts = split(one)
        if parts is None:
            continue
        behind = unquote(f"{parts.path.partition(';')[2]}?{parts.query}#{parts.fragment}")
        if "@" in parts.netloc or _SECRET.search(behind):
            return True
    return False


def masked(url: str) -> str:
    """Return a URL as it may be shown: without user, password, query and fragment.

    >>> masked("https://me:secret@example.org/mlflow?token=x")
    'https://example.org/mlflow'
    """
    shown = re.split("[?;#]", url, maxsplit=1)[0]
    if "@" not in shown:
        return shown
    scheme = shown.partition("://")[0] + "://" if "://" in shown else ""
    return scheme + shown.rpartition("@")[2]
