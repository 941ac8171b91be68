"""Hand-offs between teams."""


def register() -> None:
    """Called once at start."""
