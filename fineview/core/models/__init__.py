"""Pretrained models: what can be had, where it lies on disk, and how it is loaded."""
