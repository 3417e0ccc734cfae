"""Trackers: the same study in MLflow, in W&B and in TensorBoard."""
