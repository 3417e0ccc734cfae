"""Who is confirmed: the best configurations of the whole study, each once, without the baseline."""

from typing import Any

import pandas as pd

from scripts.analysis.comparison import rank_runs, values_of
from scripts.study import plan
from scripts.study.names import departures
from scripts.study.plan import Study


def finalists(study: Study, frame: pd.DataFrame) -> dict[str, Any]:
    """Return what confirm/finalists.json holds: the best `confirm.configurations`, best first.

    Of runs with the same hyperparameters the best-placed one stands for all. Only completed runs on
    the study's seed compete, as for best.json; fewer finalists than asked for are no mistake.

    Args:
        study: the resolved study.
        frame: all its runs but those on fresh seeds (`collect`).
    """
    baseline = plan.baseline_values(study)
    asked = study["confirm"]["configurations"]
    ranked = rank_runs(study, frame)
    found: dict[str, dict[str, Any]] = {}
    for (_, row), values in zip(ranked.iterrows(), values_of(ranked), strict=True):
        changed = departures(values, baseline)
        if changed and repr(changed) not in found:
            found[repr(changed)] = {
                "run": row["run"],
                "stage": row["stage"],
                "trial": None if pd.isna(row["trial"]) else int(row["trial"]),
                "objective": float(row["objective"]),
                "changed": changed,
                "hyperparameters": values,
            }
    chosen = list(found.values())[:asked]
    return {
        "asked": asked,
        "configurations": len(found),
        "finalists": [{"finalist": rank, **entry} for rank, entry in enumerate(chosen, start=1)],
        "rule": (
            f"the {len(chosen)} best by {study['objective']['metric']} of the {len(found)}"
            " configurations, the baseline not among them, that completed on the study's seed;"
            " ties as in best.json"
        ),
    }
