"""The final model in MLflow: a pyfunc model with a signature, logged without a network.

It is MLflow's "model from code": the text of `served.py` beside the files of the model folder. No
pickle, and no look at the hub, which MLflow's own flavour for transformers takes at logging.
"""

import importlib.metadata
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.study.files import write_json
from scripts.views.trackers import content

CODE = Path(__file__).with_name("served.py")
# What the model is served with; MLflow would find that out by loading it once more.
REQUIREMENTS = ("mlflow", "torch", "transformers", "safetensors", "pandas")


def log_model(client: Any, run: Any, whole: content.Whole) -> None:
    """Log the final model under MLflow's run `run`, unless its experiment has it already.

    A model that an interrupted sending left behind is deleted and logged anew.
    """
    import mlflow

    digest = f"tags.digest = '{whole.model_digest}'"
    for model in client.search_logged_models([run.info.experiment_id], digest):
        if str(model.status) == "READY":
            return
        client.delete_logged_model(model.model_id)
    mlflow.set_tracking_uri(client.tracking_uri)
    mlflow.set_registry_uri(client.tracking_uri)
    with (
        tempfile.TemporaryDirectory() as scratch,
        warnings.catch_warnings(),
        mlflow.start_run(run_id=run.info.run_id),
    ):
        # That an example would give a signature: it is given.
        warnings.filterwarnings("ignore", "(?s).*input example", UserWarning)
        # A file, since MLflow logs a model's configuration as parameters of the run.
        scoring = Path(scratch) / "scoring.json"
        write_json(scoring, {"text": list(whole.text), "max_length": whole.max_length})
        mlflow.pyfunc.log_model(
            name="model",
            python_model=str(CODE),
            artifacts={"model": str(whole.model), "scoring": str(scoring)},
            signature=signature(whole.text, whole.labels),
            pip_requirements=[
                f"{name}=={importlib.metadata.version(name).partition('+')[0]}"
                for name in REQUIREMENTS
            ],
            tags={"digest": whole.model_digest, "study": whole.study},
            params=dict(whole.params),
        )


def signature(text: Sequence[str], labels: Sequence[str]) -> Any:
    """Return the model's signature: text columns in, the label and each class's probability out."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    probabilities = [ColSpec("double", f"probability_{index}") for index in range(len(labels))]
    return ModelSignature(
        inputs=Schema([ColSpec("string", column) for column in text]),
        outputs=Schema([ColSpec("string", "label"), *probabilities]),
    )
