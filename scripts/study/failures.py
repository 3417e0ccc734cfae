"""How many of Optuna's trials may fail before their study stops."""

from collections.abc import Mapping
from pathlib import Path

from scripts.study.errors import StudyError

_NAMED = 5


def check_failed(failed: Mapping[Path, str], allowed: int, trials: int) -> None:
    """Raise `StudyError` where more trials failed than are `allowed`.

    `failed` has the reason of each by its folder; `trials` is of how many they are.
    """
    if len(failed) <= allowed:
        return
    named = [f"{path.name} ({reason})" for path, reason in failed.items()]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    raise StudyError(
        f"optuna.max_failed: {len(failed)} of {trials} trials failed, {allowed} may:"
        f" {', '.join(named[:_NAMED])}{more}\n  their logs say why; delete their folders in"
        f" {next(iter(failed)).parent} to train them again, or allow more"
    )
