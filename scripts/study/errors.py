"""Errors that a user can act on, and the one place that prints them."""

import sys
from collections.abc import Callable


class StudyError(Exception):
    """A mistake that the user can mend.

    The message names the file, the key, the value and what would be right, in one or two lines.
    """


def command(main: Callable[[], None]) -> None:
    """Run a command's `main`; print a `StudyError` as one message on stderr and exit with 1."""
    try:
        main()
    except StudyError as error:
        print(f"snaketune: {error}", file=sys.stderr)
        raise SystemExit(1) from None
