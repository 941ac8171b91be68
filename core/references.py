"""What one process names of another: checked when either changes, and the order in which they can go live."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from core import registry, rule_values
from core.choices import VersionState
from core.models import ProcessVersion
from core.queries import published_version
from core.registry import Reference

Name = tuple[str, str]  # kind and key


def of(kind: str, definition: Mapping[str, Any]) -> list[Reference]:
    """What a document names of other processes, in its fields and by the values of its rules."""
    named = registry.process_kind(kind).references
    return [*(named(dict(definition)) if named is not None else []), *rule_values.named(definition)]


def broken(version: ProcessVersion, together: Collection[Name] = ()) -> list[str]:
    """What the version names and is not live, and what live processes name of it and it says no more.

    Processes of `together` go live in the same act: what they say now does not count.
    """
    never = rule_values.impossible(version.kind, version.definition)
    return [*never, *not_there(version, together), *_left_behind(version, together)]


def not_there(version: ProcessVersion, together: Collection[Name] = ()) -> list[str]:
    """What the version names and is not live. Enough for the first of its key: nothing live can name that yet."""
    own = (version.kind, version.key)
    asked = of(version.kind, version.definition)
    others = dict.fromkeys((one.kind, one.key) for one in asked)
    said = {name: _live(name) for name in others if name != own and name not in together}
    if own in others:
        said[own] = version.definition
    return [
        problem
        for one in asked
        if (one.kind, one.key) in said and (problem := problem_of(one, said[one.kind, one.key]))
    ]


def _live(name: Name) -> Mapping[str, Any] | None:
    live = published_version(*name)
    return live.definition if live is not None else None


def problem_of(one: Reference, target: Mapping[str, Any] | None) -> str:
    """What is wrong with naming this of that document; "" when nothing is. None: there is no such process."""
    label = registry.process_kind(one.kind).label.lower()
    if target is None and one.if_there:
        return ""
    if target is None:
        return f"{one.field}: there is no {label} '{one.key}'. Publish it first, or name another one."
    there = rule_values.entries(target, one.part)
    if one.entry and one.entry not in there:
        known = ", ".join(there) or "none"
        return f"{one.field}: {label} '{one.key}' has no '{one.entry}' among its {one.part}. There are: {known}."
    return ""


def _left_behind(version: ProcessVersion, together: Collection[Name]) -> Iterator[str]:
    """What others name of the version that is live now, and would find no more. What was broken before stays so."""
    own = (version.kind, version.key)
    live = {(one.kind, one.key): one for one in ProcessVersion.objects.filter(state=VersionState.PUBLISHED)}
    before = live[own].definition if own in live else None
    for name in sorted(live):
        other = live[name]
        if name in {*together, own}:
            continue
        for one in of(other.kind, other.definition):
            if (one.kind, one.key) != own or (before is not None and problem_of(one, before)):
                continue
            if problem_of(one, version.definition):
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
            if target == name:  # what it names is its own
                continue
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
