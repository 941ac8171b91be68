"""Absences and books that go over."""


def register() -> None:
    """Called once at start."""
