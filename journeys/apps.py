from django.apps import AppConfig


class JourneysConfig(AppConfig):
    """Process: stages, pipelines, opportunities, tasks."""

    name = "journeys"

    def ready(self) -> None:
        from journeys import contributions  # noqa: PLC0415 -- models must be loaded first

        contributions.register()
