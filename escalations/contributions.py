"""What escalations contributes to the registry: its fact, its first policy, its check and its section."""

from datetime import datetime
from typing import Final

from core import registry
from core.actors import Actor
from core.models import Tenant
from core.permissions import Permission
from core.registry import DoctorCheck, Fact, PortfolioDocument, ProcessKind, Section, TenantDefault
from core.versioning import ensure_published
from escalations import documents, queries, words
from escalations.actions import MERGE_PARTS

AT_RISK_NEAR_RENEWAL: Final = "at_risk_near_renewal"
DEFAULT_POLICY: Final = {
    "criteria": {
        "all": [
            {"fact": "health.band", "op": "in", "value": ["red"]},
            {"fact": "renewals.days_to_renewal", "op": "lte", "value": 90},
        ]
    },
    "tier": 2,
    "respond_hours": 8,
    "task_title": "Agree the save plan with your manager and call the sponsor",
    "priority": 40,
}


def publish_policy(_tenant: Tenant, actor: Actor, now: datetime) -> None:
    """The policy of every new workspace: at risk, and the renewal is near."""
    ensure_published(
        kind=queries.POLICY_KIND,
        key=AT_RISK_NEAR_RENEWAL,
        name="At risk and close to renewal",
        definition=DEFAULT_POLICY,
        actor=actor,
        now=now,
    )


def register() -> None:
    """Called once at start."""
    from escalations import views  # noqa: PLC0415 -- pages need the loaded apps

    for part in MERGE_PARTS:
        registry.add_merger(part.table, part)
    registry.add_facts(
        [
            Fact(
                "escalations.open",
                "Open escalations",
                "number",
                queries.open_count,
                "How many are open now.",
                now_only=True,
                follows_score=True,  # a policy opens one where the score is low
            )
        ]
    )
    registry.add_process_kind(
        ProcessKind(
            queries.POLICY_KIND,
            "Escalation policy",
            queries.parse_checked,
            describe=words.describe,
            effects=words.effects,
            fields=words.FIELDS,
            document=documents.policy,
        )
    )
    registry.add_document(
        PortfolioDocument(
            "escalation-framework", "Escalation framework with SLAs", "Who answers for what, and within how long.", 80,
            documents.framework, permission=Permission.VIEW_ESCALATIONS,
        )
    )  # fmt: skip
    registry.add_tenant_default(TenantDefault("escalations.policy", 80, publish_policy))
    registry.add_section(Section("escalations.open", "account", "Escalations", 5, views.account_section))
    for check in (
        DoctorCheck("escalations.states", "An escalation is open, or closed with a reason", queries.states_out_of_step),
        DoctorCheck("escalations.tasks", "An escalation has exactly one task of its own", queries.tasks_wrong),
    ):
        registry.add_doctor_check(check)
