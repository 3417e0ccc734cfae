"""The classifier: a pretrained encoder with a new head, its dropout and its precision."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel
from transformers.utils import logging as transformers_logging

from scripts.study.errors import StudyError, out_of_memory
from scripts.training.first_token import only_first_token

# Number formats of matrix products.
PRECISIONS = ("fp32", "tf32", "bf16")
# Architectures that cannot compute in bf16: the least number of fp32, with which DeBERTa masks, is
# none of bf16.
FP32_ALONE = ("deberta",)
# What architectures call the dropout of hidden units, and that of attention weights.
HIDDEN_DROPOUT = ("hidden_dropout_prob", "dropout", "mlp_dropout", "embedding_dropout")
ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout")


def device() -> torch.device:
    """Return the GPU that this process sees first, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision(wanted: str, where: torch.device, architecture: str = "bert") -> str:
    """Return `bf16`, `tf32` or `fp32`; `auto` is bf16 where device and architecture compute in it.

    Raises `StudyError` where `tf32`, which GPUs have, is wanted of a processor, and bf16 of an
    architecture (a config's `model_type`) that cannot compute in it.
    """
    if architecture in FP32_ALONE and wanted in ("auto", "bf16"):
        if wanted == "auto":
            return "fp32"
        raise StudyError(
            f"training.precision: {architecture} does not compute in bf16; auto or fp32"
        )
    if wanted == "tf32" and where.type != "cuda":
        raise StudyError(
            "training.precision: tf32 is a number format of GPUs, and this trains on a processor;"
            " auto, fp32 or bf16"
        )
    if wanted != "auto":
        return wanted
    if where.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    # Other x86 CPUs emulate bf16 products: three times slower than fp32 on AVX-512 alone. Those of
    # ARM that have them were not measured.
    in_hardware = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return "bf16" if in_hardware else "fp32"


def build(
    folder: Path, labels: Sequence[str], hyperparameters: Mapping[str, Any], seed: int
) -> PreTrainedModel:
    """Return the classifier in fp32; the new head's weights come from `seed`.

    A head for another number of classes is replaced. Raises `StudyError` where the folder cannot
    be loaded whole, or its model has no dropout of the two kinds.
    """
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    config = _loaded(
        folder,
        AutoConfig,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
        # What a pretrained classifier was for is no longer so; pipelines score by it.
        problem_type="single_label_classification",
        # The loop reads outputs by name. Layers computed a second time would drop other units.
        return_dict=True,
        gradient_checkpointing=False,
    )
    for name, attributes in (
        ("dropout", HIDDEN_DROPOUT),
        ("attention_dropout", ATTENTION_DROPOUT),
    ):
        known = [attribute for attribute in attributes if hasattr(config, attribute)]
        if not known:
            raise StudyError(
                f"{name}: {config.model_type} has none of the settings {', '.join(attributes)}"
            )
        for attribute in known:
            setattr(config, attribute, hyperparameters[name])
    torch.manual_seed(seed)
    # Eager attention: on CPUs the fused kernel's backward pass alone took a third of a step.
    # On GPUs None is the fused one where the model has it.
    where = device()
    attention = None if where.type == "cuda" else "eager"
    model, loading = _loaded(
        folder,
        AutoModelForSequenceClassification,
        config=config,
        dtype=torch.float32,
        use_safetensors=True,
        attn_implementation=attention,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
    )
    # The head is new, and so may the pooler be below it; an encoder of random weights is a mistake.
    encoder = f"{model.base_model_prefix}."
    resized = {name for name, *_ in loading["mismatched_keys"]}
    for names, fault in (
        (loading["missing_keys"], "lacks"),
        (resized, "has in other sizes than config.json says"),
    ):
        lost = [n for n in sorted(names) if n.startswith(encoder) and ".pooler." not in n]
        if lost:
            raise StudyError(
                f"model.path: {folder / 'model.safetensors'} {fault} {len(lost)} weights of a"
                f" {config.model_type}, such as {lost[0]}; is it the file of another model?"
            )
    only_first_token(model)
    return model.to(where)


def _loaded(folder: Path, kind: Any, **arguments: Any) -> Any:
    """Return what `kind.from_pretrained` makes of the folder; code that lies there never runs."""
    try:
        return kind.from_pretrained(folder, trust_remote_code=False, **arguments)
    except Exception as error:  # transformers and safetensors raise many kinds
        if out_of_memory(error):
            raise
        reason = " ".join(str(error).split())[:300]
        raise StudyError(f"model.path: {folder} cannot be loaded: {reason}") from None
