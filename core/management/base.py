"""What every command has in common: one JSON object with `--json`, messages on stderr, exit codes 0, 1 and 2."""

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from core import clock
from core.models import Tenant
from core.tenancy import tenant_context


class CommandRefused(CommandError):
    """The command cannot do what was asked; the message says why and what to do. Exit 1 unless stated."""


class JsonCommand(BaseCommand):
    """A command that gives a result. Subclasses implement `report(options)` and add their arguments.

    On the command line the result is one JSON object with `--json`, else a readable table. Through `call_command` a
    refusal is the exception `CommandRefused`.
    """

    _called_from_command_line: bool

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        self.arguments(parser)

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Further arguments of the subclass."""

    def report(self, options: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def text(self, result: dict[str, Any]) -> str:
        """The result for a person at the terminal."""
        return as_table(result)

    def ended_well(self, result: dict[str, Any]) -> bool:
        """Whether a printed result means exit 0; `doctor` says no to a result that names something broken."""
        return True

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            result = self.report(options)
        except CommandRefused as refusal:
            if not self._called_from_command_line:
                raise
            self.stderr.write(str(refusal))
            sys.exit(refusal.returncode)
        if options["json"]:
            self.stdout.write(json.dumps(result, cls=DjangoJSONEncoder, ensure_ascii=False))
        else:
            self.stdout.write(self.text(result))
        if not self.ended_well(result):
            if self._called_from_command_line:
                sys.exit(1)
            raise CommandRefused("The result names what is wrong.")

    def say(self, message: str) -> None:
        """A message for the person at the terminal; standard output stays the result's."""
        self.stderr.write(message, self.style.NOTICE)
        self.stderr.flush()


class TenantCommand(JsonCommand):
    """A command that works for one workspace. Subclasses implement `run(tenant, options)`.

    It runs in one transaction of the workspace. With `own_transactions = True` it opens the workspace itself, once per
    step. `options["now"]` is the instant of the start and `options["as_of"]` the business date: the one asked for, or
    the workspace's today.
    """

    own_transactions = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="the workspace; may be left out when there is only one")
        parser.add_argument("--as-of", type=date_argument, metavar="YYYY-MM-DD", help="instead of today")
        super().add_arguments(parser)

    def run(self, tenant: Tenant, options: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def report(self, options: dict[str, Any]) -> dict[str, Any]:
        tenant = find_tenant(options["tenant"])
        options["now"] = clock.now()
        options["as_of"] = options["as_of"] or tenant.today(options["now"])
        if self.own_transactions:
            return self.run(tenant, options)
        with tenant_context(tenant.pk):
            return self.run(tenant, options)


def date_argument(text: str) -> date:
    """A date on the command line; anything else is wrong usage."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not a date like 2026-01-31") from error


def find_tenant(slug: str | None) -> Tenant:
    """The named workspace, or the only one. Raises `CommandRefused` with the names that there are."""
    tenants = list(Tenant.objects.order_by("slug")[:50])
    if slug is None and len(tenants) == 1:
        return tenants[0]
    found = Tenant.objects.filter(slug=slug or "").first()
    if found is not None:
        return found
    known = ", ".join(tenant.slug for tenant in tenants) or "none yet; make one with `tenant create SLUG`"
    if slug is None:
        raise CommandRefused(f"Say which workspace with --tenant SLUG. There are: {known}.", returncode=2)
    raise CommandRefused(f"There is no workspace '{slug}'. There are: {known}.")


def as_table(result: dict[str, Any]) -> str:
    """The result for a person: one line per figure, then each list as a table."""
    lists = {key: rows for key, rows in result.items() if isinstance(rows, list) and rows and isinstance(rows[0], dict)}
    figures = list(_figures({key: value for key, value in result.items() if key not in lists}))
    width = max((len(name) for name, _ in figures), default=0)
    blocks = ["\n".join(f"{name:<{width}}  {_word(value)}" for name, value in figures)] if figures else []
    blocks += [f"{key}\n{_rows(rows)}" for key, rows in lists.items()]
    return "\n\n".join(blocks)


def _figures(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _figures(value, f"{prefix}{key}.")
        else:
            yield prefix + str(key), value


def _word(value: Any) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, (list, dict)):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _rows(rows: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *([_word(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )
