"""What decides whether a start rule fires: asked by the sweep of all accounts, and by the trace of one."""

from datetime import date, timedelta
from typing import Final

from django.db.models import CharField, Exists, F, Func, Min, OuterRef, Q, QuerySet, Value

from accounts.models import Account
from core.models import ProcessVersion, Tenant
from journeys.models import PlaybookRun, StageVisit
from journeys.queries.plays.facts import anchor
from journeys.queries.plays.reading import KIND
from journeys.rules.play_due import RUNNING
from journeys.rules.playbooks import Start

ISO: Final = "YYYY-MM-DD"


def rule_key(playbook: str, number: int, start: Start) -> str:
    """How the keys begin of what the start rule with this number starts."""
    return f"{start.on}:{playbook}:{number}:"


def running_for(playbook: str) -> Exists:
    """Accounts for which the playbook runs."""
    return Exists(PlaybookRun.objects.filter(playbook=playbook, account_id=OuterRef("pk"), state=RUNNING))


def lately_for(playbook: str, start: Start, today: date) -> Exists:
    """Accounts for which the rule cools down."""
    since = today - timedelta(days=start.cool_down_days)
    return Exists(PlaybookRun.objects.filter(playbook=playbook, account_id=OuterRef("pk"), started_on__gt=since))


def dated_for(accounts: QuerySet[Account], start: Start, since: date, today: date) -> QuerySet[Account]:
    """Due on or before today. Before a date: while it lies ahead; after one: not from before the playbook was live.

    With the date as `play_day`.
    """
    if start.days is None:
        return accounts.none()
    length = timedelta(days=start.days.days)
    if start.days.before:
        due = Q(play_day__lte=today + length, play_day__gte=today)
    else:
        due = Q(play_day__lte=today - length, play_day__gte=since - length)
    return accounts.annotate(play_day=anchor(start.days.of, today)).filter(due)


def visits_for(accounts: QuerySet[Account], start: Start, since: date, today: date) -> QuerySet[StageVisit]:
    """Stays in the stage that go on, entered since the playbook was live."""
    return StageVisit.objects.filter(
        stage__key=start.stage, stage__journey="standard", left_on=None, entered_on__gte=since,
        entered_on__lte=today, account__in=accounts.order_by().values("pk"),
    )  # fmt: skip


def open_episodes(playbook: str, number: int, start: Start) -> QuerySet[PlaybookRun]:
    """Plays of a signal rule whose signal has not been gone since: of this rule, whatever the others started."""
    return PlaybookRun.objects.filter(
        playbook=playbook, trigger="signal", origin_key__startswith=rule_key(playbook, number, start),
        trace__over_on__isnull=True,
    )  # fmt: skip


def live_since(playbook: str, tenant: Tenant, today: date) -> date:
    """The day on which the playbook first went live: what lies before it starts nothing afterwards."""
    first = ProcessVersion.objects.filter(kind=KIND, key=playbook, published_at__isnull=False).aggregate(
        first=Min("published_at")
    )["first"]
    return tenant.today(first) if first is not None else today


def iso_day(column: str) -> Func:
    """A date as the keys write it."""
    return Func(F(column), Value(ISO), function="to_char", output_field=CharField())
