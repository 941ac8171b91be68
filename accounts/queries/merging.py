"""What a merge would move, which accounts look like one, and what was merged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import connection
from django.db.models import Q, QuerySet

from accounts.choices import AccountStatus
from accounts.models import Account, AccountMerge
from accounts.rules.merging import CHOICES, DROPPED, MOVES, STAYS, MergePart, usual_choice
from accounts.rules.names import name_key
from core import registry
from core.formatting import day
from core.tenancy import require_tenant_id

SUGGESTED: Final = 50
FOUND: Final = 12


def merge_parts() -> list[MergePart]:
    """The tables of all apps, in the order in which they go over."""
    return sorted(registry.mergers().values(), key=lambda part: (part.order, part.table))


@dataclass(frozen=True)
class Effect:
    """What happens to the rows of one table: `moving` go over, `giving_way` meet the rule."""

    label: str
    moving: int
    giving_way: int
    fate: str
    rule: str

    @property
    def fate_words(self) -> str:
        return {STAYS: "stay in the history of the other", DROPPED: "are kept in the merge only", MOVES: ""}[self.fate]


def statement_values(
    kept_id: int, gone_id: int, *, today: date, now: datetime, actor: str = "", because: str = ""
) -> dict[str, Any]:
    """What the statements of parts know."""
    return {
        "tenant": require_tenant_id(), "kept": kept_id, "gone": gone_id, "today": today, "now": now, "actor": actor,
        "because": because,
    }  # fmt: skip


def what_would_move(kept_id: int, gone_id: int, *, today: date, now: datetime) -> list[Effect]:
    """The dry run. One statement over all tables; it writes nothing."""
    parts = merge_parts()
    counts = " UNION ALL ".join(
        f"SELECT {place}, "  # noqa: S608 -- our own tables
        f"count(*) FILTER (WHERE NOT ({part.gives_way}) AND g.{part.column} = %(gone)s), "
        f"count(*) FILTER (WHERE ({part.gives_way})) FROM {part.table} g WHERE g.tenant_id = %(tenant)s "
        f"AND g.{part.column} IN ({'%(gone)s, %(kept)s' if part.both else '%(gone)s'})"
        for place, part in enumerate(parts)
    )
    with connection.cursor() as cursor:
        cursor.execute(counts, statement_values(kept_id, gone_id, today=today, now=now))
        found = {place: (moving, giving_way) for place, moving, giving_way in cursor.fetchall()}
    effects = [Effect(part.label, *found.get(place, (0, 0)), part.fate, part.rule) for place, part in enumerate(parts)]
    return [one for one in effects if one.moving or one.giving_way]


@dataclass(frozen=True)
class Field:
    """A field of both accounts, and whose value is taken unless a person says otherwise."""

    key: str
    label: str
    kept: str
    gone: str
    usual: str

    @property
    def differs(self) -> bool:
        return self.kept != self.gone


def side_by_side(kept: Account, gone: Account) -> list[Field]:
    """The fields in which the two differ or agree, as a person reads them."""
    usual = {key: usual_choice(key, getattr(kept, key), getattr(gone, key)) for key in CHOICES}
    return [Field(key, label, _shown(kept, key), _shown(gone, key), usual[key]) for key, label in CHOICES.items()]


def _shown(account: Account, key: str) -> str:
    if key == "segment":
        return str(account.get_segment_display()) if account.segment else ""
    value = getattr(account, key.removesuffix("_id"))
    if isinstance(value, date):
        return day(value)
    return "" if value is None else str(value)


def mergeable(account_id: int) -> Account | None:
    """The account, if it is there and has not gone into another one."""
    if account_id >= 2**63:
        return None
    found = Account.objects.select_related("owner", "deputy").filter(pk=account_id)
    return found.exclude(status=AccountStatus.MERGED).first()


def look_alike(account: Account) -> QuerySet[Account]:
    """Other accounts with the same domain or the same name, the largest first."""
    same = Q(name_key=account.name_key)
    if account.domain_key:
        same |= Q(domain_key=account.domain_key)
    return _others(account).filter(same).order_by("-arr_minor", "pk")[:FOUND]


def accounts_called(account: Account, text: str) -> QuerySet[Account]:
    """Other accounts whose name begins with the text, or whose id it is."""
    key = name_key(text)
    begins = Q(name_key__gte=key, name_key__lt=key + "\U0010ffff") | Q(external_id=text.strip())
    return _others(account).filter(begins).order_by("name_key", "pk")[:FOUND] if key else Account.objects.none()


def _others(account: Account) -> QuerySet[Account]:
    others = Account.objects.select_related("owner").exclude(pk=account.pk)
    return others.exclude(status=AccountStatus.MERGED)


@dataclass(frozen=True)
class Twins:
    """Accounts that look like one: the same domain, or the same name."""

    because: str
    value: str
    accounts: Sequence[Mapping[str, Any]]

    @property
    def kept(self) -> Mapping[str, Any]:
        """The one to keep, by proposal: with the most ARR, else the oldest."""
        return self.accounts[0]


_TWINS: Final = """
WITH twins AS (
    SELECT 'domain' AS because, domain_key AS value, COUNT(*) AS n, SUM(arr_minor) AS arr FROM accounts_account
    WHERE tenant_id = %(tenant)s AND status <> 'merged' AND domain_key <> '' GROUP BY domain_key HAVING COUNT(*) > 1
    UNION ALL
    SELECT 'name', name_key, COUNT(*), SUM(arr_minor) FROM accounts_account
    WHERE tenant_id = %(tenant)s AND status <> 'merged' GROUP BY name_key HAVING COUNT(*) > 1
    ORDER BY arr DESC, because, value LIMIT %(limit)s
)
SELECT twins.because, twins.value, json_agg(json_build_object('id', a.id, 'name', a.name, 'arr_minor', a.arr_minor,
    'external_id', a.external_id, 'owner', p.name, 'status', a.status) ORDER BY a.arr_minor DESC, a.id)
FROM twins
JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.status <> 'merged'
    AND CASE twins.because WHEN 'domain' THEN a.domain_key ELSE a.name_key END = twins.value
LEFT JOIN accounts_person p ON p.tenant_id = %(tenant)s AND p.id = a.owner_id
GROUP BY twins.because, twins.value, twins.arr
ORDER BY twins.arr DESC, twins.because, twins.value
"""


def twins(limit: int = SUGGESTED) -> list[Twins]:
    """Groups of accounts that are probably one, those with the most ARR first. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_TWINS, {"tenant": require_tenant_id(), "limit": limit})
        return [Twins(because, value, accounts[:10]) for because, value, accounts in cursor.fetchall()]


def merges_into(account_id: int) -> QuerySet[AccountMerge]:
    """What went into the account, the latest first; also by way of one that went into it later."""
    into = Q(kept_id=account_id) | Q(gone__merged_into_id=account_id)
    return AccountMerge.objects.filter(into).select_related("gone", "kept").order_by("-merged_at", "-pk")


def where_it_went(account_id: int) -> int | None:
    """The account that this one went into, or None. Always the last one: earlier merges follow later ones."""
    gone = Account.objects.filter(pk=account_id, status=AccountStatus.MERGED)
    return gone.values_list("merged_into_id", flat=True).first()
