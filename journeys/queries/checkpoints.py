"""Reads of checkpoints: what is due, what was missed, and how they went."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db.models import Count, F, Q, QuerySet

from journeys.models import Checkpoint
from journeys.queries.stage_accounts import read_after

PAGE: Final = 50
LATELY: Final = 90
SHOWS: Final = {"missing": "Missing", "due": "Due in 14 days", "held": "Held in 90 days"}


@dataclass(frozen=True)
class CheckpointPage:
    """A page of checkpoints, and where the next one starts ("" at the end)."""

    rows: list[Checkpoint]
    after: str


@dataclass(frozen=True)
class CheckpointCounts:
    """Of the last 90 days: due by now, held, and how they went; `missing` is due, not held, and still in the stage."""

    due: int
    held: int
    good: int
    mixed: int
    poor: int
    missing: int


def checkpoint_page(*, show: str, today: date, after: str = "", owner_id: int | None = None) -> CheckpointPage:
    """Checkpoints of one kind, the earliest first (held ones: the latest)."""
    rows = _shown(show, today).select_related("account", "account__owner", "visit__stage")
    if owner_id is not None:
        rows = rows.filter(account__owner_id=owner_id)
    day, number = read_after(after)
    field = "held_on" if show == "held" else "due_on"
    if day is not None:
        word = "lt" if show == "held" else "gt"
        rows = rows.filter(Q(**{f"{field}__{word}": day}) | Q(**{field: day, f"pk__{word}": number}))
    order = ("-held_on", "-pk") if show == "held" else ("due_on", "pk")
    found = list(rows.order_by(*order)[: PAGE + 1])
    last = found[PAGE - 1] if len(found) > PAGE else None
    return CheckpointPage(found[:PAGE], f"{getattr(last, field).isoformat()}_{last.pk}" if last else "")


def _shown(show: str, today: date) -> QuerySet[Checkpoint]:
    here = Checkpoint.objects.exclude(account__status="churned")
    if show == "held":
        return here.filter(held_on__gt=today - timedelta(days=LATELY))
    waiting = here.filter(held_on=None, visit__left_on=None)
    if show == "due":
        return waiting.filter(due_on__gte=today, due_on__lt=today + timedelta(days=14))
    return waiting.filter(due_on__lt=today)


def checkpoint_counts(today: date) -> CheckpointCounts:
    """One statement. A stay that ended before the checkpoint was held counts as due and not held."""
    found = Checkpoint.objects.filter(due_on__lt=today, due_on__gt=today - timedelta(days=LATELY)).aggregate(
        due=Count("pk"),
        held=Count("pk", filter=Q(held_on__isnull=False)),
        good=Count("pk", filter=Q(outcome="good")),
        mixed=Count("pk", filter=Q(outcome="mixed")),
        poor=Count("pk", filter=Q(outcome="poor")),
    )
    return CheckpointCounts(**found, missing=_shown("missing", today).count())


def checkpoints_of(account_id: int) -> list[Checkpoint]:
    """The checkpoints of the account's present stay, and the last held ones of earlier stays."""
    rows = Checkpoint.objects.filter(account_id=account_id).select_related("visit__stage")
    return list(rows.filter(visit__left_on=None).order_by(F("due_on"), "pk"))
