"""Pages of a list by keyset: each costs the same, however far down it lies."""

import base64
from dataclasses import dataclass
from typing import Any, Final

from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from rest_framework import serializers

from core.api.errors import invalid

LIMIT: Final = 50
LIMIT_MAX: Final = 200
_SALT: Final = "core.api.pages"


class PageQuery(serializers.Serializer[Any]):
    """What every list takes."""

    cursor = serializers.CharField(
        required=False, max_length=2000, help_text="The `next` of the page before. Leave it out for the first page."
    )
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=LIMIT_MAX, default=LIMIT, help_text="Rows on a page."
    )


@dataclass(frozen=True)
class Page:
    """`next` is the cursor of the page that follows, None on the last one."""

    results: list[Any]
    next: str | None


def page_of(rows: QuerySet[Any], asked: dict[str, Any], *, by: str, within: str) -> Page:
    """One page of the rows in the order of `by`, a column that is unique among them, `-` for downwards.

    `within` names the list with its workspace and its filters: a cursor of another list is refused.
    """
    column = by.removeprefix("-")
    down = by.startswith("-")
    limit: int = asked["limit"]
    if asked.get("cursor"):
        after = read_cursor(asked["cursor"], within)
        try:
            rows = rows.filter(**{f"{column}__{'lt' if down else 'gt'}": after})
        except (ValidationError, ValueError, TypeError) as error:
            raise _bad_cursor() from error
    found = list(rows.order_by(by)[: limit + 1])
    return cut(found, limit, lambda row: _value(row, column), within)


def cut(found: list[Any], limit: int, key: Any, within: str) -> Page:
    """The first `limit` of rows that were asked for with one more, and the cursor to the rest."""
    shown = found[:limit]
    return Page(shown, write_cursor(key(shown[-1]), within) if len(found) > limit else None)


def write_cursor(value: Any, within: str) -> str:
    """The place behind a row: signed, so that only what was written here is ever read."""
    return base64.urlsafe_b64encode(signing.dumps(value, salt=f"{_SALT}|{within}").encode()).decode().rstrip("=")


def read_cursor(cursor: str, within: str) -> Any:
    """The value behind a cursor of this very list; anything else is refused."""
    try:
        signed = base64.urlsafe_b64decode((cursor + "=" * (-len(cursor) % 4)).encode()).decode()
        return signing.loads(signed, salt=f"{_SALT}|{within}")
    except (ValueError, signing.BadSignature) as error:
        raise _bad_cursor() from error


def _bad_cursor() -> Exception:
    words = "This cursor is not one of this list with these filters. Start again without it."
    return invalid(words, cursor=[words])


def _value(row: Any, column: str) -> Any:
    value = getattr(row, column) if isinstance(row, Model) else row[column]
    return value if isinstance(value, int | str) else str(value)
