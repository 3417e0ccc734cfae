"""Stands in for scripts/train.py: the real training, which waits before its third epoch.

It waits while `orders/hold-<run>` is there; `orders/waiting-<run>` says that it does. A training
that goes on from a checkpoint comes to no third epoch of its own, and does not wait.
"""

import sys
import time
from pathlib import Path
from typing import Any

from scripts import real_train
from scripts.study.errors import command
from scripts.training import loop

ORDERS = Path("orders")
run = Path(sys.argv[sys.argv.index("--output") + 1]).name
epochs = 0
shuffled = loop.shuffled


def paused(*arguments: Any) -> Any:
    """Return an epoch's batches, when it may begin."""
    global epochs
    epochs += 1
    if epochs == 3:
        (ORDERS / f"waiting-{run}").touch()
        while (ORDERS / f"hold-{run}").exists():
            time.sleep(0.1)
    return shuffled(*arguments)


loop.shuffled = paused
command(real_train.main)
