"""Pipelines, journeys, frameworks and playbooks as documents for people who do the work."""

from collections.abc import Iterator, Sequence
from typing import Any

from core.documents.blocks import Block, Bullets, Heading, Paragraph, Step, Steps, table
from core.documents.words import days, fact_name, humanised, sentence
from core.registry import Reference
from journeys.queries.criterion_words import answer_words
from journeys.rules.criteria import Criterion, criteria_of, stage_gates
from journeys.rules.handoffs import HandoffSpec
from journeys.rules.journeys import JourneySpec, LifecycleStageSpec, parse_journey
from journeys.rules.pipelines import StageSpec, parse_pipeline
from journeys.rules.play_words import due_words, owner_words, start_words
from journeys.rules.playbooks import ANCHORS, Playbook, Variant, parse_playbook
from journeys.rules.playbooks import Step as PlayStep
from journeys.rules.qualification import CHOICE, Question, parse_qualification


def asked(one: Criterion) -> str:
    """What a criterion asks for, and how one sees that it is met."""
    if one.rule is not None:
        how = f"when {sentence(one.rule)}"
    elif one.answer:
        how = answer_words(one.answer)
    else:
        how = f"{one.framework.upper()} answered in full" if one.framework else "a person gives the evidence"
    return f"{one.name} ({how}){'. ' + one.help if one.help else ''}"


def _criteria(title: str, criteria: Sequence[Criterion]) -> Iterator[Block]:
    if criteria:
        yield Paragraph(title)
        yield Bullets(tuple(asked(one) for one in criteria))


def criteria_references(definition: dict[str, Any]) -> list[Reference]:
    """The frameworks and questions that a pipeline or a journey names."""
    found = [
        Reference(f"frameworks[{place}]", "qualification", str(key))
        for place, key in enumerate(definition.get("frameworks") or [])
    ]
    places = {(key, part): 0 for key, part, _ in criteria_of(stage_gates(definition))}
    order = [str(stage.get("key")) for stage in definition.get("stages", [])]
    for key, part, one in criteria_of(stage_gates(definition)):
        at = f"stages[{order.index(key)}].{part}[{places[key, part]}]"
        places[key, part] += 1
        if one.answer:
            framework, _, question = one.answer.partition(".")
            found.append(Reference(f"{at}.answer", "qualification", framework, "questions", question))
        elif one.framework:
            found.append(Reference(f"{at}.framework", "qualification", one.framework))
    return found


def pipeline(definition: dict[str, Any]) -> list[Block]:
    """The sales process, stage by stage: what must be true to come in, and to go on."""
    return list(_pipeline(definition))


def _pipeline(definition: dict[str, Any]) -> Iterator[Block]:
    spec = parse_pipeline(definition)
    if spec.frameworks:
        yield Paragraph(f"Deals are qualified by {', '.join(key.upper() for key in spec.frameworks)}.")
    yield Paragraph("A deal goes on when what its stage asks for is true. A stage that is skipped still asks.")
    yield table(
        ("Stage", "Counts as", "Probability", "Forecast"),
        [(one.name, one.kind, f"{one.probability} %", humanised(one.forecast)) for one in spec.stages],
        "Stages in order",
        [2],
    )
    for stage in spec.stages:
        yield from _stage(stage)


def _stage(stage: StageSpec) -> Iterator[Block]:
    if not stage.entry and not stage.exit:
        return
    yield Heading(stage.name)
    yield from _criteria("To come in:", stage.entry)
    yield from _criteria("To go on:", stage.exit)


def qualification(definition: dict[str, Any]) -> list[Block]:
    """The questions of a framework, and what counts as an answer."""
    spec = parse_qualification(definition)
    return [
        Paragraph(f"{spec.asked} of {len(spec.questions)} questions must be answered to complete it."),
        Steps(tuple(Step(one.name, tuple(_question(one))) for one in spec.questions)),
    ]


def _question(one: Question) -> Iterator[str]:
    if one.help:
        yield one.help
    kind = f"one of {', '.join(one.choices)}" if one.type == CHOICE else one.type
    least = f", at least {one.least:,}" if one.least else ""
    yield f"Answer: {kind}{least}. {'Required.' if one.required else 'Optional.'}"


def journey(definition: dict[str, Any]) -> list[Block]:
    """The customer's journey: each stage as they see it, who leads, and what is asked."""
    return list(_journey(parse_journey(definition)))


def _journey(spec: JourneySpec) -> Iterator[Block]:
    yield table(
        ("Stage", "Leads", "Expected", "The customer says"),
        [(one.name, one.owner_team or "nobody yet", _expected(one), one.success or "not said") for one in spec.stages],
        "Stages in order",
    )
    names = {one.key: one.name for one in spec.stages}
    for stage in spec.stages:
        yield Heading(stage.name)
        yield Paragraph(stage.success or "What success means to the customer is not said yet.", strong=True)
        yield Paragraph(f"{stage.owner_team or 'No team'} leads. Expected time: {_expected(stage)}.")
        if stage.touchpoints:
            yield Paragraph("Where the customer meets us:")
            yield Bullets(stage.touchpoints)
        yield from _criteria("To come in:", stage.entry)
        yield from _criteria("To go on:", stage.exit)
        if stage.checkpoints:
            yield Paragraph("Somebody looks whether the customer is satisfied:")
            yield Bullets(tuple(f"{one.name}, {days(one.after_days)} in" for one in stage.checkpoints))
        if stage.back_to:
            back = ", ".join(names.get(key, key) for key in stage.back_to)
            yield Paragraph(f"From here a customer may go back to {back} without a reason.")
        if stage.hubspot:
            yield Paragraph(f"In HubSpot: {', '.join(stage.hubspot)}.")
    yield from _handoffs(spec.handoffs, names)
    yield from _first_value(spec)


def _expected(stage: LifecycleStageSpec) -> str:
    return days(stage.expected_days) if stage.expected_days else "not said"


def _handoffs(handoffs: Sequence[HandoffSpec], names: dict[str, str]) -> Iterator[Block]:
    if not handoffs:
        return
    yield Heading("Hand-offs")
    for one in handoffs:
        yield Heading(one.name, 3)
        start = "A won deal opens it" if one.on_won else "It opens when the customer goes on"
        yield Paragraph(
            f"{one.from_team} hands over to {one.to_team}, from {names.get(one.from_stage, one.from_stage)} to "
            f"{names.get(one.to_stage, one.to_stage)}. {start}; it is accepted or sent back within "
            f"{days(one.accept_within_hours, 'hour')}, counted on business days."
        )
        ready = [item.name for item in one.checklist]
        if one.needs_expectation:
            ready.append("What the customer expects, in their words")
        if ready:
            yield Bullets(tuple(ready))


def _first_value(spec: JourneySpec) -> Iterator[Block]:
    if not spec.first_value.events:
        return
    clock = "the close of the deal" if spec.first_value.clock == "close" else "the first payment"
    yield Heading("First value")
    yield Paragraph(f"The clock starts with {clock} and stops when the customer has seen the first result:")
    yield Bullets(
        tuple(
            f"{one.name} ({', '.join(map(humanised, one.segments)) or 'everybody else'}): "
            f"{sentence(one.rule) if one.rule else 'a person gives the evidence'}"
            for one in spec.first_value.events
        )
    )


def playbook(definition: dict[str, Any]) -> list[Block]:
    """A playbook so that somebody who has never done it can: when it starts, and each step with script and proof."""
    return list(_playbook(parse_playbook(definition), definition))


def _playbook(spec: Playbook, definition: dict[str, Any]) -> Iterator[Block]:
    if spec.goal:
        yield Paragraph(spec.goal, strong=True)
    yield Heading("When it starts")
    starts = [
        f"{start_words(one)}{', when ' + sentence(one['rule']) if one.get('rule') else ''}"
        for one in definition.get("starts") or []
    ]
    yield Bullets(tuple(f"{humanised(words)}." for words in dict.fromkeys([*starts, "by hand"])))
    if spec.audience is not None:
        yield Paragraph(f"For accounts where {sentence(spec.audience)}.")
    if spec.requires is not None:
        yield Paragraph(f"Only after {sentence(spec.requires)}; else a manager waives it with a reason.")
    calendar = "business days" if spec.calendar == "business" else "all days"
    yield Paragraph(f"Days are {calendar}, counted from {ANCHORS.get(spec.anchor, spec.anchor)} or as a step says.")
    for variant in spec.variants:
        yield from _variant(variant, spec, many=len(spec.variants) > 1)
    if spec.outcome is not None:
        yield Heading("What counts as success")
        yield Paragraph(
            f"{spec.outcome.name}: {sentence(spec.outcome.rule)}, within {days(spec.outcome.within_days)} of the "
            f"start. The playbook is looked at again after {days(spec.review_after_runs, 'run')}."
        )


def _variant(variant: Variant, spec: Playbook, *, many: bool) -> Iterator[Block]:
    whom = ", ".join(map(humanised, variant.segments)) or "everybody else"
    yield Heading(f"Steps for {whom}" if many else "Steps")
    numbers = {step.key: place for place, step in enumerate(variant.steps, start=1)}
    yield Steps(tuple(Step(one.title or humanised(one.key), tuple(_told(one, spec, numbers))) for one in variant.steps))


def _told(step: PlayStep, spec: Playbook, numbers: dict[str, int]) -> Iterator[str]:
    due = step.due
    raw = {"days": due.days, "from": due.source, "when": "before" if due.before else "after"} if due else None
    yield f"{owner_words(step.owner)} · due {due_words(raw, numbers, spec.anchor)}"
    if step.only_if is not None:
        yield f"Only if {sentence(step.only_if)}."
    if step.goal:
        yield f"Goal: {step.goal}"
    if step.script:
        yield f"Say: {step.script}"
    if step.template:
        yield f"Template: {step.template}"
    if step.panel:
        yield f"Look at: {', '.join(map(fact_name, step.panel))}."
    if step.done_when:
        yield f"Done when {step.done_when}"
