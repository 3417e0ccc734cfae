"""One training: data, model, optimisation, loop and metrics."""
