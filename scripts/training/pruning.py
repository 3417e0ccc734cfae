"""Stopping a trial early: it compares itself with a snapshot of what earlier trials scored.

The snapshot is a file that `ask` wrote, so a trial's fate does not depend on which of its
neighbours ran first. The decision is Optuna's own pruner's.
"""

from collections.abc import Callable, Mapping
from typing import Any

# Pruners that note on a trial how far it came. To tell them of n trials takes n squared of time.
HALVING = ("successive_halving", "hyperband")


def pruner(name: str, options: Mapping[str, Any]) -> Any:
    """Return Optuna's pruner of that name in snake case, such as `median`.

    `n_warmup_steps` counts epochs that never prune: Optuna would take the first epoch, 1, for the
    second of steps that start at 0.
    """
    import optuna

    if name in ("median", "percentile", "threshold"):
        options = {**options, "n_warmup_steps": options.get("n_warmup_steps", 0) + 1}
    kinds = {
        "median": optuna.pruners.MedianPruner,
        "percentile": optuna.pruners.PercentilePruner,
        "successive_halving": optuna.pruners.SuccessiveHalvingPruner,
        "hyperband": optuna.pruners.HyperbandPruner,
        "threshold": optuna.pruners.ThresholdPruner,
        "none": optuna.pruners.NopPruner,
    }
    return kinds[name](**options)


def should_stop(pruning: Mapping[str, Any] | None) -> Callable[[int, float], bool]:
    """Return a function of (epoch, objective) that tells whether the trial should stop there.

    `pruning` is the block of run.json that `ask` wrote: `pruner` (name, options), `direction`,
    `trial` (its number) and `earlier`: status and objective by epoch of each trial of earlier
    batches. None never stops.
    """
    if pruning is None:
        return lambda epoch, value: False
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    # Hyperband draws a trial's bracket from the study's name and the trial's number: both fixed.
    study = optuna.create_study(
        study_name="snaketune",
        direction=pruning["direction"],
        pruner=pruner(pruning["pruner"]["name"], pruning["pruner"]["options"]),
    )
    states = optuna.trial.TrialState
    halving = pruning["pruner"]["name"] in HALVING
    for past in pruning["earlier"]:
        values = dict(enumerate(past["values"], start=1))
        state = states.PRUNED if values else states.FAIL
        if past["status"] == "complete":
            state = states.COMPLETE
        value = past["values"][-1] if state == states.COMPLETE else None
        if not halving:
            study.add_trial(
                optuna.trial.create_trial(state=state, value=value, intermediate_values=values)
            )
            continue
        # Told again epoch by epoch, since halving notes on a trial how far it was promoted.
        trial = study.ask()
        for epoch, objective in values.items():
            trial.report(objective, epoch)
            trial.should_prune()
        study.tell(trial, value, state)
    # Neighbours of the same batch are unknown, whether or not they have finished.
    while len(study.trials) < pruning["trial"] - 1:
        study.add_trial(optuna.trial.create_trial(state=states.FAIL))
    trial = study.ask()

    def stop(epoch: int, value: float) -> bool:
        trial.report(value, epoch)
        return trial.should_prune()

    return stop
