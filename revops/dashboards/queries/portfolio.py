"""The list of accounts: filters, keyset pages in five orders, totals. Every page costs the same at any size."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.choices import AccountStatus
from accounts.models import Account
from accounts.rules import name_key
from health.choices import Band
from health.models import Score
from renewals.choices import RenewalState
from renewals.models import Renewal

PAGE: Final = 50
SILENT: Final = timedelta(days=30)
RENEWING: Final = timedelta(days=90)
VIEWS: Final = ("book", "risk", "silent", "all", "former")
SORTS: Final = ("health", "name", "arr", "renewal", "contact")
LAST_SIGN: Final = "\U0010ffff"


@dataclass(frozen=True)
class Filter:
    """What the address says, checked. `owner_id` is set by the view "book" or by the owner filter.

    `before_scores`: nobody has been scored yet, and customers are listed without.
    """

    view: str
    today: date
    owner_id: int | None = None
    segment: str | None = None
    band: str = ""
    text: str = ""
    sort: str = "health"
    descending: bool = False
    before_scores: bool = False

    @property
    def from_roll_up(self) -> bool:
        """Whether the roll-up knows the totals: it has owner, segment and band, but no dates and no names."""
        return self.view in {"book", "all"} and not self.text

    @property
    def prefix(self) -> tuple[str, str] | None:
        """The range of name keys that begin with the text: `>=` and `<` use the index behind row security."""
        key = name_key(self.text)
        return (key, key + LAST_SIGN) if key else None


def matching(wanted: Filter) -> QuerySet[Account]:
    """The accounts of a filter in no order, for totals, export and bulk actions: nobody carries a list of ids."""
    accounts = Account.objects.exclude(status=AccountStatus.MERGED)
    if wanted.view == "former":
        accounts = accounts.filter(status=AccountStatus.CHURNED)
    elif wanted.before_scores:
        accounts = accounts.filter(status=AccountStatus.CUSTOMER)
    else:
        scored = Score.objects.filter(account_id=OuterRef("pk"), tenant_id=OuterRef("tenant_id"))
        band = Band.RED if wanted.view == "risk" else wanted.band
        accounts = accounts.filter(Exists(scored.filter(band=band) if band else scored))
    if wanted.view == "risk":
        renewing = Renewal.objects.filter(
            account_id=OuterRef("pk"), tenant_id=OuterRef("tenant_id"), state=RenewalState.OPEN
        )
        accounts = accounts.filter(Exists(renewing.filter(due_on__lte=wanted.today + RENEWING)))
    if wanted.view == "silent":
        accounts = accounts.filter(Q(last_contact_on=None) | Q(last_contact_on__lt=wanted.today - SILENT))
    if wanted.owner_id is not None:
        accounts = accounts.filter(owner_id=wanted.owner_id)
    if wanted.segment is not None:
        accounts = accounts.filter(segment=wanted.segment)
    if wanted.prefix:
        accounts = accounts.filter(name_key__gte=wanted.prefix[0], name_key__lt=wanted.prefix[1])
    return accounts


@dataclass(frozen=True)
class Totals:
    """`accounts` is exact to 10,000 and 10,001 beyond; then the sum is not known either."""

    accounts: int
    arr_minor: int | None
    scored: int | None = None
    weighted_score: float | None = None

    @property
    def is_bounded(self) -> bool:
        return self.accounts > COUNT_LIMIT


COUNT_LIMIT: Final = 10_000


def totals(wanted: Filter) -> Totals:
    """Count and ARR of any filter, read from at most 10,001 accounts. One query."""
    found = list(matching(wanted).values_list("arr_minor", flat=True)[: COUNT_LIMIT + 1])
    return Totals(len(found), sum(found) if len(found) <= COUNT_LIMIT else None)


def counted(wanted: Filter) -> int:
    """How many accounts match, exact to 10,000 and 10,001 beyond."""
    return matching(wanted).order_by()[: COUNT_LIMIT + 1].count()


def view_filter(view: str, *, person_id: int | None, today: date) -> Filter:
    """A built-in view as it stands in its tab: a person's own accounts where the person has any."""
    mine = person_id if view in {"book", "risk", "silent"} else None
    sort = {"silent": "contact", "former": "name"}.get(view, "health")
    return Filter(view=view, today=today, owner_id=mine, sort=sort)


def without(wanted: Filter, name: str) -> Filter:
    """The filter with one part taken away, to tell which one is too narrow."""
    empty: dict[str, Any] = {"owner": {"owner_id": None}, "segment": {"segment": None}, "band": {"band": ""},
                             "text": {"text": ""}}  # fmt: skip
    return replace(wanted, **empty[name])
