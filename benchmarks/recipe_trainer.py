"""(b) transformers' Trainer with its defaults: padded to the longest of each batch."""

import json
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from sklearn.metrics import accuracy_score, f1_score
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    Trainer,
    TrainingArguments,
)

from benchmarks.settings import MAX_SEQ_LENGTH, from_command_line


def scores(prediction: Any) -> dict[str, float]:
    """Return accuracy and F1 of the Trainer's predictions."""
    predicted, labels = np.argmax(prediction.predictions, axis=1), prediction.label_ids
    return {"accuracy": accuracy_score(labels, predicted), "f1": f1_score(labels, predicted)}


def main() -> None:
    """Train once and write the metrics after the last epoch."""
    settings = from_command_line(__doc__)
    torch.set_num_threads(settings.threads)
    tokenizer = AutoTokenizer.from_pretrained(settings.model)
    files = {"train": settings.train, "validation": settings.validation}
    data = datasets.load_dataset("json", data_files=files)
    sizes = {"train": settings.examples, "validation": settings.validated}
    splits = {
        split: data[split]
        .select(range(min(size, len(data[split]))))
        .map(
            lambda batch: tokenizer(
                batch["sentence1"],
                batch["sentence2"],
                truncation=True,
                max_length=MAX_SEQ_LENGTH,
            ),
            batched=True,
        )
        for split, size in sizes.items()
    }
    trainer = Trainer(
        model=AutoModelForSequenceClassification.from_pretrained(settings.model, num_labels=2),
        args=TrainingArguments(
            output_dir=str(Path(settings.output).parent / "trainer"),
            num_train_epochs=settings.epochs,
            per_device_train_batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            seed=settings.seed,
            warmup_steps=0.1,
            eval_strategy="epoch",
            save_strategy="no",
            report_to=[],
        ),
        train_dataset=splits["train"],
        eval_dataset=splits["validation"],
        processing_class=tokenizer,
        compute_metrics=scores,
    )
    trainer.train()
    last = next(entry for entry in reversed(trainer.state.log_history) if "eval_f1" in entry)
    found = {name: float(last[f"eval_{name}"]) for name in ("accuracy", "f1")}
    Path(settings.output).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
