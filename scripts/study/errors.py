"""Errors that a user can act on, and the one place that prints them."""

import sys
from collections.abc import Callable

# As the system and SQLite say it; safetensors passes the former on as text alone.
_FULL = ("No space left on device", "Disk quota exceeded", "disk is full")


class StudyError(Exception):
    """A mistake that the user can mend.

    The message names the file, the key, the value and what would be right, in one or two lines.
    """


def disk_full(error: BaseException) -> bool:
    """Tell whether an error means that there was no room left to write to."""
    return any(words in str(error) for words in _FULL)


def command(main: Callable[[], None]) -> None:
    """Run a command's `main`; print a `StudyError` as one message on stderr and exit with 1.

    So it does where the disk is full, which is no mistake, but the user's to mend.
    """
    try:
        main()
    except StudyError as error:
        print(f"snaketune: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except Exception as error:
        if not disk_full(error):
            raise
        print(
            f"snaketune: the disk is full ({error}); make room and run the same command again",
            file=sys.stderr,
        )
        raise SystemExit(1) from None
