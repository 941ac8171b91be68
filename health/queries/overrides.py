"""Overrides as of a day. One that has expired stops counting by its date; nothing has to run for that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, F, FloatField, OuterRef, Q, QuerySet, Subquery, TextField, Value, When
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce, JSONObject

from accounts.models import Account
from health.choices import Band
from health.models import Override, Score

# The edges of an account that has no score, and so no model that would say otherwise.
YELLOW, GREEN = 50.0, 70.0
_FIELDS = ("id", "score", "reason", "from_day", "until_day", "set_at", "set_by", "cleared_at", "cleared_on")
_KEPT = 200  # of one account; who looks further back than so many acts sees the newest ones


@dataclass(frozen=True)
class InForce:
    """An override as a page shows it. `until_day` is the first day on which it no longer counts."""

    id: int
    score: float
    band: str
    reason: str
    from_day: date
    until_day: date
    set_by: str
    set_at: datetime


def active_on(day: date) -> QuerySet[Override]:
    """The overrides that count on a day: set by then, not expired and not cleared by its end."""
    return Override.objects.filter(from_day__lte=day, until_day__gt=day).filter(
        Q(cleared_on=None) | Q(cleared_on__gt=day)
    )


def all_overrides() -> Any:
    """For rows with an `account_id`: the account's overrides, newest first, for `in_force` to choose from."""
    told = {name: name for name in _FIELDS}
    newest = Override.objects.filter(account_id=OuterRef("account_id")).order_by("-set_at")
    return ArraySubquery(newest.values(told=JSONObject(**told))[:_KEPT])


def in_force(
    overrides: Sequence[dict[str, Any]],
    day: date,
    *,
    known: datetime | None = None,
    edges: tuple[float, float] = (YELLOW, GREEN),
) -> InForce | None:
    """The override that counted on a day, of those that `all_overrides` gave. With `known`, as known before then."""
    for one in overrides:
        ended = _day(one["cleared_on"])
        if known is not None and one["cleared_at"] and datetime.fromisoformat(one["cleared_at"]) >= known:
            ended = None
        set_at = datetime.fromisoformat(one["set_at"])
        starts, until = date.fromisoformat(one["from_day"]), date.fromisoformat(one["until_day"])
        if starts <= day < min(until, ended or until) and (known is None or set_at < known):
            band = band_between(one["score"], edges)
            return InForce(one["id"], one["score"], band, one["reason"], starts, until, one["set_by"], set_at)
    return None


def ended_by_hand(overrides: Sequence[dict[str, Any]], today: date) -> InForce | None:
    """The one that somebody cleared today, while it can be taken back: no other stands and it has not expired."""
    if any(one["cleared_at"] is None for one in overrides):
        return None
    for one in sorted(overrides, key=lambda each: str(each["cleared_at"]), reverse=True):
        if _day(one["cleared_on"]) == today and date.fromisoformat(one["until_day"]) > today:
            return in_force([{**one, "cleared_on": None}], today)
    return None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def override_on(account_id: int, day: date, *, known: datetime | None = None) -> InForce | None:
    """The override of an account on a day; with `known`, as it was known before that instant."""
    told = Account.objects.filter(pk=account_id).annotate(account_id=F("pk")).annotate(overrides=all_overrides())
    return in_force(told.values_list("overrides", flat=True).first() or [], day, known=known)


def overrides_on(account_ids: Iterable[int], day: date) -> dict[int, InForce]:
    """By account, for lists; accounts without one are absent. Bands by the edges of the account's own model."""
    own = Score.objects.filter(account_id=OuterRef("account_id"))
    edges = {
        name: Coalesce(Subquery(own.annotate(edge=_edge(name, usual)).values("edge")[:1]), Value(usual))
        for name, usual in (("yellow", YELLOW), ("green", GREEN))
    }
    found: Any = active_on(day).filter(account_id__in=list(account_ids)).order_by("set_at").annotate(**edges)
    return {
        one.account_id: InForce(
            id=one.pk,
            score=one.score,
            band=band_between(one.score, (one.yellow, one.green)),
            reason=one.reason,
            from_day=one.from_day,
            until_day=one.until_day,
            set_by=one.set_by,
            set_at=one.set_at,
        )
        for one in found
    }


def band_between(score: float, edges: tuple[float, float]) -> str:
    """The half-open band of a score that a person gave."""
    yellow, green = edges
    if score < yellow:
        return str(Band.RED)
    return str(Band.YELLOW if score < green else Band.GREEN)


def effective_score(as_of: date) -> Any:
    """For accounts: the override in force as of the day, else the computed score as it stands."""
    return Coalesce(override_score(as_of, "pk"), Subquery(_scores().values("score")[:1]), output_field=FloatField())


def effective_band(as_of: date) -> Any:
    """For accounts: the band of the override by the edges of the account's own model, else the computed band."""
    given = override_score(as_of, "account_id")
    scored = (
        _scores()
        .annotate(given=given, yellow=_edge("yellow", YELLOW), green=_edge("green", GREEN))
        .annotate(effective=_band_case(F("yellow"), F("green"), default=F("band")))
        .values("effective")[:1]
    )
    plain = (
        active_on(as_of)
        .filter(account_id=OuterRef("pk"))
        .annotate(given=F("score"))
        .annotate(effective=_band_case(Value(YELLOW), Value(GREEN), default=Value(None)))
        .values("effective")[:1]
    )
    return Coalesce(Subquery(scored), Subquery(plain), output_field=TextField())


def _scores() -> QuerySet[Score]:
    return Score.objects.filter(account_id=OuterRef("pk"))


def override_score(as_of: date, account: str) -> Any:
    """For rows whose field `account` is the account's id: the score of the override in force, or NULL."""
    return Subquery(active_on(as_of).filter(account_id=OuterRef(account)).values("score")[:1])


def _edge(name: str, usual: float) -> Any:
    text = KeyTextTransform(name, KeyTransform("bands", "model_version__definition"))
    return Coalesce(Cast(text, FloatField()), Value(usual))


def _band_case(yellow: Any, green: Any, *, default: Any) -> Any:
    return Case(
        When(given=None, then=default),
        When(given__lt=yellow, then=Value(str(Band.RED))),
        When(given__lt=green, then=Value(str(Band.YELLOW))),
        default=Value(str(Band.GREEN)),
        output_field=TextField(),
    )
