"""What the ground itself contributes to the registry."""


def register() -> None:
    """Nothing yet: doctor checks of the ground are added here."""
