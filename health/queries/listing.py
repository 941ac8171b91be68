"""Scores as a list for programs: now, or as of a day."""

from datetime import date, datetime
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
    day: date,
    *,
    after: int,
    segment: str | None,
    owner_id: int | None,
    account_id: int | None = None,
    known: datetime | None = None,
) -> QuerySet[ScoreHistory]:
    """What is stored of each account about a day: one row an account, by its id, after that of `after`.

    Rows that were made later are among them; with `known`, only what had been computed before that instant, and no
    imported history. Segment and owner are those of today.
    """
    given = {**_of_account(segment, owner_id), "account_id": account_id}
    rows = ScoreHistory.objects.filter(
        as_of__lte=day, account_id__gt=after, **{name: value for name, value in given.items() if value is not None}
    )
    return (
        _as_known(rows, known)
        .order_by("account_id", "-as_of", "-computed_at")
        .distinct("account_id")
        .select_related("account", "model_version")
        .annotate(overrides=all_overrides())
    )


def history_of(
    account_id: int, *, since: date | None, until: date | None, known: datetime | None = None
) -> QuerySet[ScoreHistory]:
    """Everything that was ever stored of one account, between two days about which it is, both included.

    With `known`, only what had been computed before that instant, and no imported history.
    """
    rows = ScoreHistory.objects.filter(account_id=account_id)
    if since is not None:
        rows = rows.filter(as_of__gte=since)
    if until is not None:
        rows = rows.filter(as_of__lte=until)
    return _as_known(rows, known).select_related("account", "model_version").annotate(overrides=all_overrides())


def _as_known(rows: QuerySet[ScoreHistory], known: datetime | None) -> QuerySet[ScoreHistory]:
    return rows if known is None else rows.filter(computed_at__lt=known, imported=False)


def _of_account(segment: str | None, owner_id: int | None) -> dict[str, Any]:
    return {"account__segment": segment, "account__owner_id": owner_id}
