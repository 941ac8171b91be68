"""Starts of plays: for one account or for thousands, by the same rules and the same statements."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from accounts.choices import AccountStatus
from accounts.models import Account
from core import audit
from core.actors import Actor
from core.conflicts import Conflict
from core.models import Membership, ProcessVersion
from core.permissions import Permission, may
from core.tenancy import require_tenant_id
from core.trees import leaves, tree_key
from journeys.actions.plays.engine import settle
from journeys.models import Opportunity, PlaybookRun, Waiver
from journeys.queries.plays.anchoring import FOLLOWED
from journeys.queries.plays.facts import anchors_of, currency_of, entries, entry_words, meeting, said, values_of
from journeys.queries.plays.reading import live_playbook, playbook_of
from journeys.queries.waivers import PLAY_START
from journeys.rules.play_due import ALREADY, ANCHOR, FORMER, JUDGED_BY, LOOKED_UP, RUNNING
from journeys.rules.playbooks import ANCHORS, Playbook

_START: Final = """
INSERT INTO journeys_playbookrun (tenant_id, account_id, opportunity_id, playbook, version_id, variant, state, trigger,
    origin_key, anchor_on, started_on, started_at, started_by, owner_id, ended_by, end_reason, outcome, outcome_on,
    trace)
SELECT %(tenant)s, a.id, %(opportunity)s, %(playbook)s, %(version)s, q.variant, 'running', %(trigger)s, q.origin_key,
    q.anchor_on, %(today)s, %(now)s, %(by)s, a.owner_id, '', '',
    CASE WHEN a.id = ANY(%(held)s::bigint[]) THEN %(already)s ELSE '' END,
    CASE WHEN a.id = ANY(%(held)s::bigint[]) THEN %(today)s::date END, q.trace::jsonb
FROM unnest(%(accounts)s::bigint[], %(variants)s::text[], %(origins)s::text[], %(anchors)s::date[], %(traces)s::text[])
    AS q(account_id, variant, origin_key, anchor_on, trace)
JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = q.account_id
ON CONFLICT (tenant_id, origin_key) DO NOTHING
RETURNING id
"""
_STEPS: Final = """
INSERT INTO journeys_runstep (tenant_id, run_id, key, title, position, state, done_by, note)
SELECT %(tenant)s, r.id, q.key, q.title, q.position, 'ahead', '', ''
FROM journeys_playbookrun r
JOIN unnest(%(variants)s::text[], %(keys)s::text[], %(titles)s::text[], %(positions)s::int[])
    AS q(variant, key, title, position) ON q.variant = r.variant
WHERE r.tenant_id = %(tenant)s AND r.id = ANY(%(runs)s::bigint[])
ON CONFLICT (tenant_id, run_id, key) DO NOTHING
"""
OWN_AUTHORITY: Final = "Started on own authority: nobody else was asked."
NO_AUTHORITY: Final = "Only a member who approves waivers may start it all the same."


class PlayRefused(ValueError):
    """The play may not start. `lines` say why; a reason given as a waiver helps where `waivable`.

    `running` is the play that runs already, where that is what stands against it.
    """

    def __init__(self, lines: Sequence[str], *, waivable: bool = False, running: int | None = None) -> None:
        super().__init__(" ".join(lines))
        self.lines = tuple(lines)
        self.waivable = waivable
        self.running = running


class OriginTaken(Conflict):
    """The origin key belongs to a play of another account or of another playbook."""

    code = "key_reused"


class NotOfAccount(ValueError):
    """The opportunity that the play is to be about is not one of the account."""


@dataclass(frozen=True)
class Request:
    """Starts of one playbook that have everything in common but the account.

    `origins` gives the key of each account's start; an account without one gets a key of trigger, playbook, account
    and the number of its plays so far. `anchors` are days that are known; the others are looked up.
    """

    version: ProcessVersion
    actor: Actor
    today: date
    now: datetime
    trigger: str = "manual"
    opportunity_id: int | None = None
    waiver_reason: str = ""
    origins: Mapping[int, str] = field(default_factory=dict)
    anchors: Mapping[int, date] = field(default_factory=dict)
    traces: Mapping[int, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Begun:
    """What came of it: the new plays, and why the others were refused, by account."""

    runs: tuple[int, ...] = ()
    refused: Mapping[int, PlayRefused] = field(default_factory=dict)


@transaction.atomic
def start_play(
    *,
    playbook: str,
    account_id: int,
    actor: Actor,
    today: date,
    now: datetime,
    person_id: int | None = None,
    trigger: str = "manual",
    origin_key: str | None = None,
    opportunity_id: int | None = None,
    anchor_on: date | None = None,
    waiver_reason: str = "",
) -> PlaybookRun:
    """Starts the live version for an account: steps, and a task for each whose day is known.

    `waiver_reason` passes what it requires, by a member who approves waivers: on their own authority, and the ledger
    says so. The play with this `origin_key` if there
    is one already, as it is. Raises `PlayRefused`, with what is missing, `OriginTaken`, `NotOfAccount` and
    `Account.DoesNotExist`. `person_id` is who starts it, where that is known.
    """
    version = live_playbook(playbook)
    if version is None:
        raise PlayRefused([f"No playbook '{playbook}' is live. Publish it first, or choose another."])
    Account.objects.select_for_update(no_key=True).get(pk=account_id)
    if origin_key and (there := _there(origin_key, playbook, account_id)) is not None:
        return there
    if opportunity_id and not Opportunity.objects.filter(pk=opportunity_id, account_id=account_id).exists():
        raise NotOfAccount("This account has no opportunity with this id. Name one of its own, or none.")
    request = Request(
        version, actor, today, now, trigger, opportunity_id, waiver_reason.strip(),
        origins={account_id: origin_key} if origin_key else {}, anchors={account_id: anchor_on} if anchor_on else {},
    )  # fmt: skip
    begun = begin(request, [account_id])
    if account_id in begun.refused:
        raise begun.refused[account_id]
    if not begun.runs and origin_key and (there := _there(origin_key, playbook, account_id)) is not None:
        return there  # somebody was faster by a moment
    run = PlaybookRun.objects.get(pk=begun.runs[0])
    audit.record(
        actor=actor, at=now, verb="started play", subject=run, reason=waiver_reason.strip(),
        after={"version": version.number, "variant": run.variant, "trigger": trigger, "person": person_id}
        | ({"waived": waiver["missing"]} if (waiver := run.trace.get("waiver")) else {}),
    )  # fmt: skip
    return run


def _there(origin_key: str, playbook: str, account_id: int) -> PlaybookRun | None:
    """The play that this key started. Raises `OriginTaken` where that was another playbook or another account."""
    found = PlaybookRun.objects.filter(origin_key=origin_key).first()
    if found is not None and (found.playbook, found.account_id) != (playbook, account_id):
        raise OriginTaken("This origin key started a play of another account or playbook. Use a new key for a new one.")
    return found


@transaction.atomic
def begin(request: Request, account_ids: Sequence[int]) -> Begun:
    """Starts the play for the accounts that may have it. A constant number of statements, whatever their number.

    Two that start at once take turns account by account. Asked again with the same origins: nothing new.
    """
    ids = sorted(set(account_ids))
    book = playbook_of(request.version)
    accounts = {
        row["pk"]: row
        for row in Account.objects.filter(pk__in=ids)
        .order_by("pk")
        .select_for_update(no_key=True)
        .values("pk", "name", "segment", "status")
    }
    refused = _refused(request, book, accounts)
    if request.trigger == "alert":
        refused |= _kept_away(request, book, [pk for pk in accounts if pk not in refused])
    going = [pk for pk in accounts if pk not in refused]
    waived = _unmet(request, book, going)
    if waived and request.waiver_reason and not _may_waive(request.actor):
        refused |= {pk: PlayRefused([*lines, NO_AUTHORITY], waivable=True) for pk, lines in waived.items()}
        waived = {}
    elif not request.waiver_reason:
        refused |= {pk: PlayRefused(lines, waivable=True) for pk, lines in waived.items()}
        waived = {}
    anchors = {**_anchors(request, book, [pk for pk in accounts if pk not in refused]), **request.anchors}
    for pk in accounts:
        if pk not in refused and anchors.get(pk) is None:
            name = ANCHORS.get(book.anchor, book.anchor)
            refused[pk] = PlayRefused([f"{accounts[pk]['name']} has no day for {name}. Give the day, or set it first."])
    going = [pk for pk in accounts if pk not in refused]
    runs = _insert(request, book, going, accounts, anchors, waived) if going else []
    if waived and runs:
        _keep_waivers(request, runs, waived)
    settle(runs, today=request.today, now=request.now, actor=request.actor)
    return Begun(tuple(runs), refused)


def _refused(request: Request, book: Playbook, accounts: Mapping[int, Mapping[str, Any]]) -> dict[int, PlayRefused]:
    """What stands against a start whatever anybody says."""
    refused: dict[int, PlayRefused] = {}
    running: dict[int, int] = {}
    if book.one_at_a_time:
        found = PlaybookRun.objects.filter(playbook=request.version.key, account_id__in=accounts, state=RUNNING)
        running = dict(found.exclude(origin_key__in=request.origins.values()).values_list("account_id", "pk"))
    for pk, account in accounts.items():
        if account["status"] == AccountStatus.MERGED:
            refused[pk] = PlayRefused([f"{account['name']} was merged into another account. Start it there."])
        elif pk in running:
            words = f"{request.version.name} runs for {account['name']} already. Finish or stop it first."
            refused[pk] = PlayRefused([words], running=running[pk])
        elif book.variant_for(account["segment"]) is None:
            refused[pk] = PlayRefused([f"No variant of {request.version.name} is for '{account['segment']}'. Add one."])
    return refused


def _kept_away(request: Request, book: Playbook, going: Sequence[int]) -> dict[int, PlayRefused]:
    """An alert starts plays for the audience only, and none while the last one cools down. People may."""
    outside = set(going) - meeting(going, book.audience, request.today) if book.audience is not None else set()
    words = f"Not in the audience: {said(book.audience)}." if outside else ""
    refused = {pk: PlayRefused([words]) for pk in outside}
    days = next((start.cool_down_days for start in book.starts if start.on == "alert"), 0)
    lately = PlaybookRun.objects.filter(
        playbook=request.version.key, account_id__in=going, started_on__gt=request.today - timedelta(days=days)
    ).exclude(origin_key__in=request.origins.values())
    cooling = set(lately.values_list("account_id", flat=True)) if days else set()
    return refused | {pk: PlayRefused([f"Cooling down: one started in the last {days} days."]) for pk in cooling}


def _unmet(request: Request, book: Playbook, going: Sequence[int]) -> dict[int, list[str]]:
    """For the accounts that do not meet what the playbook requires: the conditions, with what they saw."""
    if book.requires is None or not going:
        return {}
    short = set(going) - meeting(going, book.requires, request.today)
    values = values_of(short, [str(leaf["fact"]) for leaf in leaves(book.requires)], request.today) if short else {}
    lines, currency = {}, currency_of(book.requires)
    for pk in short:
        seen = entries(book.requires, values.get(pk, {}))
        missing = [f"{entry_words(one, currency)}." for one in seen if one["met"] is not True]
        lines[pk] = ["Required before it starts:", *(missing or ["the condition does not hold."])]
    return lines


def _anchors(request: Request, book: Playbook, going: Sequence[int]) -> dict[int, date | None]:
    unknown = [pk for pk in going if pk not in request.anchors]
    if book.anchor == "start":
        return dict.fromkeys(unknown, request.today)
    return anchors_of(unknown, book.anchor, request.today) if unknown else {}


def _insert(
    request: Request,
    book: Playbook,
    going: Sequence[int],
    accounts: Mapping[int, Mapping[str, Any]],
    anchors: Mapping[int, date | None],
    waived: Mapping[int, list[str]],
) -> list[int]:
    origins = {**_origins(request, [pk for pk in going if pk not in request.origins]), **request.origins}
    variants = {pk: book.variant_for(accounts[pk]["segment"]) for pk in going}
    held = meeting(going, book.outcome.rule, request.today) if book.outcome is not None else set()
    judged = {JUDGED_BY: tree_key(book.outcome.rule)} if book.outcome is not None else {}
    traces = []
    for pk in going:
        trace = {**request.traces.get(pk, {}), **judged}
        if book.anchor in FOLLOWED and (pk not in request.anchors or request.trigger == "date"):
            trace[ANCHOR] = LOOKED_UP
        if accounts[pk]["status"] == AccountStatus.CHURNED:
            trace[FORMER] = True
        if pk in waived:
            trace["waiver"] = {"reason": request.waiver_reason, "by": request.actor.label, "missing": waived[pk][1:]}
        traces.append(json.dumps(trace, cls=DjangoJSONEncoder))
    params = {
        "tenant": require_tenant_id(), "opportunity": request.opportunity_id, "playbook": request.version.key,
        "version": request.version.pk, "trigger": request.trigger, "today": request.today, "now": request.now,
        "by": request.actor.label, "accounts": list(going),
        "variants": [one.key if (one := variants[pk]) else "" for pk in going],
        "origins": [origins[pk] for pk in going], "held": sorted(held), "already": ALREADY,
        "anchors": [anchors[pk] for pk in going], "traces": traces,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_START, params)
        runs = [int(row[0]) for row in cursor.fetchall()]
    insert_steps(runs, book)
    return runs


def _may_waive(actor: Actor) -> bool:
    """A waiver is a person's, never a program's: of a member who approves them."""
    member = Membership.objects.filter(pk=actor.membership_id, is_active=True).first() if actor.membership_id else None
    return member is not None and may(member.role, Permission.APPROVE_WAIVERS)


def _keep_waivers(request: Request, run_ids: Sequence[int], waived: Mapping[int, list[str]]) -> None:
    """Starts in spite of what is required stand in the ledger of waivers, used as they were given.

    Nobody else has looked at them, so that no approver is named.
    """
    started = PlaybookRun.objects.filter(pk__in=run_ids, account_id__in=waived).values_list("account_id", flat=True)
    Waiver.objects.bulk_create(
        Waiver(
            tenant_id=require_tenant_id(),
            account_id=pk,
            stage_key=PLAY_START,
            version=request.version,
            criteria=[{"key": f"requires.{n}", "name": name} for n, name in enumerate(waived[pk][1:], 1)],
            reason=request.waiver_reason,
            asked_at=request.now,
            asked_by=request.actor.label,
            asker_id=request.actor.membership_id,
            state="approved",
            answered_at=request.now,
            answered_by=request.actor.label,
            answer=OWN_AUTHORITY,
            expires_on=request.today + timedelta(days=1),
            used_at=request.now,
        )
        for pk in started
    )


def insert_steps(run_ids: Sequence[int], book: Playbook) -> None:
    """The steps of new plays, all ahead. Those that a play has already stay as they are."""
    rows = [(one.key, step.key, step.title, step.place + 1) for one in book.variants for step in one.steps]
    variants, keys, titles, positions = (list(column) for column in zip(*rows, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            _STEPS,
            {"tenant": require_tenant_id(), "runs": list(run_ids), "variants": variants, "keys": keys,
             "titles": titles, "positions": positions},
        )  # fmt: skip


def _origins(request: Request, account_ids: Sequence[int]) -> dict[int, str]:
    """A key of its own for each start that has none: the same start asked twice meets the first one that runs."""
    before: dict[int, int] = {}
    for pk in PlaybookRun.objects.filter(playbook=request.version.key, account_id__in=account_ids).values_list(
        "account_id", flat=True
    ):
        before[pk] = before.get(pk, 0) + 1
    key, trigger = request.version.key, request.trigger
    return {pk: f"{trigger}:{key}:{pk}:{before.get(pk, 0) + 1}" for pk in account_ids}
