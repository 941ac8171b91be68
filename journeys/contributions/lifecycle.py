"""The journey: first value, checkpoints, lists of gaps."""


def register() -> None:
    """Called once at start."""
