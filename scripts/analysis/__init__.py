"""What the runs of a study say: collected tables, effects, comparisons."""
