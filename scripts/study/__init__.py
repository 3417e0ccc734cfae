"""What a study is: its configuration, its hyperparameters, its runs and their names."""
