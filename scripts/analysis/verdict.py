"""What verdict.json holds: is any finalist better than the baseline, by how much, and how sure.

Everything follows written rules (`RULES`) from the scores on fresh seeds. A gain is turned so that
more is better, also where the objective is minimised.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scripts.analysis import examples, words
from scripts.analysis.confirmation import Confirmed
from scripts.analysis.inference import (
    ALPHA,
    POWER,
    Difference,
    Floats,
    detectable,
    holm,
    pooled_sd,
    welch,
)
from scripts.analysis.noise import spread
from scripts.study.plan import Study, fresh_seeds

RULES = (
    "a finalist is better than the baseline if it completed on every fresh seed and Welch's"
    f" one-sided t test on the fresh seeds, corrected by Holm for all finalists, has p <= {ALPHA};"
    " one that did not complete counts with p = 1 in that correction, and where its own p is at"
    " most that rate divided by the number of finalists and the baseline did not complete either,"
    " it is withheld: neither better nor equivalent",
    "the winner is, of the finalists whose p before correction is at most that rate divided by the"
    " number of finalists, the one with the largest mean on the fresh seeds",
    "a finalist is worse if the test in the other direction, corrected alike, says so, or if it"
    " diverged on a fresh seed and the baseline did not; it is equivalent if it is neither worse"
    " than the winner (the baseline, where there is no winner) nor the winner itself",
    f"interval errs with probability {ALPHA} on either side, interval_all with that rate divided by"
    " the number of finalists, so that it holds for all of them together",
    "the gain that a search promises is the finalist's score in the search minus the baseline's"
    " mean over the seeds of the search; survives is the gain on fresh seeds as a share of it",
    f"detectable is the difference that the test for one finalist finds with probability {POWER}",
)
# Digits beyond these differ between builds of numerical libraries; the file must not.
_DIGITS = 12


def verdict(study: Study, confirmed: Confirmed) -> dict[str, Any]:
    """Return what verdict.json holds. Degenerate input gives nulls and a verdict that says why."""
    sign = 1.0 if study["objective"]["direction"] == "maximize" else -1.0
    scores = [row[~np.isnan(row)] for row in sign * confirmed.scores]
    compared = _against(scores[0], scores[1:], confirmed.seeds)
    finalists = [
        _finalist(confirmed, number, sign, compared[number - 1], study)
        for number in range(1, len(scores))
    ]
    for split in ("validation", "test"):
        _correct([one["examples"][split] for one in finalists])
    winner = _winner(finalists)
    standard = scores[0] if winner is None else scores[winner]
    equivalent = _equivalent(scores, standard, finalists, winner)
    sd = pooled_sd(scores)
    document: dict[str, Any] = {
        "outcome": _outcome(scores, finalists, winner),
        "objective": dict(study["objective"]),
        "alpha": ALPHA,
        "confidence": 1 - 2 * ALPHA,
        "seeds": list(fresh_seeds(study)),
        "baseline": {
            "before": _mean(list(confirmed.before)),
            **_scores(confirmed.scores[0]),
            "test": _scores(confirmed.test[0]) if confirmed.sizes["test"] else None,
        },
        "finalists": finalists,
        "winner": winner,
        "equivalent": equivalent,
        "optimism": finalists[0]["optimism"] if finalists else None,
        "survives": None if winner is None else finalists[winner - 1]["survives"],
        "detectable": {
            "gain": _round(detectable(sd, confirmed.seeds, ALPHA / max(1, len(finalists)))),
            "sd": _round(sd),
            "power": POWER,
            "alpha": ALPHA / max(1, len(finalists)),
        },
        "no_test": words.no_test(study, confirmed.sizes["test"]),
        "rules": list(RULES),
    }
    document["verdict"] = words.sentence(document)
    return document


def _against(
    baseline: Floats, finalists: Sequence[Floats], seeds: int
) -> list[dict[str, float | bool | list[float] | None]]:
    """Return the comparison of each finalist with the baseline, corrected for all of them."""
    found: list[Difference | None] = [
        welch(one, baseline) if min(len(one), len(baseline)) > 1 else None for one in finalists
    ]
    # Else the smallest p might be of one that cannot win, and the step after it name a better one.
    above = [
        1.0 if one is None or len(scores) < seeds else float(one.p)
        for one, scores in zip(found, finalists, strict=True)
    ]
    below = [
        1.0 if one is None else float(welch(baseline, finalist).p)
        for one, finalist in zip(found, finalists, strict=True)
    ]
    compared: list[dict[str, float | bool | list[float] | None]] = []
    for one, scores, p, q in zip(found, finalists, holm(above), holm(below), strict=True):
        whole = len(scores) == seeds
        fell = len(scores) < len(baseline) == seeds
        gain = float(scores.mean() - baseline.mean()) if len(scores) and len(baseline) else None
        interval = _interval(one, ALPHA)
        compared.append(
            {
                "gain": _round(gain),
                "interval": interval,
                "interval_all": _interval(one, ALPHA / len(finalists)),
                "equivalent_within": None if interval is None else max(map(abs, interval)),
                "p": None if one is None else _round(float(one.p)),
                "p_holm": None if one is None else _round(p),
                "p_worse_holm": None if one is None else _round(q),
                "better": one is not None and whole and p <= ALPHA,
                "withheld": (
                    one is not None and not (whole or fell) and _alone(float(one.p), finalists)
                ),
                "worse": fell or (one is not None and q <= ALPHA),
            }
        )
    return compared


def _finalist(
    confirmed: Confirmed, number: int, sign: float, compared: Mapping[str, Any], study: Study
) -> dict[str, Any]:
    """Return the entry of finalist `number`, counted from 1."""
    entry = confirmed.finalists[number - 1]
    raw = _scores(confirmed.scores[number])
    before = _mean(list(confirmed.before))
    promised = None if before is None else sign * (entry["objective"] - before)
    optimism = None if raw["mean"] is None else sign * (entry["objective"] - raw["mean"])
    gain = compared["gain"]
    kept = ("finalist", "run", "stage", "trial", "changed", "hyperparameters")
    return {
        **{key: entry[key] for key in kept},
        "before": entry["objective"],
        **raw,
        **compared,
        "optimism": _round(optimism),
        "promised": _round(promised),
        "survives": _round(gain / promised) if gain is not None and (promised or 0) > 0 else None,
        "test": _on_test(confirmed, number, sign),
        "examples": {
            split: _on_examples(confirmed, number, split, sign, study)
            for split in ("validation", "test")
        },
    }


def _on_test(confirmed: Confirmed, number: int, sign: float) -> dict[str, Any] | None:
    """Return scores of the held-out test split beside the baseline's; None without labels."""
    if not confirmed.sizes["test"]:
        return None
    one, other = (sign * row[~np.isnan(row)] for row in confirmed.test[[number, 0]])
    found = welch(one, other) if min(len(one), len(other)) > 1 else None
    return {
        **_scores(confirmed.test[number]),
        "gain": _round(float(one.mean() - other.mean())) if len(one) and len(other) else None,
        "interval": _interval(found, ALPHA),
        "p": None if found is None else _round(float(found.p)),
    }


def _on_examples(
    confirmed: Confirmed, number: int, split: str, sign: float, study: Study
) -> dict[str, Any] | None:
    """Return bootstrap and McNemar of a finalist against the baseline; None without examples.

    Both are paired: only seeds on which both completed count.
    """
    both = ~np.isnan(confirmed.scores[[0, number]]).any(axis=0)
    if not (confirmed.names and confirmed.sizes[split] and both.any()):
        return None
    seeds = np.flatnonzero(both).tolist()
    base, own = (confirmed.predicted(which, split, seeds) for which in (0, number))
    metric = study["objective"]["metric"]
    drawn = sign * examples.paired_bootstrap(
        metric, base.labels, own.probabilities, base.probabilities, study["seed"]
    )
    low, high = np.quantile(drawn, [ALPHA, 1 - ALPHA]).tolist()
    return {
        "bootstrap": {"interval": [_round(low), _round(high)], "above": float((drawn > 0).mean())},
        "mcnemar": examples.mcnemar_exact(base.labels, own.probabilities, base.probabilities),
    }


def _correct(found: Sequence[dict[str, Any] | None]) -> None:
    """Add Holm's correction for all finalists to their McNemar tests."""
    tests = [one["mcnemar"] for one in found if one is not None]
    for test, p in zip(tests, holm([test["p"] for test in tests]), strict=True):
        test["p_holm"] = p


def _winner(finalists: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the number of the winner by the rules, None without one."""
    able = [one for one in finalists if one["better"] and _alone(one["p"], finalists)]
    best = max(able, key=lambda one: (one["gain"], -one["finalist"]), default=None)
    return None if best is None else int(best["finalist"])


def _alone(p: float, finalists: Sequence[Any]) -> bool:
    """Return whether a p is small enough for all finalists, whatever those of the others are."""
    return p <= ALPHA / len(finalists) + 1e-15


def _equivalent(
    scores: Sequence[Floats],
    standard: Floats,
    finalists: Sequence[Mapping[str, Any]],
    winner: int | None,
) -> list[int]:
    """Return the finalists that cannot be told from the winner, without one from the baseline."""
    others = [
        one
        for one in finalists
        if one["finalist"] != winner and min(len(scores[one["finalist"]]), len(standard)) > 1
    ]
    if winner is None:
        return [one["finalist"] for one in others if not (one["worse"] or one["withheld"])]
    p = holm([float(welch(standard, scores[one["finalist"]]).p) for one in others])
    return [
        one["finalist"]
        for one, value in zip(others, p, strict=True)
        if value > ALPHA and not one["worse"]
    ]


def _outcome(
    scores: Sequence[Floats], finalists: Sequence[Mapping[str, Any]], winner: int | None
) -> str:
    if winner is not None:
        return "better"
    able = len(scores[0]) > 1 and any(len(row) > 1 for row in scores[1:])
    withheld = any(one["withheld"] for one in finalists)
    return "indistinguishable" if able and not withheld else "undecided"


def _scores(row: Floats) -> dict[str, Any]:
    """Return a configuration's scores by fresh seed, their mean and spread."""
    found = spread(row[~np.isnan(row)].tolist())
    values = [None if np.isnan(value) else float(value) for value in row]
    return {"values": values, "completed": found.count, "mean": found.mean, "sd": found.sd}


def _mean(values: list[float]) -> float | None:
    return spread(values).mean


def _interval(found: Difference | None, alpha: float) -> list[float] | None:
    """Return the ends of an interval; None where nothing varies, so that it would have no width."""
    if found is None or not float(found.error):
        return None
    return [round(float(end), _DIGITS) for end in found.interval(alpha)]


def _round(value: float | None) -> float | None:
    return None if value is None else round(float(value), _DIGITS)
