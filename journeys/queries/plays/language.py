"""The kind `playbook`: what is refused, what it says in words, and what publishing another version meets."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from core import facts, registry
from core.differences import Line
from core.formatting import plural
from core.models import Tenant
from core.registry import Reference
from core.tenancy import require_tenant_id
from journeys.queries.plays.facts import RENEWAL_FACT, said
from journeys.queries.plays.firing import would_start
from journeys.queries.plays.moving import running_plays_meet
from journeys.queries.stages import JOURNEY_KIND, STANDARD
from journeys.rules.playbooks import (
    ANCHORS,
    OWNERS,
    BadPlaybook,
    Playbook,
    Start,
    Step,
    Variant,
    lint,
    parse_playbook,
    places_of,
)

FIELDS: Final = (
    "goal", "category", "audience", "anchor", "calendar", "one_at_a_time", "starts", "requires", "outcome",
    "review_after_runs", "floor", "variants", "key", "title", "segments", "on", "stage", "rule", "all", "any", "not",
    "fact", "op", "value", "name", "within_days", "cool_down_days", "script", "template", "done_when", "owner", "due",
    "days", "before", "after", "of", "from", "when", "panel", "only_if", "steps",
)  # fmt: skip


def parse_known(definition: dict[str, Any]) -> Playbook:
    """The document, with every fact that it names known here. Raises `ValueError` with place and remedy."""
    playbook = parse_playbook(definition)
    for place, tree in trees_of(playbook):
        facts.conditions(dict(tree), place)
    for place, key in _facts_named(playbook):
        if key not in registry.facts():
            raise BadPlaybook(f"{place}: the fact '{key}' is unknown. Choose one of those that the workspace has.")
    return playbook


def check_fit(definition: dict[str, Any]) -> None:
    """Raises `ValueError` for what a draft may lack and a live playbook may not."""
    playbook = parse_known(definition)
    if lines := list(lint(playbook)):
        raise BadPlaybook(" ".join(lines))


def references(definition: dict[str, Any]) -> list[Reference]:
    """The stages of the journey on whose entry it starts."""
    return [
        Reference(f"starts[{n}].stage", JOURNEY_KIND, STANDARD, "stages", start.stage, if_there=True)
        for n, start in enumerate(parse_playbook(definition).starts)
        if start.stage
    ]


def trees_of(playbook: Playbook) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every tree with its place in the document."""
    named = {"audience": playbook.audience, "requires": playbook.requires}
    if playbook.outcome is not None:
        named["outcome.rule"] = playbook.outcome.rule
    named |= {f"starts[{n}].rule": start.rule for n, start in enumerate(playbook.starts)}
    for variant, at in zip(playbook.variants, places_of(playbook), strict=True):
        named |= {f"{at}[{step.place}].only_if": step.only_if for step in variant.steps}
    yield from ((place, tree) for place, tree in named.items() if tree is not None)


def _facts_named(playbook: Playbook) -> Iterator[tuple[str, str]]:
    for variant, at in zip(playbook.variants, places_of(playbook), strict=True):
        for step in variant.steps:
            yield from ((f"{at}[{step.place}].panel[{n}]", key) for n, key in enumerate(step.panel))
    uses_renewal = playbook.anchor == "renewal_due"
    for n, start in enumerate(playbook.starts):
        if start.days is None:
            continue
        uses_renewal = uses_renewal or start.days.of == "renewal_due"
        if start.days.of not in ANCHORS:
            yield f"starts[{n}].days.of", start.days.of
            found = registry.facts().get(start.days.of)
            if found is not None and found.type != "date":
                raise BadPlaybook(f"starts[{n}].days.of: '{start.days.of}' is a {found.type}; a date is needed.")
    if uses_renewal:
        yield "anchor", RENEWAL_FACT


def describe(definition: dict[str, Any]) -> list[Line]:
    """Line by line: what it is for, how it starts, then step after step."""
    return list(_lines(parse_playbook(definition)))


def _lines(playbook: Playbook) -> Iterator[Line]:
    yield Line("goal", "goal", playbook.goal or "not said")
    yield Line("category", "category", playbook.category or "none")
    yield Line("audience", "for", said(playbook.audience) or "every account")
    yield Line("anchor", "days count from", ANCHORS[playbook.anchor])
    yield Line("calendar", "calendar", "business days" if playbook.calendar == "business" else "all days")
    for n, start in enumerate(playbook.starts, start=1):
        part, path = f"start {n}", f"starts.{n}"
        yield Line(f"{path}.on", f"{part}: when", start_said(start), part, "when", path)
        if start.on not in {"manual", "api"}:
            days = f"{start.cool_down_days} days"
            yield Line(f"{path}.cool_down", f"{part}: cool-down", days, part, "cool-down", path, "days")
    yield Line("requires", "required before it starts", said(playbook.requires) or "nothing")
    if playbook.outcome is not None:
        within = f"{playbook.outcome.within_days} days"
        yield Line("outcome.name", "outcome", playbook.outcome.name)
        yield Line("outcome.rule", "outcome reached when", said(playbook.outcome.rule))
        yield Line("outcome.within_days", "outcome within", within, tail="days")
    yield Line("review_after_runs", "review after", f"{playbook.review_after_runs} runs", tail="runs")
    yield Line("floor", "review below", f"{playbook.floor} % reached", tail="% reached")
    yield Line("one_at_a_time", "one at a time per account", "yes" if playbook.one_at_a_time else "no")
    for variant in playbook.variants:
        yield from _variant_lines(variant, playbook)


def _variant_lines(variant: Variant, playbook: Playbook) -> Iterator[Line]:
    words = f" of {variant.key}" if variant.key else ""
    path = f"variants.{variant.key}.steps" if variant.key else "steps"
    if variant.key:
        segments = ", ".join(variant.segments) or "all others"
        yield Line(f"variants.{variant.key}.segments", f"variant {variant.key} is for", segments)
    for step in variant.steps:
        yield from _step_lines(step, f"step {step.place + 1}{words}, {step.title or step.key}", f"{path}.{step.key}",
                               variant, playbook)  # fmt: skip


def _step_lines(step: Step, part: str, path: str, variant: Variant, playbook: Playbook) -> Iterator[Line]:
    value, tail, meaning = _due_said(step, variant, playbook)
    yield Line(f"{path}.title", f"title of step {step.key}", step.title or "none", part, "title", path)
    yield Line(f"{path}.due", f"{part}: due", value, part, "due", path, tail, meaning)
    for name, text in (
        ("owner", OWNERS.get(step.owner, "nobody")),
        ("done_when", step.done_when),
        ("goal", step.goal),
        ("script", step.script),
        ("template", step.template),
        ("only_if", said(step.only_if)),
        ("panel", ", ".join(step.panel)),
    ):
        words = {"done_when": "done when", "only_if": "only if"}.get(name, name)
        if text:
            yield Line(f"{path}.{name}", f"{part}: {words}", text, part, words, path)


def _due_said(step: Step, variant: Variant, playbook: Playbook) -> tuple[str, str, str]:
    """The due rule in words, the end of the words that a change says once, and what it means whatever the order."""
    if step.due is None:
        return "not said", "", ""
    if step.due.step:
        before = variant.step(step.due.step)
        of = f"step {before.place + 1}" if before else step.due.step
    else:
        of = ANCHORS[playbook.anchor] if step.due.source == "anchor" else "the start"
    side = "before" if step.due.before else "after"
    return (
        f"{plural(step.due.days, 'day')} {side} {of}",
        f"days {side} {of}",
        f"{step.due.days} {step.due.before} {step.due.source}",
    )


def start_said(start: Start) -> str:
    """How a play comes about: `90 days before the renewal`, `when Health score is under 50`."""
    rule = f", if {said(start.rule)}" if start.rule is not None else ""
    if start.on == "date" and start.days is not None:
        of = ANCHORS.get(start.days.of) or said({"fact": start.days.of, "op": "is_known"})
        return f"{start.days.days} days {'before' if start.days.before else 'after'} {of}{rule}"
    if start.on == "stage":
        return f"when stage {start.stage} is entered{rule}"
    if start.on == "signal":
        return f"when {said(start.rule)}"
    return {"manual": "by hand", "alert": "by an alert", "api": "by the API"}[start.on]


def effects(key: str, definition: dict[str, Any], today: date) -> list[str]:
    """What it would mean for the plays that run, were they moved to it today, and what its rules would start."""
    tenant, playbook = Tenant.objects.get(pk=require_tenant_id()), parse_playbook(definition)
    lines = running_plays_meet(key, playbook, today, tenant)
    found = would_start(key, playbook, tenant, today)
    if found.plays:
        lines.append(f"the next sweep would start {plural(found.plays, 'play')} by its rules")
    if found.held:
        lines.append(f"for {plural(found.held, 'account')} a rule fires, and what must hold before a start does not")
    return lines
