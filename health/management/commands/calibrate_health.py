"""Proposes weights for a score model from the workspace's own outcomes, tested out of time, as a new draft."""

import argparse
from typing import Any

from core.actors import Actor
from core.management.base import CommandRefused, TenantCommand, date_argument
from core.models import Tenant
from health.actions.calibration import CannotCalibrate, calibrate
from health.queries.validation import MAIN_LEAD, chosen_version

ACTOR = Actor.system("calibrate_health")


class Command(TenantCommand):
    help = __doc__

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--model", metavar="KEY", required=True, help="its newest draft, else its live version, is the start"
        )
        parser.add_argument(
            "--train-until",
            type=date_argument,
            metavar="YYYY-MM-DD",
            help="outcomes before this day teach, the others test (default: the day before which 60 %% of losses lie)",
        )
        parser.add_argument(
            "--lead-days",
            type=int,
            default=MAIN_LEAD,
            metavar="N",
            help="days before the outcome (default %(default)s)",
        )

    def run(self, tenant: Tenant, options: dict[str, Any]) -> dict[str, Any]:
        version = chosen_version(options["model"])
        if version is None:
            raise CommandRefused(
                f"There is no score model '{options['model']}', neither live nor as a draft. "
                "`process apply FILE` makes a draft."
            )
        try:
            done = calibrate(
                version=version,
                actor=ACTOR,
                now=options["now"],
                today=options["as_of"],
                lead_days=options["lead_days"],
                train_until=options["train_until"],
            )
        except CannotCalibrate as refusal:
            raise CommandRefused(str(refusal), returncode=2) from refusal
        figures = done.calibration.figures
        if done.draft is None:
            self.say(f"Nothing is proposed. {figures['reason']}")
        hidden = ("content_hash", "draft_hash", "source_number", "weights_before")
        return {name: value for name, value in figures.items() if name not in hidden} | {
            "from_version": figures["source_number"],
            "draft": done.draft and done.draft.number,
            "report": done.report and done.report.pk,
        }
