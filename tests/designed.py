"""Studies whose screening is a design."""

from collections.abc import Mapping
from typing import Any

from scripts.study import designs
from tests.analysis_runs import make_study

BLOCKS: dict[str, dict[str, Any]] = {
    "learning_rate": {
        "screen": [1e-5, 4e-4],
        "search": {"low": 1e-5, "high": 1e-4, "log": True},
    },
    "weight_decay": {"screen": [0.1]},
    "train_batch_size": {"screen": [16, 64]},
    "warmup_steps": {"search": {"low": 0, "high": 500, "step": 50}},
    "dropout": {"search": {"low": 0.0, "high": 0.3, "step": 0.05}},
    "lr_scheduler_type": {"screen": ["cosine", "constant_with_warmup"]},
}


def designed(name: str, runs: int | None = None, seed: int | None = None,
             blocks: Mapping[str, Any] = BLOCKS, **changes: Any) -> dict[str, Any]:  # fmt: skip
    """Return a study whose screening is such a design."""
    study = make_study(blocks, **changes)
    given: dict[str, Any] = {"name": name}
    given |= {} if runs is None else {"runs": runs}
    given |= {} if seed is None else {"seed": seed}
    study["screen"] = {"configurations": [], "design": designs.resolve(given, study)}
    designs.check(study)
    return study
