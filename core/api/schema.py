"""The schema of the API: made from the endpoints themselves, once per process."""

from functools import cache
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator

from core.middleware import API


class EntranceScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # -- the library types some
    """A key, or the session of a signed-in member."""

    target_class = "core.api.entrance.Entrance"
    name = ["key", "session"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        return [
            {"type": "http", "scheme": "bearer", "description": "`rvk_…`, made by an administrator under API keys."},
            {
                "type": "apiKey",
                "in": "cookie",
                "name": "sessionid",
                "description": "The session of a signed-in member; anything but GET needs the header X-CSRFToken.",
            },
        ]


def only_the_api(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Leaves out the pages. Called by the generator, named in settings."""
    return [one for one in endpoints if one[0].startswith(f"{API}v1/")]


@cache
def openapi() -> dict[str, Any]:
    """The document. It says nothing about any workspace."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]  # -- the library types some
    made: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # -- so
    return made
