"""What health contributes to the registry."""

from typing import Final

from core import registry
from core.permissions import Permission
from core.registry import Consumer, DoctorCheck, Fact, PortfolioDocument, ProcessKind, TenantDefault
from health.actions import make_defaults
from health.actions.alert_rules import publish_alert_rules
from health.actions.merge_parts import PARTS
from health.actions.publishing import rescore_everybody
from health.actions.recompute import CONSUMER, TASK
from health.queries import alert_rules, documents
from health.queries.alert_words import FIELDS, describe
from health.queries.checks import CHECKS
from health.queries.facts import HEALTH_FACTS
from health.queries.language import publish_check
from health.queries.live import KIND
from health.queries.overrides import effective_band, effective_score
from health.queries.publishing import MODEL_FIELDS, model_effects
from health.queries.validation import closed_lines
from health.rules import STANDARD, parse_model
from health.rules.schema import MODEL_SCHEMA
from health.rules.wording import describe_model

SCORE_MODEL: Final = ProcessKind(
    KIND,
    "Score model",
    parse_model,
    publish_check=publish_check,
    gate=closed_lines,
    after_publish=rescore_everybody,
    describe=describe_model,
    effects=model_effects,
    fields=MODEL_FIELDS,
    schema=MODEL_SCHEMA,
    page="health:model",
    headed=True,
    document=documents.score_model,
)
ALERT_RULE: Final = ProcessKind(
    alert_rules.KIND,
    "Alert rule",
    alert_rules.parse_checked,
    describe=describe,
    fields=FIELDS,
    page="health:alert_rules",
    headed=True,
    references=documents.alert_references,
    document=documents.alert_rule,
)
MODEL_AND_PROOF: Final = PortfolioDocument(
    "health-model",
    "Health model and validation",
    "What the score is made of, and how well it tells lost from kept.",
    60,
    documents.model_and_proof,
    (KIND, str(STANDARD["key"])),
    permission=Permission.VIEW_HEALTH,
)
WITH_OVERRIDES: Final = (
    Fact(
        "health.effective_score",
        "Health score with override",
        "number",
        effective_score,
        "A person's override while it is in force, else the computed score.",
    ),
    Fact(
        "health.effective_band",
        "Health band with override",
        "choice",
        effective_band,
        "The band of the override while it is in force, else the computed band.",
    ),
)


def register() -> None:
    """Called once at start."""
    for part in PARTS:
        registry.add_merger(part.table, part)
    registry.add_process_kind(SCORE_MODEL)
    registry.add_process_kind(ALERT_RULE)
    registry.add_tenant_default(TenantDefault("health.standard", 30, make_defaults))
    registry.add_tenant_default(TenantDefault("health.alert_rules", 90, publish_alert_rules))
    registry.add_document(MODEL_AND_PROOF)
    registry.add_consumer(Consumer(CONSUMER, TASK))
    registry.add_facts([*HEALTH_FACTS, *WITH_OVERRIDES])
    for check in CHECKS:
        registry.add_doctor_check(DoctorCheck(*check))
