"""Playbooks and plays."""


def register() -> None:
    """Called once at start."""
