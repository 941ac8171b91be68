"""What renewals contributes to the registry: its facts, its timeline, its checks and its strip."""

from datetime import datetime
from typing import Final

from core import registry
from core.actors import Actor
from core.models import Tenant
from core.permissions import Permission
from core.registry import DoctorCheck, Fact, PortfolioDocument, ProcessKind, Section, TenantDefault
from core.versioning import ensure_published
from renewals import queries
from renewals.actions.merge_parts import PARTS
from renewals.queries import documents, words
from renewals.rules import parse_timeline

DEFAULT_TIMELINE: Final = {
    "weekend": "next",
    "catch_up_title": "Catch up on the renewal: plan, value and quote",
    "steps": [
        {
            "offset_days": 180,
            "title": "Agree the renewal plan: who decides, what they need",
            "done_when": "decision maker, process and goal of the renewal are on record",
            "priority": 5,
        },
        {
            "offset_days": 90,
            "title": "Review value with the customer and name the risks",
            "done_when": "results against goals are shown and every risk has an owner",
            "priority": 10,
        },
        {
            "offset_days": 60,
            "title": "Send the renewal quote",
            "done_when": "the customer has the quote and a date for the answer",
            "priority": 15,
        },
        {
            "offset_days": 30,
            "title": "Get the signature, or escalate",
            "done_when": "the renewal is signed, or an escalation is open",
            "priority": 20,
        },
    ],
}
FACTS: Final = (
    Fact(
        key="renewals.days_to_renewal",
        label="Days to renewal",
        type="number",
        expression=queries.days_to_renewal,
        help="Days from the date to the earliest open renewal; negative when it is late.",
        now_only=True,
    ),
    Fact(
        key="renewals.amount",
        label="Amount up for renewal",
        type="money",
        expression=queries.renewal_amount,
        help="ARR of the earliest open renewal.",
        now_only=True,
    ),
    Fact(
        key="renewals.days_since_renewed",
        label="Days since a renewal was won",
        type="number",
        expression=queries.days_since_renewed,
        help="Days from the day on which a renewal was last won to the date; unknown without one.",
    ),
    Fact(
        key="renewals.is_due",
        label="A renewal is due that day",
        type="boolean",
        expression=queries.is_due,
        help="Whether a renewal, open or decided, has the date as its due date, by the dates known now.",
        now_only=True,
    ),
)
TIMELINE: Final = ProcessKind(
    queries.TIMELINE_KIND,
    "Renewal timeline",
    parse_timeline,
    describe=words.describe,
    effects=words.effects,
    fields=words.FIELDS,
    document=documents.timeline,
)
RENEWAL_PLAYBOOK: Final = PortfolioDocument(
    "renewal-playbook",
    "Renewal playbook",
    "What is due, the steps that lead to it, and who does what.",
    10,
    documents.renewal_playbook,
    (queries.TIMELINE_KIND, queries.TIMELINE_KEY),
    permission=Permission.VIEW_RENEWALS,
)
CHECKS: Final = (
    DoctorCheck(
        "renewals.one_open_per_active_contract",
        "An active contract has exactly one open renewal, or its due date is decided",
        queries.active_contracts_without_renewal,
    ),
    DoctorCheck(
        "renewals.steps_have_their_tasks",
        "Every step of a renewal has the one task of that renewal and offset",
        queries.steps_with_a_wrong_task,
    ),
    DoctorCheck(
        "renewals.closed_have_no_open_tasks",
        "A decided renewal has no open task",
        queries.open_tasks_of_closed_renewals,
    ),
)


def publish_timeline(_tenant: Tenant, actor: Actor, now: datetime) -> None:
    """The 180/90/60/30-day template of every new workspace."""
    ensure_published(
        kind=queries.TIMELINE_KIND,
        key=queries.TIMELINE_KEY,
        name="Renewal timeline",
        definition=DEFAULT_TIMELINE,
        actor=actor,
        now=now,
    )


def register() -> None:
    """Called once at start."""
    from renewals import views  # noqa: PLC0415 -- pages need the loaded apps

    for part in PARTS:
        registry.add_merger(part.table, part)
    registry.add_facts(FACTS)
    registry.add_process_kind(TIMELINE)
    registry.add_document(RENEWAL_PLAYBOOK)
    registry.add_tenant_default(TenantDefault("renewals.timeline", 60, publish_timeline))
    registry.add_section(Section("renewals.strip", "account", "Renewal", 10, views.account_section))
    for check in CHECKS:
        registry.add_doctor_check(check)
