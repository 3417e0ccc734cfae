"""The confirmation's runs, read: scores of the baseline and of each finalist on the fresh seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scripts.analysis import collect, examples
from scripts.analysis.inference import Floats
from scripts.analysis.runfiles import METRICS
from scripts.study import plan
from scripts.study.documents import read_finalists
from scripts.study.plan import Study

# Columns of confirm/results.csv: a row a run. `configuration` is `baseline` or a finalist's number.
COLUMNS = ("configuration", "run", "seed", "status", "objective", *METRICS, *collect.TEST_COLUMNS)


@dataclass(frozen=True)
class Confirmed:
    """What the confirmation of a study came to.

    Attributes:
        finalists: the entries of confirm/finalists.json, the best of the search first.
        scores: the objective by configuration (the baseline, then the finalists) and fresh seed, of
            shape (1 + finalists, seeds); NaN where a run did not complete.
        test: the same on the test split; NaN everywhere where there is none with labels.
        before: the baseline's objective on the seeds of the search, those that completed.
        sizes: labelled examples of `validation` and `test`; 0 where there are none.
        folder: the study's folder, and `names`: the runs, in the shape of `scores`.
        frame: the confirmation's runs (`collect`).
    """

    finalists: Sequence[Mapping[str, Any]]
    scores: Floats
    test: Floats
    before: Sequence[float]
    sizes: Mapping[str, int]
    folder: Path = Path()
    names: Sequence[Sequence[str]] = ()
    frame: pd.DataFrame | None = None

    @cached_property
    def seeds(self) -> int:
        """Return how many fresh seeds there are."""
        return int(self.scores.shape[1])

    def predicted(self, configuration: int, split: str, seeds: Sequence[int]) -> examples.Predicted:
        """Return a configuration's predictions (0 is the baseline) on the seeds of that number."""
        names = [self.names[configuration][seed] for seed in seeds]
        paths = [self.folder / "runs" / name / "predictions.csv" for name in names]
        return examples.read(paths, split, self.sizes[split])


def read(study: Study, folder: Path) -> Confirmed:
    """Return the confirmation of the study in `folder`. Raises `StudyError` for a wrong file."""
    finalists = read_finalists(folder)
    frame = collect.collect(study, folder, ("confirm",), chosen=[])
    seeds = len(plan.fresh_seeds(study))
    shape = (len(finalists) + 1, seeds) if finalists else (1, 0)
    names = np.array(frame["run"].tolist(), dtype=object).reshape(shape)
    done = (frame["status"] == "complete").to_numpy()
    metric = study["objective"]["metric"]

    def table(column: str) -> Floats:
        return np.where(done, frame[column].to_numpy(dtype=float), np.nan).reshape(shape)

    info = collect.read_info(folder)
    before = collect.collect(study, folder, ("baseline",), chosen=[])
    return Confirmed(
        finalists=finalists,
        scores=table("objective"),
        test=table(f"test_{metric}"),
        before=before.loc[before["status"] == "complete", "objective"].tolist(),
        sizes={
            "validation": info["splits"]["validation"]["examples"],
            "test": collect.test_examples(info),
        },
        folder=folder,
        names=names.tolist(),
        frame=frame,
    )


def result_rows(confirmed: Confirmed) -> list[dict[str, object]]:
    """Return the rows of confirm/results.csv (`COLUMNS`), configuration by configuration."""
    assert confirmed.frame is not None
    configuration = {
        name: "baseline" if number == 0 else number
        for number, names in enumerate(confirmed.names)
        for name in names
    }
    return [
        {"configuration": configuration[str(row["run"])]} | {str(key): row[key] for key in row}
        for row in confirmed.frame.to_dict(orient="records")
    ]
