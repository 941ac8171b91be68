"""Every revenue metric over a period, with numerator and denominator, the movements inside it and the two ends."""

import argparse
from typing import Any

from accounts.queries.revenue import as_json, metric_report
from core.management.base import CommandRefused, TenantCommand, date_argument
from core.models import Tenant


class Command(TenantCommand):
    help = __doc__

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--from", dest="start", type=date_argument, required=True, metavar="YYYY-MM-DD")
        parser.add_argument("--to", dest="end", type=date_argument, required=True, metavar="YYYY-MM-DD")

    def run(self, tenant: Tenant, options: dict[str, Any]) -> dict[str, Any]:
        if options["end"] < options["start"]:
            raise CommandRefused("--to lies before --from. Give the earlier date as --from.", returncode=2)
        report = metric_report(options["start"], options["end"])
        return {"currency": tenant.currency, **as_json(report)}
