"""fineview: a desktop laboratory for adapting pretrained language models to a task."""

__version__ = "0.1.0"
