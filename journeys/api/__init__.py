"""Endpoints of the process, by what they give or take."""
