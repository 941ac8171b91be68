from django.apps import AppConfig


class HealthConfig(AppConfig):
    """Judgement: score models, scores, history, roll-ups."""

    name = "health"

    def ready(self) -> None:
        from health import contributions  # noqa: PLC0415 -- models must be loaded first

        contributions.register()
