"""How much of what the runs scored each hyperparameter accounts for, and how sure that is.

Two of Optuna's evaluators look at all completed runs of the search. fANOVA (Hutter, Hoos and
Leyton-Brown, ICML 2014) asks of a random forest what share of the spread of all scores a
hyperparameter explains by itself; given is its part of what all explain so, interactions aside.
PED-ANOVA (Watanabe, Bansal and Hutter, IJCAI 2023) asks how far the best runs' values differ from
those of all runs: what matters for being good. Both depend on where runs were made: a
hyperparameter that was hardly varied cannot look important.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.importance import (
    FanovaImportanceEvaluator,
    PedAnovaImportanceEvaluator,
    get_param_importances,
)
from optuna.importance._base import BaseImportanceEvaluator
from optuna.trial import FrozenTrial, create_trial

from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.study.plan import Study

COLUMNS = (
    "hyperparameter", "runs", "completed", "fanova", "fanova_low", "fanova_high", "ped_anova",
    "ped_anova_low", "ped_anova_high", "resamples", "confidence",
)  # fmt: skip
# Of fewer runs nothing is said.
LEAST_RUNS = 10
# Of more runs so many are drawn: the time of a forest grows with their square.
MOST_RUNS = 200
# Each resample of the runs has a forest of its own, with a seed of its own.
RESAMPLES = 25
TREES = 16
# Share of the runs that PED-ANOVA takes for the best: of the 0.1 that Optuna takes there would be
# three or four runs in a study of this size.
BEST = 0.25
CONFIDENCE = 0.9
_DIGITS = 6


def rows(study: Study, frame: pd.DataFrame, resamples: int = RESAMPLES) -> list[dict[str, Any]]:
    """Return the rows of summary/importances.csv (`COLUMNS`), the most important by fANOVA first.

    Importances are shares of 1. Their intervals are the middle `CONFIDENCE` of what they come to in
    so many resamples of the runs, widened to the value of all runs where need be. No rows where
    fewer than `LEAST_RUNS` completed, where no hyperparameter varies among them, or where all score
    the same. Of more than `MOST_RUNS` so many are drawn at random.

    Args:
        study: the resolved study.
        frame: its runs of the search (`collect`). The order of rows does not matter.
        resamples: how many, at least 1; each takes about a tenth of a second.
    """
    rng = np.random.default_rng(int(study["seed"]))
    done = frame[frame["status"] == "complete"].sort_values("run", kind="stable")
    completed = len(done)
    if completed > MOST_RUNS:
        done = done.iloc[np.sort(rng.choice(completed, MOST_RUNS, replace=False))]
    names = [name for name in HYPERPARAMETERS if done[name].nunique() > 1]
    if len(done) < LEAST_RUNS or not names or done["objective"].nunique() < 2:
        return []
    space = {name: _distribution(study, name, done[name]) for name in names}
    trials = _trials(done, space)
    direction, seed = study["objective"]["direction"], int(study["seed"])
    drawn = [rng.integers(0, len(trials), len(trials)).tolist() for _ in range(resamples)]
    point = _both(trials, names, direction, seed)
    resampled = [
        _both([trials[at] for at in chosen], names, direction, seed + number)
        for number, chosen in enumerate(drawn, start=1)
    ]
    found = []
    for name in names:
        row: dict[str, Any] = {
            "hyperparameter": name, "runs": len(done), "completed": completed,
            "resamples": resamples, "confidence": CONFIDENCE,
        }  # fmt: skip
        for way in point:
            values = [one[way][name] for one in resampled if one[way] is not None]  # type: ignore[index]
            value = None if point[way] is None else point[way][name]  # type: ignore[index]
            row |= dict(zip((way, f"{way}_low", f"{way}_high"), _interval(value, values),
                            strict=True))  # fmt: skip
        found.append(row)
    return sorted(found, key=lambda row: (-(row["fanova"] or 0), row["hyperparameter"]))


def _interval(
    value: float | None, resampled: Sequence[float]
) -> tuple[float | None, float | None, float | None]:
    if value is None or not resampled:
        return None, None, None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail]).tolist()
    # A resample often lacks a hyperparameter's few runs: the value of all runs counts as well.
    ends = min(low, value), max(high, value)
    return round(value, _DIGITS), round(ends[0], _DIGITS), round(ends[1], _DIGITS)


def _distribution(study: Study, name: str, values: pd.Series) -> BaseDistribution:
    """Return where a hyperparameter's runs lie: its range, logarithmic where it is searched so."""
    if HYPERPARAMETERS[name].kind == "categorical":
        return CategoricalDistribution(sorted(set(values.tolist())))
    low, high = float(values.min()), float(values.max())
    log = bool(study["hyperparameters"][name].get("search", {}).get("log", False)) and low > 0
    return FloatDistribution(low, high, log=log)


def _trials(done: pd.DataFrame, space: Mapping[str, BaseDistribution]) -> list[FrozenTrial]:
    return [
        create_trial(
            value=float(row["objective"]),
            params={
                name: row[name] if isinstance(kind, CategoricalDistribution) else float(row[name])
                for name, kind in space.items()
            },
            distributions=dict(space),
        )
        for row in done.to_dict(orient="records")
    ]


def _both(
    trials: Sequence[FrozenTrial], names: Sequence[str], direction: str, seed: int
) -> dict[str, dict[str, float] | None]:
    """Return each evaluator's importances; None where it cannot tell."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction=direction)  # type: ignore[arg-type]
    study.add_trials(trials)
    ways: dict[str, BaseImportanceEvaluator] = {
        "fanova": FanovaImportanceEvaluator(n_trees=TREES, seed=seed),
        "ped_anova": PedAnovaImportanceEvaluator(target_quantile=BEST),
    }
    return {way: _importances(study, evaluator, names) for way, evaluator in ways.items()}


def _importances(
    study: optuna.Study, evaluator: BaseImportanceEvaluator, names: Sequence[str]
) -> dict[str, float] | None:
    # Of equal scores there is no spread to share out.
    if len({trial.value for trial in study.trials}) < 2:
        return None
    with warnings.catch_warnings():
        # Experimental, or: the best runs are all runs. Then there is nothing to share out.
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            found = get_param_importances(
                study, evaluator=evaluator, params=list(names), normalize=False
            )
        except RuntimeError:  # every tree of the forest saw equal scores
            return None
    total = float(sum(found.values()))
    return {name: float(found[name]) / total for name in names} if total > 0 else None
