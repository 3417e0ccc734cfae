"""Types of command-line options that several commands share."""

import argparse


def whole(text: str) -> int:
    """Return an option's whole number from 0 on."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number >= 0")
    return number


def positive(text: str) -> int:
    """Return an option's whole number above 0."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number >= 1")
    return number
