"""Verbs of the process, by noun."""
