"""Optuna's samplers and pruners that a config may name, and the options that it may give them.

Only what plain YAML can say and what leaves `ask` a pure function of the earlier trials' files.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from scripts.study.errors import StudyError
from scripts.study.reading import join, show
from scripts.study.schema import as_number, unknown


class Option(NamedTuple):
    """One option: its type, its smallest and largest value, and its choices where it is text."""

    kind: Literal["int", "float", "bool", "text", "int or auto"]
    low: float = 0
    high: float = 1_000_000
    choices: tuple[str, ...] = ()

    def allowed(self) -> str:
        """Return the allowed values in words."""
        if self.kind == "bool":
            return "true or false"
        if self.kind == "text":
            return "one of " + ", ".join(self.choices)
        noun = "a number" if self.kind == "float" else "a whole number"
        other = ", or auto" if self.kind == "int or auto" else ""
        return f"{noun} from {self.low:g} to {self.high:g}{other}"

    def canonical(self, value: object) -> bool | int | float | str | None:
        """Return `value` in this option's type, or None where it is not one of its values."""
        if self.kind == "bool":
            return value if isinstance(value, bool) else None
        if isinstance(value, str) and (value in self.choices or self.kind == "text"):
            return value if value in self.choices else None
        value = as_number(value)
        if isinstance(value, str) and self.kind == "float":
            try:
                value = float(value)
            except ValueError:
                return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if not self.low <= value <= self.high:
            return None
        if self.kind == "float":
            return float(value)
        return int(value) if float(value).is_integer() else None


_AUTO = ("auto",)
_WAIT = {
    "n_startup_trials": Option("int"),
    "n_warmup_steps": Option("int"),
    "interval_steps": Option("int", 1),
}

SAMPLERS: dict[str, dict[str, Option]] = {
    "tpe": {
        "n_startup_trials": Option("int"),
        "n_ei_candidates": Option("int", 1, 100_000),
        "multivariate": Option("bool"),
        "group": Option("bool"),
    },
    "gp": {"n_startup_trials": Option("int"), "deterministic_objective": Option("bool")},
    "qmc": {
        "qmc_type": Option("text", choices=("sobol", "halton")),
        "scramble": Option("bool"),
    },
    "random": {},
}

PRUNERS: dict[str, dict[str, Option]] = {
    "none": {},
    "median": {**_WAIT, "n_min_trials": Option("int", 1)},
    "percentile": {
        "percentile": Option("float", 0, 100),
        **_WAIT,
        "n_min_trials": Option("int", 1),
    },
    "successive_halving": {
        "min_resource": Option("int or auto", 1, choices=_AUTO),
        "reduction_factor": Option("int", 2),
        "min_early_stopping_rate": Option("int"),
        "bootstrap_count": Option("int"),
    },
    "hyperband": {
        "min_resource": Option("int", 1),
        "max_resource": Option("int or auto", 1, choices=_AUTO),
        "reduction_factor": Option("int", 2),
        "bootstrap_count": Option("int"),
    },
    "threshold": {
        "lower": Option("float", -1e18, 1e18),
        "upper": Option("float", -1e18, 1e18),
        "n_warmup_steps": Option("int"),
        "interval_steps": Option("int", 1),
    },
}

_CODE = "it takes Python code, which a config cannot hold"
_OLD = "Optuna has deprecated it"
_REFUSED_SAMPLERS = {
    "cmaes": "CMA-ES keeps pickled state between trials, so a batch would not follow from files",
    "nsgaii": "it is for several objectives; a study has one",
    "nsgaiii": "it is for several objectives; a study has one",
    "grid": "the grid is a stage of its own: give hyperparameters a grid",
    "bruteforce": "the grid is a stage of its own: give hyperparameters a grid",
}
_REFUSED_PRUNERS = {
    "patient": "it wraps another pruner, which a config cannot say",
    "wilcoxon": "it compares scores of single problems, not of epochs",
}
_REFUSED_OPTIONS = {
    "seed": "the study's seed is used",
    "constant_liar": "it is always on, since the trials of a batch are asked for together",
    "independent_sampler": _CODE,
    "constraints_func": _CODE,
    "gamma": _CODE,
    "weights": _CODE,
    "consider_prior": _OLD,
    "prior_weight": _OLD,
    "consider_magic_clip": _OLD,
    "consider_endpoints": _OLD,
    "warn_independent_sampling": "it only concerns messages",
    "warn_asynchronous_seeding": "it only concerns messages",
}


def sampler(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sampler's name and options, canonical; raise `StudyError` naming the key."""
    return _resolve(block, "tpe", "sampler", SAMPLERS, _REFUSED_SAMPLERS)


def pruner(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pruner's name and options, canonical; raise `StudyError` naming the key."""
    return _resolve(block, "none", "pruner", PRUNERS, _REFUSED_PRUNERS)


def _resolve(
    block: Mapping[str, Any],
    default: str,
    noun: str,
    known: Mapping[str, Mapping[str, Option]],
    refused: Mapping[str, str],
) -> dict[str, Any]:
    path = f"optuna.{noun}"
    name = block.get("name", default)
    if name not in known:
        plain_name = name.lower().replace("-", "").replace("_", "").removesuffix(noun)
        if plain_name in refused:
            raise StudyError(
                f"{path}.name: {show(name)} cannot be used: {refused[plain_name]}; "
                f"take one of {', '.join(known)}"
            )
        raise StudyError(unknown(f"{path}.name", name, known, noun))
    options = {
        key: _option(f"{path}.options", key, value, known[name], f"option of {name}")
        for key, value in block.get("options", {}).items()
    }
    _check_together(f"{path}.options", name, options)
    return {"name": name, "options": options}


def _option(path: str, key: str, value: object, known: Mapping[str, Option], noun: str) -> Any:
    where = join(path, key)
    if key not in known:
        if key in _REFUSED_OPTIONS:
            raise StudyError(f"{where}: {show(value)} cannot be set: {_REFUSED_OPTIONS[key]}")
        if not known:
            raise StudyError(f"{where}: unknown {noun} {show(key)}; it has no options")
        raise StudyError(unknown(where, key, known, noun))
    canonical = known[key].canonical(value)
    if canonical is None:
        raise StudyError(f"{where}: {show(value)} is not {known[key].allowed()}")
    return canonical


def _check_together(path: str, name: str, options: Mapping[str, Any]) -> None:
    """Refuse combinations that Optuna would refuse only once the study is running."""
    if options.get("group") and options.get("multivariate") is False:
        raise StudyError(f"{path}.group: true does not go with multivariate: false")
    if name == "percentile" and "percentile" not in options:
        raise StudyError(f"{path}.percentile: missing; a number from 0 to 100")
    if name == "threshold" and not {"lower", "upper"} & options.keys():
        raise StudyError(f"{path}: give lower, upper or both to the threshold pruner")
    if options.get("lower", -1e18) > options.get("upper", 1e18):
        raise StudyError(f"{path}.lower: {options['lower']!r} is above upper")
    least, most = options.get("min_resource", 1), options.get("max_resource", "auto")
    if name == "hyperband" and most != "auto" and least > most:
        raise StudyError(f"{path}.min_resource: {least} is above max_resource, {most}")
    resource = {"successive_halving": "min_resource", "hyperband": "max_resource"}.get(name, "")
    if options.get("bootstrap_count") and options.get(resource, "auto") == "auto":
        raise StudyError(
            f"{path}.bootstrap_count: {options['bootstrap_count']} needs {resource} as a number"
        )
