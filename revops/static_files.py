"""Which static files of others are collected: what no page names is left out, so that a first start is quick."""

from collections.abc import Iterable
from typing import Any, Final

from django.contrib.staticfiles.finders import AppDirectoriesFinder

UNUSED: Final = ["rest_framework", "redoc", "swagger-ui-standalone-preset*", "oauth2-redirect*"]


class AppFiles(AppDirectoriesFinder):
    """As Django's, without what the packages of the API bring along for pages that we do not have."""

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        return super().list([*(ignore_patterns or []), *UNUSED])
