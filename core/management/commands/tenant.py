"""Make a workspace with its published defaults, let people in, ask for approvals, or list the workspaces there are."""

import argparse
import secrets
import zoneinfo
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Count, Q

from core import clock
from core.actions import SlugTaken, add_member, create_tenant
from core.actors import Actor
from core.choices import Role
from core.management.base import CommandRefused, JsonCommand, find_tenant
from core.members import MemberRefused
from core.models import Tenant, User
from core.reviews import NobodyElse, ReviewRefused, need_approval
from core.tenancy import tenant_context


class Command(JsonCommand):
    help = __doc__

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="create | add-member | approval | list")
        create = verbs.add_parser("create", help="make a workspace")
        create.add_argument("slug", type=_slug, help="short name, as it stands in commands")
        create.add_argument("--name", help="as people read it; the short name when left out")
        create.add_argument("--currency", default="USD", type=_currency, help="ISO code (USD)")
        create.add_argument("--timezone", default="UTC", type=_zone, help="such as Europe/Berlin (UTC)")
        member = verbs.add_parser("add-member", help="let somebody in, or change their role")
        member.add_argument("slug", type=_slug)
        member.add_argument("email", type=_email)
        member.add_argument("--role", choices=Role.values, default=str(Role.CSM))
        member.add_argument("--name", default="", help="as people read it")
        approval = verbs.add_parser("approval", help="whether a second person approves processes before they go live")
        approval.add_argument("slug", type=_slug)
        approval.add_argument("needed", choices=["on", "off"])
        approval.add_argument("--reason", default="", metavar="TEXT", help="why it is switched off; others are told")
        listing = verbs.add_parser("list", help="show the workspaces")
        for sub in (create, member, approval, listing):
            sub.add_argument("--json", action="store_true", help="print one JSON object")

    def report(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["verb"] == "create":
            return self._create(options)
        if options["verb"] == "add-member":
            return _add_member(options)
        if options["verb"] == "approval":
            return _approval(options)
        return {"tenants": _all_tenants()}

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


def _add_member(options: dict[str, Any]) -> dict[str, Any]:
    """The membership; for somebody new a first password, which only this output ever shows."""
    tenant = find_tenant(options["slug"])
    is_new = not User.objects.filter(email=options["email"]).exists()
    password = secrets.token_urlsafe(12) if is_new else None
    try:
        membership = add_member(
            tenant=tenant,
            email=options["email"],
            name=options["name"],
            role=Role(options["role"]),
            password=password,
            actor=Actor.system("tenant add-member"),
            now=clock.now(),
        )
    except MemberRefused as refusal:
        raise CommandRefused(str(refusal)) from refusal
    return {"slug": tenant.slug, "email": options["email"], "role": membership.role, "password": password}


def _approval(options: dict[str, Any]) -> dict[str, Any]:
    """The setting as it stands now."""
    tenant = find_tenant(options["slug"])
    with tenant_context(tenant.pk):
        try:
            tenant = need_approval(
                needed=options["needed"] == "on",
                actor=Actor.system("tenant approval"),
                now=clock.now(),
                reason=options["reason"],
            )
        except (NobodyElse, ReviewRefused) as refusal:
            raise CommandRefused(str(refusal)) from refusal
    return {"slug": tenant.slug, "needs_approval": tenant.needs_approval}


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


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not an e-mail address") from error
    return text.strip().lower()


def _currency(text: str) -> str:
    if len(text) != 3 or not text.isascii() or not text.isalpha():
        raise argparse.ArgumentTypeError(f"'{text}' is not a currency code like EUR")
    return text.upper()


def _zone(text: str) -> str:
    if text not in zoneinfo.available_timezones():
        raise argparse.ArgumentTypeError(f"'{text}' is not a time zone like Europe/Berlin")
    return text
