"""What one process names of another: checked when either changes, and the order in which they can go live."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from core import registry
from core.choices import VersionState
from core.models import ProcessVersion
from core.queries import published_version
from core.registry import Reference

Name = tuple[str, str]  # kind and key


def of(kind: str, definition: Mapping[str, Any]) -> list[Reference]:
    """What a document names of other processes."""
    named = registry.process_kind(kind).references
    return named(dict(definition)) if named is not None else []


def broken(version: ProcessVersion, together: Collection[Name] = ()) -> list[str]:
    """What the version names and is not live, and what live processes name of it and it says no more.

    Processes of `together` go live in the same act: what they say now does not count.
    """
    return [*not_there(version, together), *_left_behind(version, together)]


def not_there(version: ProcessVersion, together: Collection[Name] = ()) -> list[str]:
    """What the version names and is not live. Enough for the first of its key: nothing live can name that yet."""
    return [
        problem
        for one in of(version.kind, version.definition)
        if (one.kind, one.key) not in together and (problem := _missing(one))
    ]


def _missing(one: Reference) -> str:
    live = published_version(one.kind, one.key)
    return problem_of(one, live.definition if live is not None else None)


def problem_of(one: Reference, target: Mapping[str, Any] | None) -> str:
    """What is wrong with naming this of that document; "" when nothing is. None: there is no such process."""
    label = registry.process_kind(one.kind).label.lower()
    if target is None:
        return f"{one.field}: there is no {label} '{one.key}'. Publish it first, or name another one."
    if one.entry and one.entry not in _entries(target, one.part):
        known = ", ".join(_entries(target, one.part)) or "none"
        return f"{one.field}: {label} '{one.key}' has no '{one.entry}' among its {one.part}. There are: {known}."
    return ""


def _entries(target: Mapping[str, Any], part: str) -> list[str]:
    found = target.get(part)
    return [str(entry.get("key")) for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _left_behind(version: ProcessVersion, together: Collection[Name]) -> Iterator[str]:
    kinds = [kind.kind for kind in registry.process_kinds() if kind.references is not None]
    for other in ProcessVersion.objects.filter(kind__in=kinds, state=VersionState.PUBLISHED).order_by("kind", "key"):
        if (other.kind, other.key) in {*together, (version.kind, version.key)}:
            continue
        for one in of(other.kind, other.definition):
            if (one.kind, one.key) == (version.kind, version.key) and problem_of(one, version.definition):
                label = registry.process_kind(other.kind).label.lower()
                yield (
                    f"{one.part}: '{one.entry}' is missing, but the live {label} “{other.name}” names it "
                    f"({one.field}). Keep it, or change the {label} first."
                )


def in_order(names: Mapping[Name, Sequence[Reference]]) -> tuple[list[Name], list[tuple[Name, Reference]]]:
    """The processes so that what is named comes before what names it; then the references that go round in a circle.

    Processes without references keep the order that they were given in.
    """
    done: list[Name] = []
    circles: list[tuple[Name, Reference]] = []
    on_the_way: list[Name] = []

    def visit(name: Name) -> None:
        on_the_way.append(name)
        for one in names[name]:
            target = (one.kind, one.key)
            if target in on_the_way:
                circles.append((name, one))
            elif target in names and target not in done:
                visit(target)
        on_the_way.pop()
        done.append(name)

    for name in names:
        if name not in done:
            visit(name)
    return done, circles
