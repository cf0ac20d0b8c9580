"""Runs: one experiment each, on disk from its first step."""
