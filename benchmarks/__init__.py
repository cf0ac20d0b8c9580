"""Figures of the README: run one as `python -m benchmarks.NAME`."""
