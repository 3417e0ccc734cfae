"""Samplers and pruners: what a config may say is what Optuna takes."""

import inspect
from typing import Any

import optuna
import pytest

from scripts.study import optuna_options
from scripts.study.config import resolve
from scripts.study.files import json_text
from tests.configs import changed

SAMPLERS = {"tpe": "TPESampler", "gp": "GPSampler", "qmc": "QMCSampler", "random": "RandomSampler"}
PRUNERS = {
    "none": "NopPruner",
    "median": "MedianPruner",
    "percentile": "PercentilePruner",
    "successive_halving": "SuccessiveHalvingPruner",
    "hyperband": "HyperbandPruner",
    "threshold": "ThresholdPruner",
}


def test_options_are_those_of_optuna() -> None:
    for known, classes, module in (
        (optuna_options.SAMPLERS, SAMPLERS, optuna.samplers),
        (optuna_options.PRUNERS, PRUNERS, optuna.pruners),
    ):
        assert known.keys() == classes.keys()
        for name, options in known.items():
            parameters = inspect.signature(getattr(module, classes[name]).__init__).parameters
            assert options.keys() <= parameters.keys()
            refused = parameters.keys() - options.keys() - {"self", "args", "kwargs"}
            assert refused <= optuna_options._REFUSED_OPTIONS.keys()


@pytest.mark.parametrize(
    ("noun", "name", "options"),
    [
        ("sampler", "tpe", {"n_startup_trials": 0, "multivariate": True, "group": True}),
        ("sampler", "tpe", {"n_ei_candidates": 24}),
        ("sampler", "gp", {"n_startup_trials": 4, "deterministic_objective": False}),
        ("sampler", "qmc", {"qmc_type": "halton", "scramble": True}),
        ("sampler", "random", {}),
        ("pruner", "none", {}),
        ("pruner", "median", {"n_startup_trials": 4, "n_warmup_steps": 1, "n_min_trials": 2}),
        ("pruner", "percentile", {"percentile": 25.0, "interval_steps": 1}),
        ("pruner", "successive_halving", {"min_resource": "auto", "reduction_factor": 2}),
        ("pruner", "successive_halving", {"min_resource": 1, "bootstrap_count": 2}),
        ("pruner", "hyperband", {"max_resource": 3, "min_resource": 1, "bootstrap_count": 1}),
        ("pruner", "threshold", {"lower": 0.5}),
    ],
)
def test_optuna_takes_what_a_config_may_say(noun: str, name: str, options: dict[str, Any]) -> None:
    study = resolve(changed("optuna", {noun: {"name": name, "options": options}}))
    assert study["optuna"][noun] == {"name": name, "options": options}
    classes, module = (
        (SAMPLERS, optuna.samplers) if noun == "sampler" else (PRUNERS, optuna.pruners)
    )
    getattr(module, classes[name])(**options)


def test_options_are_canonical() -> None:
    options = {"percentile": "2.5e1", "n_startup_trials": 4.0}
    study = resolve(changed("optuna.pruner", {"name": "percentile", "options": options}))
    found = study["optuna"]["pruner"]["options"]
    assert json_text(found) == json_text({"percentile": 25.0, "n_startup_trials": 4})
