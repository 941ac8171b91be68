"""Moves deals into a stage, through the same gates as everybody; those that stay are listed with what is missing."""

import argparse
from typing import Any

from core.actors import Actor
from core.management.base import CommandRefused, TenantCommand
from core.models import Tenant
from journeys.actions.moves import move_opportunities
from journeys.queries.pipelines import deals_named, stage_named


class Command(TenantCommand):
    help = __doc__

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("stage", metavar="STAGE", help="key of the stage, or pipeline:stage")
        parser.add_argument("deals", nargs="+", metavar="DEAL", help="id of the source, else number of the deal")
        parser.add_argument("--reason", default="", help="why; needed for a step back")
        parser.add_argument("--close-reason", default="", help="why it was lost, or won")
        parser.add_argument(
            "--leave", action="store_true", help="prospects whose last open deal is lost leave the journey"
        )
        parser.add_argument("--by", default="", metavar="NAME", help="who asked for it, for the trail")

    def run(self, tenant: Tenant, options: dict[str, Any]) -> dict[str, Any]:
        found, unknown = deals_named(options["deals"])
        if unknown:
            raise CommandRefused(f"There is no deal {', '.join(unknown)}. Give the id of the source or the number.")
        pipelines = {deal.pipeline_id for deal in found}
        if len(pipelines) > 1:
            raise CommandRefused("These deals are in several pipelines. Move those of one pipeline at a time.")
        stage = stage_named(options["stage"], pipelines.pop())
        if stage is None:
            raise CommandRefused(f"Their pipeline has no stage '{options['stage']}'. See `pipeline_report --json`.")
        result = move_opportunities(
            opportunity_ids=[deal.pk for deal in found],
            stage_id=stage.pk,
            actor=Actor.system(f"Operator {options['by']}".strip()),
            today=options["as_of"],
            now=options["now"],
            reason=options["reason"],
            close_reason=options["close_reason"],
            leave=options["leave"],
        )
        return {
            "stage": stage.key,
            "moved": len(result.moved),
            "left": result.left,
            "unchanged": len(found) - len(result.moved) - len(result.refused),
            "refused": [
                {"id": one.id, "name": one.name, "code": one.code, "missing": list(one.missing)}
                for one in result.refused
            ],
        }

    def ended_well(self, result: dict[str, Any]) -> bool:
        """Exit 1 when a deal stays where it is."""
        return not result["refused"]
