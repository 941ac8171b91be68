"""Stage conversion, win rate, sales cycle and the biggest drop-off, over one pipeline or all."""

import argparse
from typing import Any

from core.management.base import CommandRefused, TenantCommand, date_argument
from core.models import Tenant
from journeys.queries.pipeline_report import as_json, pipeline_report
from journeys.queries.pipelines import find_pipeline, pipelines


class Command(TenantCommand):
    help = __doc__

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--pipeline", metavar="P", help="key or name; all pipelines when left out")
        parser.add_argument("--cohort", choices=("all", "created", "closed"), default="all")
        parser.add_argument("--from", dest="start", type=date_argument, metavar="YYYY-MM-DD", help="first day")
        parser.add_argument("--to", dest="end", type=date_argument, metavar="YYYY-MM-DD", help="first day after")

    def run(self, tenant: Tenant, options: dict[str, Any]) -> dict[str, Any]:
        if (options["cohort"] == "all") != (options["start"] is None or options["end"] is None):
            raise CommandRefused(
                "--cohort created|closed goes with --from and --to; one needs the others.", returncode=2
            )
        pipeline = find_pipeline(options["pipeline"]) if options["pipeline"] else None
        if options["pipeline"] and pipeline is None:
            known = ", ".join(one.key for one in pipelines()) or "none yet"
            raise CommandRefused(f"There is no pipeline '{options['pipeline']}'. There are: {known}.")
        report = pipeline_report(
            pipeline_id=pipeline.pk if pipeline else None,
            cohort=options["cohort"],
            start=options["start"],
            end=options["end"],
        )
        return {"currency": tenant.currency, "pipeline": pipeline.key if pipeline else None, **as_json(report)}
