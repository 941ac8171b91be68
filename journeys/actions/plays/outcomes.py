"""What came of plays: decided by the outcome rule of the version that each is pinned to, and told when it is enough."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.urls import reverse

from core import audit, notify
from core.actors import Actor
from core.choices import Role
from core.models import Membership, ProcessOwner, ProcessVersion, Tenant
from core.tenancy import require_tenant_id
from journeys.models import PlaybookRun
from journeys.queries.plays.facts import meeting
from journeys.queries.plays.figures import REVIEWED, VersionFigures, playbook_figures
from journeys.queries.plays.reading import KIND, live_playbooks, playbooks_of

NOTICE: Final = "playbook_review"


@dataclass(frozen=True)
class Decided:
    """Rows written."""

    reached: int = 0
    missed: int = 0
    reviews: int = 0


@transaction.atomic
def decide_outcomes(*, tenant: Tenant, today: date, now: datetime) -> Decided:
    """Reached as soon as the rule holds within its days, missed when they have passed without it.

    Days that nobody looked at are made good: after the last day the rule is asked as of that day. One statement per
    version and day asked for.
    """
    waiting: dict[tuple[int, date], list[tuple[int, int]]] = defaultdict(list)
    judged = ProcessVersion.objects.filter(kind=KIND, published_at__isnull=False, definition__has_key="outcome")
    books = playbooks_of(judged.values_list("pk", flat=True))
    # Those of playbooks without an outcome stay undecided for ever: they are not read.
    found = PlaybookRun.objects.filter(outcome="", version_id__in=books).values_list(
        "pk", "account_id", "version_id", "started_on"
    )
    for pk, account_id, version_id, started_on in found:
        outcome = books[version_id][1].outcome
        if outcome is not None and started_on < today:
            last = started_on + timedelta(days=outcome.within_days)
            waiting[(version_id, min(today, last))].append((pk, account_id))
    reached = missed = 0
    for (version_id, day), runs in waiting.items():
        outcome = books[version_id][1].outcome
        if outcome is None:
            continue
        held = meeting([account_id for _, account_id in runs], outcome.rule, day)
        won = [pk for pk, account_id in runs if account_id in held]
        reached += PlaybookRun.objects.filter(pk__in=won).update(outcome="reached", outcome_on=day)
        if day < today:
            late = [pk for pk, account_id in runs if account_id not in held]
            missed += PlaybookRun.objects.filter(pk__in=late).update(outcome="missed", outcome_on=day)
    reviews = _ask_for_reviews(tenant, today, now)
    return Decided(reached, missed, reviews)


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
    rate = f"{share.part} of {share.of} reached their outcome"
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
