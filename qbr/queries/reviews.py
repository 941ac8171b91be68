"""Which reviews there are, and how many were held."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet

from accounts.queries.gone import not_gone
from core.models import ProcessVersion, Tenant
from core.queries import published_version
from core.tenancy import require_tenant_id
from qbr.choices import QBRState
from qbr.models import QBR, QBRPackage
from qbr.rules import Cadence, Template, package_hash, parse_cadence, parse_template

CADENCE_KIND: Final = "qbr_cadence"
TEMPLATE_KIND: Final = "qbr_template"
STANDARD: Final = "standard"
OPEN_STATES: Final = (QBRState.DRAFT, QBRState.REVIEW, QBRState.SENT)


@dataclass(frozen=True)
class HeldSummary:
    """Reviews due in the current quarter. Cancelled by the customer is its own bucket and stays in `required`."""

    required: int
    held: int
    cancelled: int

    @property
    def rate(self) -> float | None:
        return self.held / self.required if self.required else None


def live_cadence() -> tuple[ProcessVersion, Cadence] | None:
    """The published cadence, or None in a workspace without one."""
    version = published_version(CADENCE_KIND, STANDARD)
    return None if version is None else (version, parse_cadence(version.definition))


def live_template() -> tuple[ProcessVersion, Template] | None:
    """The published template, or None in a workspace without one."""
    version = published_version(TEMPLATE_KIND, STANDARD)
    return None if version is None else (version, parse_template(version.definition))


def open_qbrs(owner_id: int | None = None) -> QuerySet[QBR]:
    """Reviews that are neither held nor cancelled, of one owner or of all, the earliest due first."""
    found = QBR.objects.filter(state__in=OPEN_STATES).select_related("account", "owner").order_by("due_on", "pk")
    return found if owner_id is None else found.filter(owner_id=owner_id)


def past_qbrs(owner_id: int | None = None) -> QuerySet[QBR]:
    """Reviews that were held or cancelled, the latest first."""
    found = (
        QBR.objects.filter(state__in=[QBRState.HELD, QBRState.CANCELLED])
        .select_related("account", "owner")
        .order_by("-due_on", "-pk")
    )
    return found if owner_id is None else found.filter(owner_id=owner_id)


def qbrs_of_account(account_id: int) -> QuerySet[QBR]:
    """Every review of an account, the latest due first."""
    return QBR.objects.filter(account_id=account_id).select_related("owner").order_by("-due_on", "-pk")


def qbr_detail(qbr_id: int) -> QBR | None:
    """The review with account, owner and cadence, or None."""
    return QBR.objects.select_related("account", "owner", "cadence_version").filter(pk=qbr_id).first()


def latest_package(qbr_id: int) -> QBRPackage | None:
    """The package that the page shows, or None before one is assembled."""
    return QBRPackage.objects.filter(qbr_id=qbr_id).select_related("template_version").order_by("-number").first()


def with_packages(qbrs: list[QBR]) -> list[dict[str, Any]]:
    """Each review with its headline and how many figures are missing in its latest package. One query."""
    latest = (
        QBRPackage.objects.filter(qbr_id__in=[qbr.pk for qbr in qbrs])
        .order_by("qbr_id", "-number")
        .distinct("qbr_id")
        .values_list("qbr_id", "number", "data__headline", "data__missing")
    )
    found = {row[0]: row[1:] for row in latest}
    rows = []
    for qbr in qbrs:
        number, headline, missing = found.get(qbr.pk, (None, "", None))
        rows.append({"qbr": qbr, "number": number, "headline": headline or "", "missing": len(missing or [])})
    return rows


# The one definition, for every statement that reads it: required, held, cancelled by the customer. `q` is the review.
HELD_COUNTS: Final = "count(*), count(*) FILTER (WHERE q.state = 'held'), count(*) FILTER (WHERE q.state = 'cancelled')"
# A review of an account that went into another one is required of nobody: the other one has its own.
IS_REQUIRED: Final = not_gone("q.account_id")
_HELD: Final = f"""
SELECT {HELD_COUNTS} FROM qbr_qbr q
WHERE {IS_REQUIRED} AND q.tenant_id = %(tenant)s AND q.due_on >= %(start)s AND q.due_on < %(end)s
  AND (%(owner)s::bigint IS NULL OR q.owner_id = %(owner)s)
"""  # noqa: S608 -- only the counts above enter


def quarter_of(today: date) -> tuple[date, date]:
    """The half-open calendar quarter of a day."""
    first = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    return first, date(first.year + first.month // 10, (first.month + 2) % 12 + 1, 1)


def held_this_quarter(owner_id: int | None, today: date) -> HeldSummary:
    """How many of the reviews due in the calendar quarter of today are held. One query."""
    start, end = quarter_of(today)
    with connection.cursor() as cursor:
        cursor.execute(_HELD, {"tenant": require_tenant_id(), "owner": owner_id, "start": start, "end": end})
        return HeldSummary(*cursor.fetchone())


def wrong_hashes(_tenant: Tenant, _now: datetime) -> int:
    """How many packages no longer have the content that was frozen."""
    packages = QBRPackage.objects.values_list("data", "sha256")
    return sum(package_hash(data) != sha256 for data, sha256 in packages.iterator(chunk_size=500))
