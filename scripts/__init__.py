"""Snaketune's commands: one module a rule, each runnable as `python -m scripts.<rule>`."""
