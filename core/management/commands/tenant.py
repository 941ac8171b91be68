"""Make a workspace with its published defaults, or list the ones there are."""

import argparse
import zoneinfo
from typing import Any

from django.db.models import Count, Q

from core import clock
from core.actions import SlugTaken, create_tenant
from core.actors import Actor
from core.management.base import CommandRefused, JsonCommand
from core.models import Tenant


class Command(JsonCommand):
    help = __doc__

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="create | list")
        create = verbs.add_parser("create", help="make a workspace")
        create.add_argument("slug", type=_slug, help="short name, as it stands in commands")
        create.add_argument("--name", help="as people read it; the short name when left out")
        create.add_argument("--currency", default="USD", type=_currency, help="ISO code (USD)")
        create.add_argument("--timezone", default="UTC", type=_zone, help="such as Europe/Berlin (UTC)")
        listing = verbs.add_parser("list", help="show the workspaces")
        for sub in (create, listing):
            sub.add_argument("--json", action="store_true", help="print one JSON object")

    def report(self, options: dict[str, Any]) -> dict[str, Any]:
        return self._create(options) if options["verb"] == "create" else {"tenants": _all_tenants()}

    def _create(self, options: dict[str, Any]) -> dict[str, Any]:
        try:
            tenant = create_tenant(
                slug=options["slug"],
                name=options["name"] or options["slug"].replace("-", " ").title(),
                currency=options["currency"],
                timezone=options["timezone"],
                actor=Actor.system("tenant create"),
                now=clock.now(),
            )
        except SlugTaken as taken:
            raise CommandRefused(str(taken)) from taken
        return {"id": tenant.pk, **_card(tenant)}


def _all_tenants() -> list[dict[str, Any]]:
    members = Count("memberships", filter=Q(memberships__is_active=True))
    return [{**_card(one), "members": one.members} for one in Tenant.objects.annotate(members=members).order_by("slug")]


def _card(tenant: Tenant) -> dict[str, Any]:
    return {
        "slug": tenant.slug,
        "name": tenant.name,
        "currency": tenant.currency,
        "timezone": tenant.timezone,
        "is_demo": tenant.is_demo,
    }


def _slug(text: str) -> str:
    if not text or len(text) > 50 or not all(sign.isascii() and (sign.isalnum() or sign in "-_") for sign in text):
        raise argparse.ArgumentTypeError(f"'{text}': up to 50 letters, digits, - and _")
    return text


def _currency(text: str) -> str:
    if len(text) != 3 or not text.isascii() or not text.isalpha():
        raise argparse.ArgumentTypeError(f"'{text}' is not a currency code like EUR")
    return text.upper()


def _zone(text: str) -> str:
    if text not in zoneinfo.available_timezones():
        raise argparse.ArgumentTypeError(f"'{text}' is not a time zone like Europe/Berlin")
    return text
