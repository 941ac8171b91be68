"""Check every invariant and name what is broken. Exit 1 when something is."""

import argparse
from typing import Any

from core import clock
from core.management.base import JsonCommand, find_tenant
from core.models import Tenant
from revops.doctor import examine


class Command(JsonCommand):
    help = __doc__

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="only this workspace; all when left out")

    def report(self, options: dict[str, Any]) -> dict[str, Any]:
        slug = options["tenant"]
        tenants = [find_tenant(slug)] if slug else list(Tenant.objects.order_by("pk"))
        return examine(tenants=tenants, now=clock.now())

    def ended_well(self, result: dict[str, Any]) -> bool:
        return bool(result["ok"])
