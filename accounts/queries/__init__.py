"""Reads of facts, by noun."""
