"""(a) The reports' recipe, written as plainly as they did it: Lightning, padded to 128, fp32.

After Lightning's own tutorial "Finetune Transformers Models with PyTorch Lightning": every pair is
padded to max_seq_length, batches are shuffled, AdamW with a linear schedule, one training a process
on all cores.
"""

import json
from pathlib import Path
from typing import Any

import datasets
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader
from torchmetrics.classification import BinaryAccuracy, BinaryF1Score
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    get_linear_schedule_with_warmup,
)

from benchmarks.settings import MAX_SEQ_LENGTH, Settings, from_command_line

WARMUP_RATIO = 0.1


class MRPCData(pl.LightningDataModule):
    """The pairs, tokenised and padded to one length."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.tokenizer = AutoTokenizer.from_pretrained(settings.model)

    def setup(self, stage: str) -> None:
        """Load and tokenise both splits."""
        files = {"train": self.settings.train, "validation": self.settings.validation}
        data = datasets.load_dataset("json", data_files=files)
        sizes = {"train": self.settings.examples, "validation": self.settings.validated}
        self.splits = {}
        for split, size in sizes.items():
            part = data[split].select(range(min(size, len(data[split]))))
            part = part.map(self.convert_to_features, batched=True)
            part.set_format("torch", ["input_ids", "token_type_ids", "attention_mask", "label"])
            self.splits[split] = part

    def convert_to_features(self, batch: dict[str, list[str]]) -> Any:
        """Tokenise pairs; every one is padded to `MAX_SEQ_LENGTH`."""
        return self.tokenizer(
            batch["sentence1"],
            batch["sentence2"],
            max_length=MAX_SEQ_LENGTH,
            padding="max_length",
            truncation=True,
        )

    def train_dataloader(self) -> Any:
        """Return the training batches, shuffled."""
        return DataLoader(self.splits["train"], self.settings.batch_size, shuffle=True)

    def val_dataloader(self) -> Any:
        """Return the validation batches."""
        return DataLoader(self.splits["validation"], 32)


class Classifier(pl.LightningModule):
    """The pretrained encoder with a new head."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.model = AutoModelForSequenceClassification.from_pretrained(
            settings.model, num_labels=2
        )
        # It comes in evaluation mode, and Lightning trains it in the mode that it finds: without
        # this there would be no dropout.
        self.model.train()
        self.scores = torch.nn.ModuleDict({"accuracy": BinaryAccuracy(), "f1": BinaryF1Score()})

    def step(self, batch: dict[str, torch.Tensor]) -> Any:
        """Return the model's output with its loss."""
        labels = batch.pop("label")
        return self.model(**batch, labels=labels), labels

    def training_step(self, batch: dict[str, torch.Tensor], index: int) -> torch.Tensor:
        """Return the loss of a batch."""
        output, _ = self.step(batch)
        self.log("train_loss", output.loss)
        return output.loss

    def validation_step(self, batch: dict[str, torch.Tensor], index: int) -> None:
        """Score a batch."""
        output, labels = self.step(batch)
        predicted = output.logits.argmax(dim=1)
        for name, score in self.scores.items():
            score(predicted, labels)
            self.log(name, score, on_epoch=True)

    def configure_optimizers(self) -> Any:
        """Return AdamW, biases and normalisations without decay, and a linear schedule."""
        no_decay = ["bias", "LayerNorm.weight"]
        named = list(self.model.named_parameters())
        groups: list[dict[str, Any]] = [
            {"params": [w for n, w in named if not any(x in n for x in no_decay)]},
            {"params": [w for n, w in named if any(x in n for x in no_decay)], "weight_decay": 0.0},
        ]
        rate = self.settings.learning_rate
        optimizer = torch.optim.AdamW(groups, lr=rate, eps=1e-8, weight_decay=0.0)
        steps = self.trainer.estimated_stepping_batches
        scheduler = get_linear_schedule_with_warmup(optimizer, int(WARMUP_RATIO * steps), steps)
        return [optimizer], [{"scheduler": scheduler, "interval": "step"}]


def main() -> None:
    """Train once and write the metrics after the last epoch."""
    settings = from_command_line(__doc__)
    torch.set_num_threads(settings.threads)
    pl.seed_everything(settings.seed)
    trainer = pl.Trainer(
        max_epochs=settings.epochs,
        accelerator="auto",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        gradient_clip_val=1.0,
    )
    trainer.fit(Classifier(settings), datamodule=MRPCData(settings))
    scores = {name: float(trainer.callback_metrics[name]) for name in ("accuracy", "f1")}
    Path(settings.output).write_text(json.dumps(scores), encoding="utf-8")


if __name__ == "__main__":
    main()
