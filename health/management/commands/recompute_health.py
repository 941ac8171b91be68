"""Scores every account of a workspace, or those of one model."""

import argparse
from typing import Any

from core.actors import Actor
from core.management.base import CommandRefused, TenantCommand
from core.models import Tenant
from health.actions import NoModel, recompute
from health.queries import scoring_day


class Command(TenantCommand):
    help = __doc__

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--model", metavar="KEY", help="only this score model")

    def report(self, options: dict[str, Any]) -> dict[str, Any]:
        options["asked_day"] = options["as_of"]
        return super().report(options)

    def run(self, tenant: Tenant, options: dict[str, Any]) -> dict[str, Any]:
        """Without --as-of the day is today, or the last day of data in a workspace whose data ended."""
        today = options["as_of"]
        day = options["asked_day"] or scoring_day(tenant.pk, today)
        if day != today:
            self.say(f"Data ends {day}: scored as of that day.")
        try:
            done = recompute(
                actor=Actor.system("recompute_health"), now=options["now"], as_of=day, model_key=options["model"]
            )
        except NoModel as refusal:
            raise CommandRefused(str(refusal)) from refusal
        return {
            "as_of": done.as_of,
            "accounts": done.accounts,
            "scored": done.scored,
            "changed": done.changed,
            "not_enough_data": done.not_enough_data,
            "statement_ms": round(done.statement_ms, 1),
            "model_versions": done.model_versions,
        }
