"""The seams: what upper apps contribute to lower ones, without being imported.

Every app fills this in `apps.py` at start. Names are unique, and a second registration under a name is an error at
start rather than a surprise later.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from django.http import HttpRequest

from core.actors import Actor
from core.differences import Line
from core.documents.blocks import Block
from core.models import ProcessVersion, Tenant
from core.permissions import Permission

FactType = Literal["number", "money", "text", "choice", "date", "boolean"]
Subject = Literal["account", "opportunity"]


@dataclass(frozen=True)
class EntryOf:
    """The entries of a list of a live process. Without a key, of the process in which the rule stands."""

    kind: str
    key: str
    part: str


@dataclass(frozen=True)
class Fact:
    """A named, typed fact about an account (or an opportunity) as of a date: an expression that annotates a QuerySet.

    `expression(as_of)` must be set-based and give at most one value per row; None where nothing is known.
    `subject` says of which rows it speaks. Facts of accounts can also be asked of their opportunities.
    `now_only`: it gives what stands now whatever the date, so that nobody may take it for what was known in the past.
    `follows_score`: it comes about because of the health score, so that the score must not be made of it.
    `values`: all that a choice can be, where these are few and fixed; `values_in`: the list whose keys it can be.
    """

    key: str
    label: str
    type: FactType
    expression: Callable[[date], Any]
    help: str = ""
    now_only: bool = False
    follows_score: bool = False
    subject: Subject = "account"
    values: tuple[str, ...] = ()
    values_in: EntryOf | None = None


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
class Reference:
    """A process that a document names: `field` is where. With `entry`, one of the target's list `part` is meant.

    `if_there`: asks nothing as long as no such process is live.
    """

    field: str
    kind: str
    key: str
    part: str = ""
    entry: str = ""
    if_there: bool = False


@dataclass(frozen=True)
class PortfolioDocument:
    """A document that tells about the workspace as it stands today, made of live processes and live figures.

    `build` gets the business date and whether the reader may see amounts. `process` is the kind and key of the
    process that it is mostly about, where there is one. Only roles with `permission` read it.
    """

    key: str
    title: str
    purpose: str
    order: int
    build: Callable[[Tenant, date, bool], list[Block]]
    process: tuple[str, str] | None = None
    permission: Permission = field(kw_only=True)


@dataclass(frozen=True)
class Asked:
    """What whoever brings a definition back must choose, as things have moved on: a name, and options with labels."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]


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
    - `references` names other processes that a definition relies on: they must be live before it, and stay so.
    - `document` tells a definition as a document for people who do the work: the same definition, the same blocks.
    - `gaps` says what the design of a version lacks though it may be live, each line with its remedy.
    - `note` is what a reader of any process of this kind must know first.
    - `on_return` says what each of some earlier definitions under a key asks of whoever brings it back today.
    - `answered` is an earlier definition with what was chosen; it raises `ValueError` for what was not to be chosen.
    - `once` names the parts that say how to get there: done with once live, and no part of what the content is.
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
    references: Callable[[dict[str, Any]], list[Reference]] | None = None
    document: Callable[[dict[str, Any]], list[Block]] | None = None
    note: str = ""
    gaps: Callable[[ProcessVersion], list[str]] | None = None
    on_return: Callable[[str, Sequence[dict[str, Any]]], list[list[Asked]]] | None = None
    answered: Callable[[str, dict[str, Any], Mapping[str, str]], dict[str, Any]] | None = None
    once: tuple[str, ...] = ()


@dataclass(frozen=True)
class Duty:
    """What a member has in their hands, in words: `41 accounts`; and where it is handed over."""

    words: str
    url: str = ""


# By membership, for those who have any. They go over to somebody else before the member leaves.
MemberDuty = Callable[[Iterable[int]], dict[int, Duty]]


@dataclass
class _Registry:
    facts: dict[str, Fact] = field(default_factory=dict)
    bridges: dict[Subject, Callable[[Fact, date], Any]] = field(default_factory=dict)
    sections: dict[str, Section] = field(default_factory=dict)
    consumers: dict[str, Consumer] = field(default_factory=dict)
    doctor_checks: dict[str, DoctorCheck] = field(default_factory=dict)
    tenant_defaults: dict[str, TenantDefault] = field(default_factory=dict)
    process_kinds: dict[str, ProcessKind] = field(default_factory=dict)
    import_kinds: dict[str, Any] = field(default_factory=dict)
    import_extensions: dict[str, Any] = field(default_factory=dict)
    queue_sources: dict[str, Any] = field(default_factory=dict)
    mergers: dict[str, Any] = field(default_factory=dict)
    documents: dict[str, PortfolioDocument] = field(default_factory=dict)
    member_duties: dict[str, MemberDuty] = field(default_factory=dict)


_registry = _Registry()


class AlreadyRegistered(RuntimeError):
    """Two contributions claim the same name."""


def _put(shelf: dict[Any, Any], name: str, thing: Any) -> None:
    if name in shelf:
        raise AlreadyRegistered(f"'{name}' is registered twice.")
    shelf[name] = thing


def add_facts(facts: Iterable[Fact]) -> None:
    for fact in facts:
        _put(_registry.facts, fact.key, fact)


def add_bridge(subject: Subject, through: Callable[[Fact, date], Any]) -> None:
    """How rows of another subject ask a fact of their account: the expression that annotates them."""
    _put(_registry.bridges, subject, through)


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


def add_import_extension(key: str, extension: Any) -> None:
    """What an upper app does beside a kind of import of a lower one; its type belongs to the import engine."""
    _put(_registry.import_extensions, key, extension)


def add_queue_source(key: str, source: Any) -> None:
    """A source of rows for My day; its type belongs to the page that shows the queue."""
    _put(_registry.queue_sources, key, source)


def add_member_duty(key: str, duty: MemberDuty) -> None:
    _put(_registry.member_duties, key, duty)


def add_document(document: PortfolioDocument) -> None:
    _put(_registry.documents, document.key, document)


def add_merger(table: str, part: Any) -> None:
    """What happens to a table's rows when two accounts become one; its type belongs to the merge in `accounts`."""
    _put(_registry.mergers, table, part)


def facts(subject: Subject = "account") -> dict[str, Fact]:
    """The facts that can be asked of rows of that subject: its own, and those of the account behind it."""
    return {key: fact for key, fact in _registry.facts.items() if fact.subject in {subject, "account"}}


def fact_expression(fact: Fact, subject: Subject, as_of: date) -> Any:
    """The expression that annotates rows of that subject with the fact."""
    return fact.expression(as_of) if fact.subject == subject else _registry.bridges[subject](fact, as_of)


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


def import_extensions() -> list[Any]:
    return list(_registry.import_extensions.values())


def queue_sources() -> dict[str, Any]:
    return dict(_registry.queue_sources)


def documents() -> list[PortfolioDocument]:
    return sorted(_registry.documents.values(), key=lambda one: (one.order, one.key))


def member_duties() -> list[MemberDuty]:
    return list(_registry.member_duties.values())


def mergers() -> dict[str, Any]:
    return dict(_registry.mergers)
