"""Tests a score model on the workspace's own outcomes: did it tell the lost from the kept, so many days before?"""

import argparse
from typing import Any

from core.actors import Actor
from core.management.base import CommandRefused, TenantCommand
from core.models import Tenant
from health.actions.validation import CannotValidate, validate
from health.models import ValidationReport
from health.queries.validation import LEADS, MAIN_LEAD, chosen_version

ACTOR = Actor.system("validate_health")


class Command(TenantCommand):
    help = __doc__

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--model", metavar="KEY", help="its newest draft, else its live version; else the live model"
        )
        parser.add_argument(
            "--lead-days", type=int, metavar="N", help=f"the lead time of the figures (default {MAIN_LEAD})"
        )

    def run(self, tenant: Tenant, options: dict[str, Any]) -> dict[str, Any]:
        version = chosen_version(options["model"])
        if version is None:
            raise CommandRefused(_no_model(options["model"]))
        lead = MAIN_LEAD if options["lead_days"] is None else options["lead_days"]
        if not 0 <= lead <= 730:
            raise CommandRefused("--lead-days takes 0 to 730.", returncode=2)
        try:
            reports = validate(
                version=version,
                actor=ACTOR,
                now=options["now"],
                today=options["as_of"],
                leads=sorted({lead, *LEADS}),
            )
        except CannotValidate as refusal:
            raise CommandRefused(str(refusal)) from refusal
        report = next(one for one in reports if one.lead_days == lead)
        return as_json(report) | {"leads": [_short(one) for one in reports]}


def as_json(report: ValidationReport) -> dict[str, Any]:
    """The fields that scripts read, then the rest of the figures."""
    found = report.figures
    version = found["version"]
    first = {
        "model": version["key"],
        "version": version["number"],
        "report": report.pk,
        **{name: found[name] for name in ("verdict", "auc", "auc_low", "auc_high", "n", "events", "lead_days")},
        **{name: found[name] for name in ("split", "weights", "baselines", "flags", "reconstructed")},
    }
    if report.auc is None:
        first["reason"] = "No outcomes of both kinds had a score at their lead date."
    more = ("from", "until", "outcomes", "scored_share", "coverage", "red", "lift_worst_decile", "bands", "monotone")
    return first | {name: found[name] for name in (*more, "segments", "test_days")} | {"live": found.get("live")}


def _short(report: ValidationReport) -> dict[str, Any]:
    red = report.figures["red"]
    return {
        "lead_days": report.lead_days,
        "verdict": report.verdict,
        "auc": report.auc,
        "auc_low": report.auc_low,
        "auc_high": report.auc_high,
        "n": report.n,
        "events": report.events,
        "precision": red["precision"],
        "recall": red["recall"],
        "lift": report.figures["lift_worst_decile"],
        "report": report.pk,
    }


def _no_model(key: str | None) -> str:
    if key is None:
        return "This workspace has no live score model. Publish one, or name a draft with --model KEY."
    return f"There is no score model '{key}', neither live nor as a draft. `process apply FILE` makes a draft."
