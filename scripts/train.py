"""Train one configuration: run.json in, metrics.json, history.csv and predictions.csv out.

The one command that trains. The same run.json, data, weights and versions give the same bytes on
the same kind of machine.
"""

import argparse
import gc
import math
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

# Before torch starts its thread pools; the loop sets torch's own number from --threads.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

if __name__ == "__main__":
    # Importing is a fifth of a short training. Nothing that it makes is garbage, and transformers
    # and evaluate import SciPy where there is one, which no training uses.
    gc.disable()
    sys.modules["scipy"] = None  # type: ignore[assignment]

import torch
from transformers import PreTrainedModel

from scripts.study.code import fingerprint
from scripts.study.errors import StudyError, command
from scripts.study.files import file_sha256, read_json
from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.study.locks import hold_output
from scripts.study.names import CHECKPOINT
from scripts.study.options import positive
from scripts.training.checkpoint import Checkpoint
from scripts.training.gpus import be_deterministic, lacks_deterministic
from scripts.training.gpus import set_up as set_up_gpu
from scripts.training.loop import Result, predict, train
from scripts.training.metrics import METRICS, score
from scripts.training.model import PRECISIONS, build, device, precision
from scripts.training.pruning import should_stop
from scripts.training.record import metrics, versions, write_run
from scripts.training.tokens import UNLABELLED, Tokens, load_tokens
from scripts.training.vocabulary import WHOLE, embeddings, restore, shrink
from scripts.training.weights import locate, verify


def read_run(path: Path) -> dict[str, Any]:
    """Return a run.json; raise `StudyError` where it does not hold every hyperparameter."""
    run = read_json(path)
    if not isinstance(run, dict) or set(run) - {"pruning", "test"} != {"hyperparameters", "seed"}:
        raise StudyError(f"{path}: a run has the keys hyperparameters and seed; delete the file")
    values, seed = run["hyperparameters"], run["seed"]
    if not isinstance(values, dict) or HYPERPARAMETERS.keys() != values.keys():
        wrong = HYPERPARAMETERS.keys() ^ (values if isinstance(values, dict) else {})
        raise StudyError(f"{path}: hyperparameters: {', '.join(sorted(wrong))} missing or unknown")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise StudyError(f"{path}: seed: {seed!r} is not a whole number >= 0")
    try:
        canonical = {name: HYPERPARAMETERS[name].canonical(value) for name, value in values.items()}
    except StudyError as error:
        raise StudyError(f"{path}: hyperparameters: {error}") from None
    return {**run, "hyperparameters": canonical}


def main() -> None:
    gc.enable()  # all that stays was imported by now
    parser = argparse.ArgumentParser(prog="python -m scripts.train", description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="run.json of the run")
    parser.add_argument("--tokens", required=True, type=Path, help="data/tokens, one file a length")
    parser.add_argument("--model", required=True, type=Path, help="data/model.json")
    parser.add_argument("--info", required=True, type=Path, help="data/info.json")
    parser.add_argument("--metric", required=True, choices=[*METRICS, "loss"], help="the objective")
    parser.add_argument("--direction", default="maximize", choices=["maximize", "minimize"])
    parser.add_argument("--precision", default="auto", choices=["auto", *PRECISIONS])
    parser.add_argument("--eval-batch-size", type=positive, default=32)
    parser.add_argument("--threads", type=positive, default=1)
    parser.add_argument("--output", required=True, type=Path, help="folder of the run's results")
    parser.add_argument("--save-model", type=Path, help="folder to keep the trained model in")
    options = parser.parse_args()
    # A cluster asks a job to end before it kills it. The last checkpoint is whole at any time.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(stopped(options.output)))

    hold_output()
    set_up_gpu()
    torch.set_num_threads(options.threads)
    try:
        train_run(options)
    except RuntimeError as error:
        if not lacks_deterministic(error):
            raise
        refused = str(error).splitlines()[0][:300]
    else:
        return
    # Behind the except clause, which held the first attempt's model and all that it had computed.
    gc.collect()
    torch.cuda.empty_cache()
    print(
        f"{options.run.parent.name}: goes on without deterministic kernels, so that its last"
        f" digits may differ from run to run: {refused}",
        flush=True,
    )
    be_deterministic(strictly=False)
    train_run(options)


def train_run(options: argparse.Namespace) -> None:
    """Train the run that `options` name, and write all that it leaves."""
    run = read_run(options.run)
    model_facts, info = read_json(options.model), read_json(options.info)
    values = run["hyperparameters"]
    tokens = options.tokens / f"{values['max_seq_length']}.safetensors"
    splits, pad = load_tokens(tokens)
    folder = locate(model_facts)
    verify(model_facts, folder)
    model = build(folder, info["labels"], values, run["seed"])
    # Kept for a model that is saved, which knows every word of its vocabulary.
    whole = embeddings(model) if options.save_model else None
    ids = None
    if values["optim"] not in WHOLE:
        splits, ids = shrink(model, splits, pad)
    used = precision(options.precision, model.device, model.config.model_type)
    if used == "tf32":
        torch.set_float32_matmul_precision("high")
    facts = {
        "data": {"fingerprint": info["fingerprint"]},
        "model": {key: model_facts[key] for key in ("path", "revision", "sha256")},
        "precision": used,
        "device": device_name(device()),
        "threads": options.threads,
    }
    checkpoint = Checkpoint(
        options.output,
        {
            "run": run,
            "facts": facts,
            # Its tokenizer and config, and what they made of the texts.
            "files": model_facts.get("files"),
            "tokens": file_sha256(tokens),
            # Of another kind of processor the last digits would be of two.
            "processor": processor(),
            "objective": [options.metric, options.direction],
            "eval_batch_size": options.eval_batch_size,
            "versions": versions(),
            "code": fingerprint("train"),
        },
        checkpoint_seconds(),
        partial(print, flush=True),
    )
    result = train(
        model,
        splits,
        pad,
        values,
        seed=run["seed"],
        precision=used,
        eval_batch_size=options.eval_batch_size,
        objective=options.metric,
        should_stop=should_stop(run.get("pruning")),
        progress=partial(print, flush=True),
        checkpoint=checkpoint,
    )
    if run.get("test"):
        evaluate(result, model, splits.get("test"), pad, options.eval_batch_size, used)
    if options.save_model:
        if whole is not None and ids is not None:
            restore(model, whole, ids, values, [row["learning_rate"] for row in result.history])
        model.save_pretrained(options.save_model)
    record = metrics(
        result,
        run,
        {"metric": options.metric, "direction": options.direction},
        facts,
    )
    write_run(
        options.output,
        result,
        record,
        splits["validation"].labels.tolist(),
        len(info["labels"]),
        splits["test"].labels.tolist() if result.test else [],
    )
    checkpoint.remove()
    value = record["objective"]["value"]
    print(
        f"{options.run.parent.name}: {result.status}, {options.metric} "
        + ("-" if value is None else f"{value:.4f}")
    )


def checkpoint_seconds() -> float:
    """Return how much training an interruption may cost, beside the epoch that it falls into.

    It changes no result, and so it is the machine's affair and no part of the study.
    """
    text = os.environ.get("SNAKETUNE_CHECKPOINT_SECONDS", "60")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < math.inf:
        raise StudyError(
            f"SNAKETUNE_CHECKPOINT_SECONDS: {text!r} is not a number of seconds >= 0; 0 keeps the"
            " state after every epoch"
        )
    return seconds


def stopped(folder: Path) -> int:
    """Say that the training was asked to end; return the exit code that tells of it."""
    kept = (folder / CHECKPOINT).exists()
    then = "goes on from the checkpoint" if kept else "starts anew: there was no checkpoint yet"
    # Not by print, which may be what the signal interrupted, and cannot be entered twice.
    os.write(1, f"{folder.name}: stopped by SIGTERM; the same command {then}\n".encode())
    return 128 + signal.SIGTERM


def evaluate(
    result: Result,
    model: PreTrainedModel,
    tokens: Tokens | None,
    pad: int,
    batch_size: int,
    precision: str,
) -> None:
    """Add the held-out test split's metrics to `result`, once, after a training that is complete.

    Without a test split, or with one that has no labels, there are none.
    """
    if result.status != "complete":
        return
    if tokens is None or (tokens.labels == UNLABELLED).all():
        why = "there is no test split" if tokens is None else "the test split has no labels"
        print(f"no test metrics: {why}")
        return
    probabilities, loss = predict(model, tokens, pad, batch_size, precision)
    if not math.isfinite(loss):
        result.status = "diverged"
        return
    predicted = probabilities.argmax(axis=1).tolist()
    result.test = {"loss": loss, **score(predicted, tokens.labels.tolist(), model.num_labels)}
    result.test_probabilities = probabilities


def processor() -> dict[str, Any]:
    """Return the kind of processor: its name, what it can compute with and its caches."""
    found = torch.cpu.get_capabilities()
    return {key: value for key, value in found.items() if not key.startswith("num_")}


def device_name(where: torch.device) -> str:
    """Return the kind of device in words that do not differ between two machines of one kind."""
    return torch.cuda.get_device_name(where) if where.type == "cuda" else "cpu"


if __name__ == "__main__":
    command(main)
