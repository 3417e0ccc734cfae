"""A study as TensorBoard's event files: a folder a run, with its hyperparameters.

A folder is written aside and renamed, so it is there whole or not at all, and its file's name ends
in the digest of what it holds: that is how a later sending knows what is there.
"""

import shutil
import tempfile
from pathlib import Path

from scripts.views.results import Results
from scripts.views.trackers import content
from scripts.views.trackers.extras import require

SENDING = ".sending-"


def send(results: Results) -> str:
    """Write what the study's folder `tensorboard` lacks; return what to tell the user."""
    require("tensorboard")
    home = results.folder / "tensorboard"
    home.mkdir(exist_ok=True)
    for left in home.glob(f"{SENDING}*"):
        shutil.rmtree(left)
    new, total = 0, len(results.every_run)
    for run in content.runs(results):
        folder = home / run.name
        if not any(folder.glob(f"*.{run.digest}")):
            new += 1
            with tempfile.TemporaryDirectory(prefix=SENDING, dir=home) as scratch:
                written = Path(scratch) / run.name
                _write(written, run)
                shutil.rmtree(folder, ignore_errors=True)
                written.rename(folder)
    words = f"tensorboard: {new} of {total} runs written, the rest was there"
    return f"{words} (tensorboard --logdir {home})"


def _write(folder: Path, run: content.Run) -> None:
    from torch.utils.tensorboard import SummaryWriter
    from torch.utils.tensorboard.summary import hparams

    writer = SummaryWriter(log_dir=str(folder), filename_suffix=f".{run.digest}")
    values = {key: run.last[key] for key in ("objective",) if key in run.last}
    for summary in hparams({**run.params, "seed": run.seed, "stage": run.tags["stage"]}, values):
        writer.file_writer.add_summary(summary, walltime=run.started)
    for name, points in run.metrics.items():
        for point in points:
            writer.add_scalar(name, point.value, point.step, walltime=run.started + point.after)
    writer.close()
