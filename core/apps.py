from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The ground: tenancy, permissions, audit, versions, jobs, the registry. It knows no customer."""

    name = "core"

    def ready(self) -> None:
        from core import contributions  # noqa: PLC0415 -- models must be loaded first

        contributions.register()
