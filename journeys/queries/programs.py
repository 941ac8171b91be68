"""Digital programs in words. They are designed and documented here; nothing runs them yet."""

from datetime import date
from typing import Any, Final

from core import facts
from core.differences import Line
from core.documents.blocks import Block, Heading, Paragraph, Step, Steps
from core.documents.words import days, humanised, sentence
from core.registry import Reference
from journeys.rules.programs import CHANNELS, ProgramSpec, parse_program

KIND: Final = "program"
DEFAULT_KEY: Final = "small_onboarding"
NOTE: Final = "Programs are designed and documented here. They do not run yet: nobody is written to."


def parse_checked(definition: dict[str, Any]) -> ProgramSpec:
    """A program whose rules name only facts that exist. Raises `ValueError` with the place and the remedy.

    Facts of apps further up are known once all apps have started.
    """
    spec = parse_program(definition)
    for tree, place in ((spec.rule, "audience.rule"), (spec.exit, "exit")):
        if tree is not None:
            facts.conditions(dict(tree), place)
    return spec


def references(definition: dict[str, Any]) -> list[Reference]:
    """The segment that it is for."""
    segment = parse_program(definition).segment
    return [Reference("audience.segment", "segment", segment)] if segment else []


def _audience(spec: ProgramSpec) -> str:
    return f"Segment {humanised(spec.segment)}" if spec.segment else sentence(spec.rule)


def _when(count: int) -> str:
    return "on joining" if count == 0 else f"{days(count)} after joining"


def describe(definition: dict[str, Any]) -> list[Line]:
    """Line by line, step after step."""
    spec = parse_checked(definition)
    lines = [
        Line("goal", "goal", spec.goal),
        Line("audience", "for", _audience(spec)),
        Line("exit", "ends when", sentence(spec.exit) if spec.exit else "the last step is done"),
    ]
    for step in spec.steps:
        part, path = f"step “{step.title}”", f"steps.{step.key}"
        lines += [
            Line(f"{path}.title", f"title of step {step.key}", step.title, part, "title", path, quiet=True),
            Line(f"{path}.after_days", f"{part} comes", _when(step.after_days), part, "comes", path),
            Line(f"{path}.channel", f"channel of {part}", CHANNELS[step.channel], part, "channel", path),
            Line(f"{path}.content", f"content of {part}", step.content, part, "content", path),
            Line(f"{path}.done_when", f"{part} done when", step.done_when or "not said", part, "done when", path),
        ]
    return lines


def effects(_key: str, _definition: dict[str, Any], _today: date) -> list[str]:
    """Nothing, and the reader is told so."""
    return [NOTE]


def document(definition: dict[str, Any]) -> list[Block]:
    """The design of a program."""
    spec = parse_checked(definition)
    return [
        Paragraph(spec.goal, strong=True),
        Heading("For whom"),
        Paragraph(f"{_audience(spec)}."),
        Heading("What they get"),
        Steps(
            tuple(
                Step(
                    step.title,
                    (
                        f"{humanised(_when(step.after_days))} · {CHANNELS[step.channel]}",
                        step.content,
                        *([f"Done when {step.done_when}."] if step.done_when else []),
                    ),
                )
                for step in spec.steps
            )
        ),
        Heading("When it ends"),
        Paragraph(f"{humanised(sentence(spec.exit))}." if spec.exit else "After the last step."),
    ]
