from django.apps import AppConfig


class RevOpsConfig(AppConfig):
    """The roof: an installed app without models, for the pages and commands that cross the apps."""

    name = "revops"

    def ready(self) -> None:
        """Every process that may ring the bell knows the broker: web and commands as well as the worker."""
        import revops.celery  # noqa: F401, PLC0415 -- needs settings, and makes itself Celery's current app
