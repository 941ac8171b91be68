"""What health contributes to the registry."""


def register() -> None:
    """Called once at start."""
