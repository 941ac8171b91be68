"""Endpoints of the facts, by what they give or take."""
