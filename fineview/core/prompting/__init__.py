"""Prompting: a language model as a black box, and a look under its lid."""
