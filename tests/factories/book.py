"""A scored book of any size, made in bulk: for pages that must cost the same with many accounts as with few."""

from datetime import UTC, date, datetime, timedelta

from accounts.models import Account, Activity, Contact, Contract, ContractLine, Goal, Person, RevenueMovement, Ticket
from core.models import ProcessVersion, Tenant
from escalations.models import Escalation
from health.choices import EVERYBODY
from health.models import HealthDay, Score, ScoreHistory, ScoringState
from journeys.actions.lifecycle import refresh_figures
from journeys.models import LifecycleStage, StageVisit, Task
from qbr.models import QBR
from renewals.models import Renewal

_BANDS = (("red", 31.0), ("yellow", 55.0), ("green", 82.0), ("none", None))


def make_book(tenant: Tenant, *, owner: Person, size: int, now: datetime) -> list[Account]:
    """`size` accounts with contract, renewal, score, history, tasks and all else that the pages read."""
    today = tenant.today(now)
    version = ProcessVersion.objects.get(kind="score_model", state="published")
    inputs = len(version.definition["inputs"])
    accounts = Account.objects.bulk_create(
        [
            Account(
                tenant=tenant, name=f"Account {n:05}", name_key=f"account {n:05}", owner=owner, status="customer",
                segment=("enterprise", "mid_market", "small")[n % 3], arr_minor=(n + 1) * 100_000, arr_as_of=today,
                last_contact_on=today - timedelta(days=n % 60), external_id=f"B{n}",
            )
            for n in range(size)
        ]
    )  # fmt: skip
    contracts = Contract.objects.bulk_create(
        [
            Contract(tenant=tenant, account=one, starts_on=today - timedelta(days=300), currency=tenant.currency,
                     ends_on=today + timedelta(days=10 + n % 300))
            for n, one in enumerate(accounts)
        ]
    )  # fmt: skip
    ContractLine.objects.bulk_create(
        ContractLine(tenant=tenant, contract=made, account=made.account, starts_on=made.starts_on,
                     ends_on=made.ends_on, arr_minor=made.account.arr_minor)
        for made in contracts
    )  # fmt: skip
    RevenueMovement.objects.bulk_create(
        RevenueMovement(tenant=tenant, account=made.account, effective_on=made.starts_on, kind="new", recorded_at=now,
                        amount_minor=made.account.arr_minor, currency=tenant.currency)
        for made in contracts
    )  # fmt: skip
    Renewal.objects.bulk_create(
        Renewal(tenant=tenant, account=made.account, contract=made, owner=owner, due_on=made.ends_on, basis="end_date",
                amount_minor=made.account.arr_minor, opened_at=now, seen_on=today)
        for made in contracts
    )  # fmt: skip
    _score(tenant, accounts, owner, version, inputs, now, today)
    _work(tenant, accounts, owner, version, now, today)
    return accounts


def _score(
    tenant: Tenant,
    accounts: list[Account],
    owner: Person,
    version: ProcessVersion,
    inputs: int,
    now: datetime,
    today: date,
) -> None:
    def facts(one: Account, n: int, fall: float = 0.0) -> dict[str, object]:
        band, value = _BANDS[n % 4]
        subs = [None if value is None else value + fall] * inputs
        return {
            "tenant": tenant, "account": one, "model_version": version, "band": band, "coverage": 0.9 if value else 0.3,
            "score": None if value is None else value + fall, "values": subs, "sub_scores": subs,
            "ages": [1] * inputs, "readings": [0] * inputs,
        }  # fmt: skip

    ScoreHistory.objects.bulk_create(
        ScoreHistory(**facts(one, n, fall), as_of=today - timedelta(days=days), computed_at=now - timedelta(days=days))
        for n, one in enumerate(accounts)
        for days, fall in ((90, 4.0), (40, 2.0), (0, 0.0))
    )
    Score.objects.bulk_create(
        Score(**facts(one, n), as_of=today, computed_at=now, counted_owner_id=owner.pk, counted_segment=one.segment,
              counted_arr_minor=one.arr_minor, counted_on=today)
        for n, one in enumerate(accounts)
    )  # fmt: skip
    cells: dict[tuple[str, str], list[Account]] = {}
    for n, one in enumerate(accounts):
        cells.setdefault((one.segment, _BANDS[n % 4][0]), []).append(one)
    HealthDay.objects.bulk_create(
        HealthDay(
            tenant=tenant, day=day, segment=segment, owner_id=owner_id, band=band, model_version=version,
            accounts=len(found), arr_minor=sum(one.arr_minor for one in found),
            score_hundredths=round((dict(_BANDS)[band] or 0) * 100) * len(found),
            arr_score=sum(one.arr_minor for one in found) * round((dict(_BANDS)[band] or 0) * 100),
        )
        for (segment, band), found in cells.items()
        for owner_id in (owner.pk, EVERYBODY)
        for day in (today - timedelta(days=7), today)
    )  # fmt: skip
    ScoringState.objects.create(tenant=tenant, as_of=today, rolled_on=today, full_run_at=now, changed_at=now)


def _work(
    tenant: Tenant, accounts: list[Account], owner: Person, version: ProcessVersion, now: datetime, today: date
) -> None:
    stage = LifecycleStage.objects.filter(journey="standard").order_by("position").first()
    assert stage is not None
    StageVisit.objects.bulk_create(
        StageVisit(tenant=tenant, account=one, stage=stage, entered_on=today - timedelta(days=30)) for one in accounts
    )
    refresh_figures(today=today, now=now)
    Task.objects.bulk_create(
        Task(tenant=tenant, account=one, title=f"Call {one.name}", due_on=today + timedelta(days=n % 9 - 2),
             assignee=owner, created_at=now, kind=("todo", "renewal", "alert")[n % 3])
        for n, one in enumerate(accounts)
    )  # fmt: skip
    QBR.objects.bulk_create(
        QBR(tenant=tenant, account=one, owner=owner, cadence_version=version, period_start=today - timedelta(days=90),
            period_end=today, due_on=today + timedelta(days=n % 20), created_at=now)
        for n, one in enumerate(accounts[::3])
    )  # fmt: skip
    Escalation.objects.bulk_create(
        Escalation(tenant=tenant, account=one, policy_version=version, policy_key="risk", tier=2, owner=owner,
                   opened_at=now, respond_by=now + timedelta(hours=5))
        for one in accounts[::10]
    )  # fmt: skip
    for rows in (
        [Contact(tenant=tenant, account=one, name="Ingrid Solheim", role="sponsor") for one in accounts],
        [Goal(tenant=tenant, account=one, title="Cut dispatch time", unit="min", baseline=41, target=30, actual=28)
         for one in accounts],
        [Activity(tenant=tenant, account=one, kind="call", occurred_at=now - timedelta(days=n), subject="Check-in")
         for one in accounts[:5] for n in range(40)],
        [Ticket(tenant=tenant, account=one, subject="Export fails", opened_at=now - timedelta(days=3))
         for one in accounts],
    ):  # fmt: skip
        type(rows[0]).objects.bulk_create(rows)  # type: ignore[attr-defined]  # -- a list of one model each


def clock_at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 9, 0, tzinfo=UTC)
