"""The seams: what upper apps contribute to lower ones, without being imported.

Every app fills this in `apps.py` at start. Names are unique, and a second registration under a name is an error at
start rather than a surprise later.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from django.http import HttpRequest

from core.actors import Actor
from core.differences import Line
from core.models import ProcessVersion, Tenant

FactType = Literal["number", "money", "text", "choice", "date", "boolean"]


@dataclass(frozen=True)
class Fact:
    """A named, typed fact about an account as of a date: an expression that annotates an account QuerySet.

    `expression(as_of)` must be set-based and give at most one value per account; None where nothing is known.
    `now_only`: it gives what stands now whatever the date, so that nobody may take it for what was known in the past.
    `follows_score`: it comes about because of the health score, so that the score must not be made of it.
    """

    key: str
    label: str
    type: FactType
    expression: Callable[[date], Any]
    help: str = ""
    now_only: bool = False
    follows_score: bool = False


@dataclass(frozen=True)
class Section:
    """A block of a composed page (`place` = "account", "qbr"). `render` returns safe HTML or "" to stay away."""

    key: str
    place: str
    title: str
    order: int
    render: Callable[[HttpRequest, Any], str]


@dataclass(frozen=True)
class Consumer:
    """Somebody who must look at changed accounts, and the task that makes it do so."""

    name: str
    task: str


@dataclass(frozen=True)
class DoctorCheck:
    """An invariant. `count` gives the number of places where it is broken, inside the tenant's context."""

    key: str
    label: str
    count: Callable[[Tenant, datetime], int]


@dataclass(frozen=True)
class TenantDefault:
    """What a new workspace gets from an app: published processes and lists. Must be idempotent."""

    key: str
    order: int
    make: Callable[[Tenant, Actor, datetime], None]


@dataclass(frozen=True)
class ProcessKind:
    """A kind of process document. `parse` raises `ValueError` with a message that names the field and the remedy.

    Everything below `parse` is optional:
    - `publish_check` raises `ValueError` for what a draft may hold and a live version may not; no waiver helps.
    - `gate` gives the lines of what stands against publishing, empty when it is open; a signed waiver passes it.
    - `after_publish` runs in the transaction of every publishing, on every path, after the version is live.
    - `describe` says a definition in the words of the work, line by line; a difference is told in these words.
    - `effects` says what publishing a definition under a key today would change in the workspace. It writes nothing.
    - `fields` is the order of fields in a file, for blocks at any depth; fields not named follow in the order given.
    - `schema` is the JSON schema of a file of this kind.
    - `page` names the address of the kind's own page for a key, where it has one.
    - `headed` says that a definition itself repeats kind, key and name, as a file does.
    """

    kind: str
    label: str
    parse: Callable[[dict[str, Any]], Any]
    publish_check: Callable[[dict[str, Any]], None] | None = None
    gate: Callable[[ProcessVersion], list[str]] | None = None
    after_publish: Callable[[ProcessVersion, Actor, datetime], None] | None = None
    describe: Callable[[dict[str, Any]], list[Line]] | None = None
    effects: Callable[[str, dict[str, Any], date], list[str]] | None = None
    fields: tuple[str, ...] = ()
    schema: dict[str, Any] | None = None
    page: str = ""
    headed: bool = False


@dataclass
class _Registry:
    facts: dict[str, Fact] = field(default_factory=dict)
    sections: dict[str, Section] = field(default_factory=dict)
    consumers: dict[str, Consumer] = field(default_factory=dict)
    doctor_checks: dict[str, DoctorCheck] = field(default_factory=dict)
    tenant_defaults: dict[str, TenantDefault] = field(default_factory=dict)
    process_kinds: dict[str, ProcessKind] = field(default_factory=dict)
    import_kinds: dict[str, Any] = field(default_factory=dict)
    queue_sources: dict[str, Any] = field(default_factory=dict)


_registry = _Registry()


class AlreadyRegistered(RuntimeError):
    """Two contributions claim the same name."""


def _put(shelf: dict[str, Any], name: str, thing: Any) -> None:
    if name in shelf:
        raise AlreadyRegistered(f"'{name}' is registered twice.")
    shelf[name] = thing


def add_facts(facts: Iterable[Fact]) -> None:
    for fact in facts:
        _put(_registry.facts, fact.key, fact)


def add_section(section: Section) -> None:
    _put(_registry.sections, section.key, section)


def add_consumer(consumer: Consumer) -> None:
    _put(_registry.consumers, consumer.name, consumer)


def add_doctor_check(check: DoctorCheck) -> None:
    _put(_registry.doctor_checks, check.key, check)


def add_tenant_default(default: TenantDefault) -> None:
    _put(_registry.tenant_defaults, default.key, default)


def add_process_kind(kind: ProcessKind) -> None:
    _put(_registry.process_kinds, kind.kind, kind)


def add_import_kind(key: str, kind: Any) -> None:
    """An import kind; its type belongs to the import engine in `accounts`."""
    _put(_registry.import_kinds, key, kind)


def add_queue_source(key: str, source: Any) -> None:
    """A source of rows for My day; its type belongs to the page that shows the queue."""
    _put(_registry.queue_sources, key, source)


def facts() -> dict[str, Fact]:
    return dict(_registry.facts)


def sections(place: str) -> list[Section]:
    return sorted((s for s in _registry.sections.values() if s.place == place), key=lambda s: (s.order, s.key))


def consumers() -> list[Consumer]:
    return list(_registry.consumers.values())


def doctor_checks() -> list[DoctorCheck]:
    return list(_registry.doctor_checks.values())


def tenant_defaults() -> list[TenantDefault]:
    return sorted(_registry.tenant_defaults.values(), key=lambda d: (d.order, d.key))


def process_kind(kind: str) -> ProcessKind:
    return _registry.process_kinds[kind]


def process_kinds() -> list[ProcessKind]:
    return list(_registry.process_kinds.values())


def import_kinds() -> dict[str, Any]:
    return dict(_registry.import_kinds)


def queue_sources() -> dict[str, Any]:
    return dict(_registry.queue_sources)
