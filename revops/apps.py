from django.apps import AppConfig


class RevOpsConfig(AppConfig):
    """The roof: an installed app without models, for the pages and commands that cross the apps."""

    name = "revops"
