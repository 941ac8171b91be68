"""Which static files of others are collected: what no page names is left out, so that a first start is quick."""

from django.contrib.staticfiles.apps import StaticFilesConfig


class StaticFiles(StaticFilesConfig):
    """As Django's, without what the packages of the API bring along for pages that we do not have."""

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        "rest_framework",
        "redoc",
        "swagger-ui-standalone-preset*",
        "oauth2-redirect*",
    ]
