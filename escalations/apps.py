from django.apps import AppConfig


class EscalationsConfig(AppConfig):
    """Motion: escalations that a policy opens and closes."""

    name = "escalations"

    def ready(self) -> None:
        from escalations import contributions  # noqa: PLC0415 -- models must be loaded first

        contributions.register()
