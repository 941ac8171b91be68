from django.apps import AppConfig


class RenewalsConfig(AppConfig):
    """Motion: renewals and their 180/90/60/30-day steps."""

    name = "renewals"

    def ready(self) -> None:
        from renewals import contributions  # noqa: PLC0415 -- models must be loaded first

        contributions.register()
