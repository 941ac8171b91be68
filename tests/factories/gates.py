"""A pipeline with one criterion of every kind, and deals that stand before its gates."""

from datetime import UTC, date, datetime
from typing import Any, Final

from accounts.models import Account, Contact, Person
from accounts.rules.names import name_key
from core import versioning
from core.actions import add_member, create_tenant
from core.actors import Actor
from core.choices import Role
from core.models import Membership, ProcessVersion, Tenant
from journeys.actions.moves import place_opportunity
from journeys.models import Opportunity, Pipeline, PipelineStage

TODAY: Final = date(2026, 3, 2)
NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR: Final = Actor.system("test")

AMOUNT: Final = {"key": "amount", "name": "The amount is known", "rule": {"fact": "opportunity.amount", "op": "gt",
                                                                          "value": 0}}  # fmt: skip
PAIN: Final = {"key": "pain", "name": "The pain is named", "answer": "meddic.pain"}
SHOWN: Final = {"key": "demo_seen", "name": "They saw the demo", "evidence": True}
MEDDIC: Final = {"key": "qualified", "name": "MEDDIC is complete", "framework": "meddic"}
SEGMENT: Final = {"key": "segment", "name": "The account has a segment",
                  "rule": {"fact": "accounts.segment", "op": "in", "value": ["enterprise", "mid_market"]}}  # fmt: skip


def gated(**criteria: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The stages of a new workspace with criteria: `gated(demo={"entry": [AMOUNT]})`."""
    stages = (
        ("discovery", "Discovery", "open", 10, "not_yet"),
        ("demo", "Demo", "open", 25, "not_yet"),
        ("proposal", "Proposal", "open", 50, "best_case"),
        ("negotiation", "Negotiation", "open", 75, "commit"),
        ("closed_won", "Closed won", "won", 100, "won"),
        ("closed_lost", "Closed lost", "lost", 0, "lost"),
    )
    names = ("key", "name", "kind", "probability", "forecast")
    return {"stages": [dict(zip(names, one, strict=True)) | criteria.get(one[0], {}) for one in stages]}


def workspace(slug: str = "gates") -> Tenant:
    return create_tenant(slug=slug, name="Gates", currency="EUR", timezone="UTC", actor=ACTOR, now=NOW)


def member(tenant: Tenant, role: str, name: str = "") -> Membership:
    name = name or str(Role(role).label)
    return add_member(tenant=tenant, email=f"{name_key(name).replace(' ', '.')}@{tenant.slug}.example", name=name,
                      role=Role(role), password=None, actor=ACTOR, now=NOW)  # fmt: skip


def publish(definition: dict[str, Any], *, kind: str = "pipeline", key: str = "sales", name: str = "Sales"
            ) -> ProcessVersion:  # fmt: skip
    draft = versioning.draft(kind=kind, key=key, name=name, definition=definition, actor=ACTOR, now=NOW)
    return versioning.publish(version=draft, actor=ACTOR, now=NOW, reason="Gates.")


def publish_of(key: str, kind: str = "pipeline") -> ProcessVersion:
    """The live version."""
    return ProcessVersion.objects.get(kind=kind, key=key, state="published")


def stage(key: str, pipeline: str = "sales") -> PipelineStage:
    return PipelineStage.objects.select_related("pipeline").get(pipeline__key=pipeline, key=key)


def account(name: str = "Brightwater", **values: Any) -> Account:
    return Account.objects.create(name=name, name_key=name_key(name), **values)


def deal(name: str = "Seats", at: str = "discovery", *, of: Account | None = None, placed: bool = True, **values: Any
         ) -> Opportunity:  # fmt: skip
    """A deal in a stage, as if it had come in before the gates were there."""
    pipeline = Pipeline.objects.get(key="sales")
    made = Opportunity.objects.create(
        account=of, pipeline=pipeline, stage=stage(at), name=name, currency="EUR", opened_on=TODAY, **values
    )
    if placed:
        made.visits.create(tenant_id=made.tenant_id, stage=made.stage, entered_on=TODAY, moved_by="test")
    return made


def owner(name: str = "Maya Lindqvist") -> Person:
    return Person.objects.get_or_create(name=name, name_key=name_key(name))[0]


def contact(of: Account, name: str = "Elena Vogt", **values: Any) -> Contact:
    return Contact.objects.create(account=of, name=name, **values)


__all__ = [
    "ACTOR", "AMOUNT", "MEDDIC", "NOW", "PAIN", "SEGMENT", "SHOWN", "TODAY", "account", "contact", "deal", "gated",
    "member", "owner", "place_opportunity", "publish", "publish_of", "stage", "workspace",
]  # fmt: skip
