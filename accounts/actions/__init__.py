"""Verbs on facts, by noun."""
