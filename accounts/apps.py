from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Facts: who the customers are, what they pay, what they did."""

    name = "accounts"

    def ready(self) -> None:
        from accounts import contributions  # noqa: PLC0415 -- models must be loaded first

        contributions.register()
