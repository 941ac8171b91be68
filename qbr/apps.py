from django.apps import AppConfig


class QBRConfig(AppConfig):
    """Motion: business reviews and their frozen data packages."""

    name = "qbr"

    def ready(self) -> None:
        from qbr import contributions  # noqa: PLC0415 -- models must be loaded first

        contributions.register()
