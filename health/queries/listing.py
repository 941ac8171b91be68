"""Scores as a list for programs: now, or as of a day."""

from datetime import date
from typing import Any

from django.db.models import QuerySet

from health.models import Score, ScoreHistory
from health.queries.overrides import all_overrides


def scores_now(*, band: str | None, segment: str | None, owner_id: int | None, model: str | None) -> QuerySet[Score]:
    """The current scores for which everything that is given holds, with account, version and overrides."""
    given = {"band": band, **_of_account(segment, owner_id), "model_version__key": model}
    found = Score.objects.filter(**{name: value for name, value in given.items() if value is not None})
    return found.select_related("account", "model_version").annotate(overrides=all_overrides())


def scores_on(
    day: date, *, after: int, segment: str | None, owner_id: int | None, account_id: int | None = None
) -> QuerySet[ScoreHistory]:
    """What was known of each account on a day, as it was stored: one row an account, by its id, after that of `after`.

    Segment and owner are those of today.
    """
    given = {**_of_account(segment, owner_id), "account_id": account_id}
    rows = ScoreHistory.objects.filter(
        as_of__lte=day, account_id__gt=after, **{name: value for name, value in given.items() if value is not None}
    )
    return (
        rows.order_by("account_id", "-as_of", "-computed_at")
        .distinct("account_id")
        .select_related("account", "model_version")
        .annotate(overrides=all_overrides())
    )


def history_of(account_id: int, *, since: date | None, until: date | None) -> QuerySet[ScoreHistory]:
    """Everything that was ever stored of one account, between two days about which it is, both included."""
    rows = ScoreHistory.objects.filter(account_id=account_id)
    if since is not None:
        rows = rows.filter(as_of__gte=since)
    if until is not None:
        rows = rows.filter(as_of__lte=until)
    return rows.select_related("account", "model_version").annotate(overrides=all_overrides())


def _of_account(segment: str | None, owner_id: int | None) -> dict[str, Any]:
    return {"account__segment": segment, "account__owner_id": owner_id}
