"""Heads, the training loop, metrics and baselines."""
