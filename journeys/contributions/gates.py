"""Gates: facts of opportunities, waivers and their checks."""


def register() -> None:
    """Called once at start."""
