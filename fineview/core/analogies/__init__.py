"""Arithmetic with word vectors: expressions, answers, benchmarks."""
