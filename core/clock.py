"""The one place that reads the system clock. Doors read it and pass it in."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant in UTC."""
    return datetime.now(tz=UTC)
