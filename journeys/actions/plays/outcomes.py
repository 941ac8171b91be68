"""What came of plays: decided by the outcome rule of the version that each is pinned to, and told when it is enough."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models.fields.json import KT
from django.urls import reverse

from core import audit, notify
from core.actors import Actor
from core.choices import Role
from core.facts import keeps_past
from core.models import Membership, ProcessOwner, ProcessVersion, Tenant
from core.tenancy import require_tenant_id
from core.trees import tree_key
from journeys.models import PlaybookRun
from journeys.queries.plays.facts import meeting
from journeys.queries.plays.figures import REVIEWED, VersionFigures, playbook_figures
from journeys.queries.plays.reading import KIND, live_playbooks, playbooks_of
from journeys.rules.play_due import ALREADY, JUDGED_BY, MISSED, REACHED
from journeys.rules.playbooks import Outcome

NOTICE: Final = "playbook_review"
_JUDGED: Final = """
UPDATE journeys_playbookrun SET trace = trace || jsonb_build_object(%(key)s::text, %(rule)s::text),
    outcome = CASE WHEN id = ANY(%(held)s::bigint[]) THEN %(already)s ELSE outcome END,
    outcome_on = CASE WHEN id = ANY(%(held)s::bigint[]) THEN started_on ELSE outcome_on END
WHERE tenant_id = %(tenant)s AND id = ANY(%(runs)s::bigint[])
"""


@dataclass(frozen=True)
class Decided:
    """Rows written."""

    reached: int = 0
    missed: int = 0
    already: int = 0
    reviews: int = 0


@dataclass(frozen=True)
class _Undecided:
    """A play whose outcome is not known; `judged_by` is the rule that did not hold when it started."""

    id: int
    account_id: int
    version_id: int
    started_on: date
    judged_by: str | None


@transaction.atomic
def decide_outcomes(*, tenant: Tenant, today: date, now: datetime) -> Decided:
    """Reached as soon as the rule holds within its days, missed when they have passed without it.

    Where it held when the play started, it is neither: nobody can tell what the play did. Days that nobody looked at
    are made good: after the last day the rule is asked as of that day. One statement per version and day asked for.
    """
    judged = ProcessVersion.objects.filter(kind=KIND, published_at__isnull=False, definition__has_key="outcome")
    books = playbooks_of(judged.values_list("pk", flat=True))
    outcomes = {pk: book.outcome for pk, (_, book) in books.items() if book.outcome is not None}
    # Those of playbooks without an outcome stay undecided for ever: they are not read.
    found = [
        _Undecided(*row)
        for row in PlaybookRun.objects.filter(outcome="", version_id__in=outcomes, started_on__lt=today).values_list(
            "pk", "account_id", "version_id", "started_on", KT(f"trace__{JUDGED_BY}")
        )
    ]
    held = _held_before(found, outcomes, tenant)
    waiting: dict[tuple[int, date], list[_Undecided]] = defaultdict(list)
    for run in found:
        if run.id not in held:
            last = run.started_on + timedelta(days=outcomes[run.version_id].within_days)
            waiting[(run.version_id, min(today, last))].append(run)
    reached = missed = 0
    for (version_id, day), runs in waiting.items():
        holds = meeting([run.account_id for run in runs], outcomes[version_id].rule, day)
        won = [run.id for run in runs if run.account_id in holds]
        reached += PlaybookRun.objects.filter(pk__in=won).update(outcome=REACHED, outcome_on=day)
        if day < today:
            late = [run.id for run in runs if run.account_id not in holds]
            missed += PlaybookRun.objects.filter(pk__in=late).update(outcome=MISSED, outcome_on=day)
    reviews = _ask_for_reviews(tenant, today, now)
    return Decided(reached, missed, len(held), reviews)


def _held_before(found: Iterable[_Undecided], outcomes: Mapping[int, Outcome], tenant: Tenant) -> set[int]:
    """The plays whose outcome held before anybody did anything, of those of which nobody has judged it at the start.

    They began before that was kept, or went over to a version with another outcome. Asked as of the day before they
    started, once. A rule on a fact whose past nobody keeps cannot be judged for then: it counts as not held.
    """
    asked: dict[tuple[int, date], list[_Undecided]] = defaultdict(list)
    keys = {pk: tree_key(outcome.rule) for pk, outcome in outcomes.items()}
    known = {pk: keeps_past(outcome.rule) for pk, outcome in outcomes.items()}
    for run in found:
        if run.judged_by != keys[run.version_id] and known[run.version_id]:
            asked[(run.version_id, run.started_on - timedelta(days=1))].append(run)
    held: set[int] = set()
    for (version_id, day), runs in asked.items():
        holds = meeting([run.account_id for run in runs], outcomes[version_id].rule, day)
        held |= {run.id for run in runs if run.account_id in holds}
        with connection.cursor() as cursor:
            cursor.execute(
                _JUDGED,
                {"tenant": tenant.pk, "runs": [run.id for run in runs], "rule": keys[version_id], "key": JUDGED_BY,
                 "held": [run.id for run in runs if run.account_id in holds], "already": ALREADY},
            )  # fmt: skip
    return held


def _ask_for_reviews(tenant: Tenant, today: date, now: datetime) -> int:
    """Tells who answers for a playbook, once per round of enough outcomes and once per quarter of a weak one."""
    live = {version.key: version for version in live_playbooks()}
    told = 0
    for key, figures in playbook_figures(live, today).items():
        now_live = next((one for one in figures if one.version.pk == live[key].pk), None)
        if now_live is not None and now_live.asks_for_review:
            told += notify.notify(
                membership_ids=_answering(key), kind=NOTICE, key=_round(now_live, today), text=_words(now_live),
                url=reverse("core:process", args=[KIND, key]), tenant=tenant, now=now,
            )  # fmt: skip
    return told


def _round(figures: VersionFigures, today: date) -> str:
    if figures.is_weak:
        return f"{figures.version.pk}:weak:{today.year}-{(today.month - 1) // 3 + 1}"
    return f"{figures.version.pk}:{figures.decided_since_review // figures.review_after}"


def _words(figures: VersionFigures) -> str:
    share = figures.reached
    beside = f" ({figures.already} had it when they started)" if figures.already else ""
    rate = f"{share.part} of {share.of} reached their outcome{beside}"
    if figures.is_weak:
        return f"{figures.version}: under {figures.floor} % in two quarters, {rate}. Review it."
    return f"{figures.version}: {rate}. Time for a review."


def _answering(key: str) -> list[int]:
    """The process owner; nobody named, the RevOps admins."""
    owner = ProcessOwner.objects.filter(kind=KIND, key=key).values_list("owner_id", flat=True)
    if owner:
        return list(owner)
    admins = Membership.objects.filter(role=Role.REVOPS_ADMIN, is_active=True)
    return list(admins.filter(tenant_id=require_tenant_id()).values_list("pk", flat=True))


@transaction.atomic
def note_review(*, version: ProcessVersion, note: str, actor: Actor, now: datetime) -> None:
    """Somebody has looked at what a version brought and says what they found. The count to the next review starts."""
    if not note.strip():
        raise ValueError("Say what you found: what works, what changes, or why nothing does.")
    audit.record(actor=actor, at=now, verb=REVIEWED, subject=version, reason=note.strip())
