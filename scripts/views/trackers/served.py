"""The final model as MLflow serves it: this file's text is logged beside the model's own files.

It runs wherever MLflow loads it, so it imports nothing of this project.
"""

import json
from typing import Any

import mlflow
import pandas as pd


class Classifier(mlflow.pyfunc.PythonModel):
    """Scores texts: a column of text, or a pair of them, in; label and probabilities out."""

    def load_context(self, context: Any) -> None:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        folder = context.artifacts["model"]
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.model = AutoModelForSequenceClassification.from_pretrained(
            folder, local_files_only=True, use_safetensors=True
        ).eval()
        with open(context.artifacts["scoring"], encoding="utf-8") as stream:
            scoring = json.load(stream)
        self.text = list(scoring["text"])
        self.max_length = int(scoring["max_length"])

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return `label` and `probability_0`, `probability_1`, ... of each row, in its order."""
        import torch

        parts = []
        for start in range(0, len(model_input), 32):
            rows = model_input.iloc[start : start + 32]
            encoded = self.tokenizer(
                *(rows[column].astype(str).tolist() for column in self.text),
                truncation=True,
                max_length=self.max_length,
                padding=True,
                return_tensors="pt",
            )
            with torch.inference_mode():
                parts.append(self.model(**encoded).logits.float().softmax(-1))
        probabilities = torch.cat(parts).double().numpy()
        names = self.model.config.id2label
        frame = pd.DataFrame(
            probabilities, columns=[f"probability_{i}" for i in range(probabilities.shape[1])]
        )
        frame.insert(0, "label", [str(names[i]) for i in probabilities.argmax(axis=1).tolist()])
        return frame


mlflow.models.set_model(Classifier())
