"""Reads of the process, by noun."""
