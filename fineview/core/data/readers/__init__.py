"""Readers of labelled texts: one module for each layout of files."""
