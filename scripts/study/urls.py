"""Addresses of data and servers, and the secrets that do not belong into them."""

import re
from urllib.parse import SplitResult, unquote, urlsplit

# Names of parameters: what is in them anywhere, and what is a word of theirs.
_ANYWHERE = re.compile(
    r"passw|passphrase|secret|credential|signature|authori[sz]|(api|access|private)[_-]?key", re.I
)
_WORDS = {"pass", "pwd", "token", "tokens", "key", "sig", "auth", "bearer", "jwt", "sas"}
# What tokens of the hub, GitHub and GitLab, and JSON Web Tokens begin with.
_TOKEN = re.compile(r"(?<![A-Za-z0-9])(hf_|gh[opsu]_|github_pat_|glpat-|eyJ)[\w-]{16}")


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
        behind = unquote(f"{parts.path.partition(';')[2]}&{parts.query}&{parts.fragment}")
        names = [one.partition("=")[0] for one in re.split("[&;?]", behind)]
        if "@" in parts.netloc or _TOKEN.search(unquote(url)) or any(map(_is_secret, names)):
            return True
    return False


def _is_secret(name: str) -> bool:
    """Tell whether a parameter of that name holds a secret: accessToken, X-Amz-Signature, key."""
    words = re.split(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])", name)
    return bool(_ANYWHERE.search(name) or _WORDS & {word.lower() for word in words})


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
