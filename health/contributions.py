"""What health contributes to the registry."""

from datetime import date, timedelta
from typing import Any

from django.db.models import F, FloatField, OuterRef, Subquery

from core import registry
from core.registry import Consumer, DoctorCheck, Fact, ProcessKind, TenantDefault
from health.actions import make_defaults
from health.actions.publishing import rescore_everybody
from health.actions.recompute import CONSUMER, TASK
from health.models import Score, ScoreHistory
from health.queries.checks import CHECKS
from health.queries.live import KIND
from health.queries.overrides import effective_band, effective_score
from health.rules import parse_model


def register() -> None:
    """Called once at start."""
    registry.add_process_kind(ProcessKind(KIND, "Score model", parse_model, after_publish=rescore_everybody))
    registry.add_tenant_default(TenantDefault("health.standard", 30, make_defaults))
    registry.add_consumer(Consumer(CONSUMER, TASK))
    registry.add_facts(
        [
            Fact("health.score", "Health score", "number", _current("score"), "0 to 100; unknown below coverage."),
            Fact("health.band", "Health band", "choice", _current("band"), "green, yellow, red or none."),
            Fact("health.coverage", "Score coverage", "number", _current("coverage"), "Share of weight with data."),
            Fact("health.change_30d", "Change of the score in 30 days", "number", _change, "In points."),
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
        ]
    )
    for check in CHECKS:
        registry.add_doctor_check(DoctorCheck(*check))


def _current(field: str) -> Any:
    """The fact as it stands now: a past day has its own rows in the history."""
    return lambda _as_of: Subquery(Score.objects.filter(account_id=OuterRef("pk")).values(field)[:1])


def _change(as_of: date) -> Any:
    then = ScoreHistory.objects.filter(account_id=OuterRef("account_id"), as_of__lte=as_of - timedelta(days=30))
    earlier = Subquery(then.order_by("-as_of", "-computed_at").values("score")[:1], output_field=FloatField())
    now = Score.objects.filter(account_id=OuterRef("pk")).annotate(change=F("score") - earlier)
    return Subquery(now.values("change")[:1], output_field=FloatField())
