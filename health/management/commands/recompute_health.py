"""Scores every account of a workspace, or those of one model."""

import argparse
from datetime import timedelta
from typing import Any

from core.actors import Actor
from core.management.base import CommandRefused, TenantCommand
from core.models import Tenant
from health.actions import NoModel, backfill_history, recompute
from health.queries import scoring_day

ACTOR = Actor.system("recompute_health")


class Command(TenantCommand):
    help = __doc__

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--model", metavar="KEY", help="only this score model")
        parser.add_argument(
            "--history-weeks",
            type=int,
            default=0,
            metavar="N",
            help="also work out so many past weeks, marked imported",
        )

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
            done = recompute(actor=ACTOR, now=options["now"], as_of=day, model_key=options["model"])
        except NoModel as refusal:
            raise CommandRefused(str(refusal)) from refusal
        weeks = options["history_weeks"]
        restored = backfill_history(
            actor=ACTOR, now=options["now"], from_day=day - timedelta(days=7 * weeks), to_day=day - timedelta(days=7)
        )
        return {
            "as_of": done.as_of,
            "accounts": done.accounts,
            "scored": done.scored,
            "changed": done.changed,
            "not_enough_data": done.not_enough_data,
            "statement_ms": round(done.statement_ms, 1),
            "model_versions": done.model_versions,
            "history_rows": restored,
        }
