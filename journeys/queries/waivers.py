"""Reads of waivers: the ledger, and what came of those that were used."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from django.db.models import Count, Q, QuerySet

from core.choices import Role
from core.models import Membership
from core.permissions import Permission, may
from core.tenancy import require_tenant_id
from journeys.models import LifecycleStage, PipelineStage, Waiver

ASKED: Final = "asked"
OPEN: Final = "open"
USED: Final = "used"
EXPIRED: Final = "expired"
REFUSED: Final = "refused"
REVOKED: Final = "revoked"
STATES: Final = (
    (ASKED, "Waiting"),
    (OPEN, "Open"),
    (USED, "Used"),
    (EXPIRED, "Expired"),
    (REFUSED, "Refused"),
    (REVOKED, "Revoked"),
)
PAGE: Final = 50
PLAY_START: Final = "start"  # the gate of a playbook, as the ledger names it


def approvers() -> QuerySet[Membership]:
    """The active members who may approve."""
    roles = [role for role in Role.values if may(role, Permission.APPROVE_WAIVERS)]
    return Membership.objects.filter(tenant_id=require_tenant_id(), role__in=roles, is_active=True)


def in_state(state: str, today: date) -> Q:
    """The condition of a state of the ledger; every waiver is in exactly one."""
    fresh = Q(expires_on__gt=today)
    return {
        ASKED: Q(state="asked") & fresh,
        OPEN: Q(state="approved", used_at=None) & fresh,
        USED: Q(state="approved", used_at__isnull=False),
        EXPIRED: Q(state__in=["asked", "approved"], used_at=None, expires_on__lte=today),
        REFUSED: Q(state="refused"),
        REVOKED: Q(state="revoked"),
    }.get(state, Q())


def state_of(waiver: Waiver, today: date) -> str:
    """In which of the states of the ledger it is."""
    if waiver.state in {"refused", "revoked"}:
        return waiver.state
    if waiver.used_at is not None:
        return USED
    if waiver.expires_on <= today:
        return EXPIRED
    return ASKED if waiver.state == "asked" else OPEN


@dataclass(frozen=True)
class LedgerFilters:
    """What of the ledger is shown. `gate` is `pipeline:sales:proposal`; empty fields show everything."""

    state: str = ""
    gate: str = ""
    opportunity_id: int | None = None
    account_id: int | None = None


@dataclass(frozen=True)
class LedgerRow:
    """One waiver with the words of its row."""

    waiver: Waiver
    state: str
    gate_name: str

    @property
    def state_label(self) -> str:
        return dict(STATES)[self.state]

    @property
    def tone(self) -> str:
        """Of its chip: amber while it waits, green while it is open."""
        return {ASKED: "warn", OPEN: "ok"}.get(self.state, "")

    @property
    def is_own(self) -> bool:
        """A play was started by somebody who may waive what it requires: nobody else has approved it."""
        return self.waiver.version.kind == "playbook" and self.waiver.stage_key == PLAY_START

    @property
    def criteria(self) -> list[str]:
        return [str(one["name"]) for one in self.waiver.criteria]

    @property
    def about(self) -> str:
        return str(self.waiver.opportunity or self.waiver.account)


def ledger(filters: LedgerFilters, today: date) -> QuerySet[Waiver]:
    """The waivers, the latest first, with whom they are about."""
    found = Waiver.objects.filter(in_state(filters.state, today))
    if filters.gate:
        kind, key, stage = (*filters.gate.split(":"), "", "", "")[:3]
        found = found.filter(version__kind=kind, version__key=key, stage_key=stage)
    if filters.opportunity_id is not None:
        found = found.filter(opportunity_id=filters.opportunity_id)
    if filters.account_id is not None:
        found = found.filter(account_id=filters.account_id)
    return found.select_related("opportunity__account", "opportunity__stage", "account", "version").order_by("-pk")


@dataclass(frozen=True)
class LedgerPage:
    rows: Sequence[LedgerRow]
    after: str = ""


def ledger_page(filters: LedgerFilters, today: date, after: str = "") -> LedgerPage:
    """A page of the ledger, and where the next one starts. Three statements."""
    found = ledger(filters, today)
    if after.isascii() and after.isdigit() and len(after) < 19:
        found = found.filter(pk__lt=int(after))
    waivers = list(found[: PAGE + 1])
    names = gate_names()
    rows = [ledger_row(one, names, today) for one in waivers[:PAGE]]
    return LedgerPage(rows, str(waivers[PAGE - 1].pk) if len(waivers) > PAGE else "")


def ledger_row(waiver: Waiver, names: Mapping[str, str], today: date) -> LedgerRow:
    """The row of one waiver."""
    gate = f"{waiver.version.kind}:{waiver.version.key}:{waiver.stage_key}"
    return LedgerRow(waiver, state_of(waiver, today), names.get(gate, waiver.stage_key))


def state_counts(today: date) -> dict[str, int]:
    """How many waivers are in each state. One statement."""
    return Waiver.objects.aggregate(**{state: Count("pk", filter=in_state(state, today)) for state, _ in STATES})


def gate_names() -> dict[str, str]:
    """The names of all gates, by `pipeline:sales:proposal`; of playbooks, those started with one. Three statements."""
    deals = PipelineStage.objects.order_by("pipeline_id", "position").values_list(
        "pipeline__key", "key", "pipeline__name", "name"
    )
    accounts = LifecycleStage.objects.order_by("journey", "position").values_list("journey", "key", "name")
    found = {f"pipeline:{key}:{stage}": f"{name}: {stage_name}" for key, stage, name, stage_name in deals}
    found |= {f"journey:{key}:{stage}": f"Journey: {name}" for key, stage, name in accounts}
    plays = (
        Waiver.objects.filter(version__kind="playbook")
        .order_by("version__number")
        .values_list("version__key", "stage_key", "version__name")
    )
    return found | {f"playbook:{key}:{stage}": f"Playbook: {name}" for key, stage, name in plays.distinct()}


@dataclass(frozen=True)
class Tally:
    """What was asked at one gate, or by one person, and what came of the deals that passed with a waiver."""

    key: str
    name: str
    asked: int
    approved: int
    refused: int
    used: int
    won: int
    lost: int

    @property
    def still_open(self) -> int:
        """Deals that passed with a waiver and are still under way; accounts count here as well."""
        return self.used - self.won - self.lost

    @property
    def won_share(self) -> float | None:
        """Won of won and lost."""
        closed = self.won + self.lost
        return self.won / closed if closed else None


@dataclass(frozen=True)
class Report:
    """Waivers of a period: by gate and by asker, most first."""

    gates: Sequence[Tally] = field(default_factory=tuple)
    askers: Sequence[Tally] = field(default_factory=tuple)

    @property
    def asked(self) -> int:
        return sum(one.asked for one in self.gates)


_FIGURES: Final[Mapping[str, Any]] = {
    "n": Count("pk"),
    # Who started a play on own authority was approved by nobody.
    "approved": Count("pk", filter=Q(state="approved") & ~Q(version__kind="playbook", stage_key=PLAY_START)),
    "refused": Count("pk", filter=Q(state="refused")),
    "used": Count("pk", filter=Q(used_at__isnull=False)),
    "won": Count("pk", filter=Q(used_at__isnull=False, opportunity__stage__kind="won")),
    "lost": Count("pk", filter=Q(used_at__isnull=False, opportunity__stage__kind="lost")),
}
_COUNTED: Final = ("n", "approved", "refused", "used", "won", "lost")


def waiver_exists(waiver_id: int) -> bool:
    """Whether the workspace has it."""
    return waiver_id < 2**63 and Waiver.objects.filter(pk=waiver_id).exists()


def report(since: date, until: date, zone: tzinfo) -> Report:
    """The waivers asked from a day up to and with another, and what came of them. Four statements."""
    begins = datetime.combine(since, time(), zone)
    ends = datetime.combine(until + timedelta(days=1), time(), zone)
    asked = Waiver.objects.filter(asked_at__gte=begins, asked_at__lt=ends).order_by()
    names = gate_names()
    by_gate = asked.values_list("version__kind", "version__key", "stage_key").annotate(**_FIGURES)
    by_asker = asked.values_list("asked_by").annotate(**_FIGURES)
    return Report(
        gates=_sorted(
            Tally(gate, names.get(gate, stage), *figures)
            for kind, key, stage, *figures in by_gate
            for gate in (f"{kind}:{key}:{stage}",)
        ),
        askers=_sorted(Tally(name, name, *figures) for name, *figures in by_asker),
    )


def _sorted(tallies: Iterator[Tally]) -> list[Tally]:
    return sorted(tallies, key=lambda one: (-one.asked, one.name))
