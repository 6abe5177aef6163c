"""Searching for better hyperparameters: a study that survives kill -9 and that several workers share, whatever the model."""
