"""Reads of qualification: frameworks, answers, progress. Set-based: a board asks once for all its cards."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db.models import Count, OuterRef, Subquery

from core.choices import VersionState
from core.differences import Line
from core.models import ProcessVersion
from journeys.models import Answer, Opportunity, Pipeline
from journeys.rules.qualification import CHOICE, FrameworkSpec, Question, parse_qualification

KIND: Final = "qualification"
FIELDS: Final = ("questions", "key", "name", "help", "type", "choices", "min", "required")


@dataclass(frozen=True)
class Framework:
    """A live framework."""

    key: str
    name: str
    number: int
    spec: FrameworkSpec


@dataclass(frozen=True)
class Asked:
    """A question with the answer that a deal has to it, if any."""

    question: Question
    answer: Answer | None

    @property
    def state(self) -> str:
        """`met`, `begun` (answered, but not enough) or `open`."""
        return "open" if self.answer is None else "met" if self.answer.is_complete else "begun"


@dataclass(frozen=True)
class Progress:
    """How many required questions of a framework are answered so that they satisfy."""

    framework: str
    name: str
    answered: int
    asked: int

    @property
    def is_complete(self) -> bool:
        return self.answered >= self.asked

    @property
    def dots(self) -> list[bool]:
        """One mark per question, the answered ones first."""
        return [place < self.answered for place in range(self.asked)]


def frameworks(keys: Collection[str] | None = None) -> dict[str, Framework]:
    """The live frameworks by key, all of them or those named. One statement."""
    live = ProcessVersion.objects.filter(kind=KIND, state=VersionState.PUBLISHED)
    if keys is not None:
        live = live.filter(key__in=list(keys))
    return {
        one.key: Framework(one.key, one.name, one.number, parse_qualification(one.definition))
        for one in live.order_by("name", "key")
    }


def framework(key: str) -> Framework | None:
    """The live framework of that key, or None."""
    return frameworks([key]).get(key)


def progress_of(
    opportunities: Iterable[Opportunity], chosen: Mapping[int, Sequence[Framework]]
) -> dict[int, list[Progress]]:
    """By opportunity, how far it is in each framework of its pipeline (`chosen`, by pipeline). One statement.

    Only required questions that the live framework still asks count.
    """
    deals = list(opportunities)
    ids = [deal.pk for deal in deals if chosen.get(deal.pipeline_id)]
    asked = {(one.key, question.key) for many in chosen.values() for one in many
             for question in one.spec.questions if question.required}  # fmt: skip
    met: dict[tuple[int, str], int] = {}
    if ids and asked:
        rows = (
            Answer.objects.filter(opportunity_id__in=ids, is_complete=True)
            .order_by()
            .values_list("opportunity_id", "framework", "question")
        )
        for deal_id, key, question in rows:
            if (key, question) in asked:
                met[deal_id, key] = met.get((deal_id, key), 0) + 1
    return {
        deal.pk: [
            Progress(one.key, one.name, met.get((deal.pk, one.key), 0), one.spec.asked)
            for one in chosen.get(deal.pipeline_id, ())
        ]
        for deal in deals
    }


def progress(opportunities: Iterable[Opportunity]) -> dict[int, tuple[int, int]]:
    """By opportunity, (answered, asked) over all frameworks of its pipeline. Three statements at most."""
    deals = list(opportunities)
    found = progress_of(deals, frameworks_of_pipelines({deal.pipeline_id for deal in deals}))
    return {key: (sum(one.answered for one in many), sum(one.asked for one in many)) for key, many in found.items()}


def frameworks_of_pipelines(pipeline_ids: Collection[int]) -> dict[int, list[Framework]]:
    """The frameworks that each pipeline's live version names, in its order. Two statements."""
    named = named_frameworks(pipeline_ids)
    known = frameworks({key for keys in named.values() for key in keys}) if any(named.values()) else {}
    return {pk: [known[key] for key in keys if key in known] for pk, keys in named.items()}


def named_frameworks(pipeline_ids: Collection[int]) -> dict[int, list[str]]:
    """The keys of frameworks by pipeline, as the live versions name them. One statement."""
    live = ProcessVersion.objects.filter(kind="pipeline", state=VersionState.PUBLISHED, key=OuterRef("key"))
    rows = (
        Pipeline.objects.filter(pk__in=list(pipeline_ids))
        .annotate(named=Subquery(live.values("definition__frameworks")[:1]))
        .values_list("pk", "named")
    )
    return {pk: [str(key) for key in named or ()] for pk, named in rows}


def asked_of(opportunity: Opportunity, many: Sequence[Framework]) -> list[tuple[Framework, list[Asked]]]:
    """Each framework with its questions and what the deal answers to them. One statement."""
    answers = {
        (one.framework, one.question): one
        for one in Answer.objects.filter(opportunity=opportunity).select_related("contact")
    }
    return [
        (one, [Asked(question, answers.get((one.key, question.key))) for question in one.spec.questions])
        for one in many
    ]


def asked_question(opportunity: Opportunity, path: str) -> Asked | None:
    """The question `framework.question` with the deal's answer, or None where no live framework asks it."""
    key, _, name = path.partition(".")
    found = framework(key)
    question = found.spec.question(name) if found else None
    if question is None:
        return None
    answers = Answer.objects.filter(opportunity=opportunity, framework=key, question=name).select_related("contact")
    return Asked(question, answers.first())


def describe_qualification(definition: dict[str, Any]) -> list[Line]:
    """Line by line, question after question."""
    lines: list[Line] = []
    for one in parse_qualification(definition).questions:
        path, part = f"questions.{one.key}", f"question {one.name}"
        said = [
            ("name", f"name of question {one.key}", one.name, "name"),
            ("type", f"type of {part}", _type_words(one), "type"),
            ("required", f"{part} is", "required" if one.required else "optional", "is"),
            ("help", f"help of {part}", one.help or "none", "help"),
        ]
        lines += [Line(f"{path}.{field}", label, value, part, short, path) for field, label, value, short in said]
    return lines


def _type_words(one: Question) -> str:
    if one.type == CHOICE:
        return f"one of {', '.join(one.choices)}"
    return f"{one.type}, at least {one.least:,}" if one.least else one.type


def qualification_effects(key: str, definition: dict[str, Any], _today: date) -> list[str]:
    """The answers that the change meets."""
    kept = {one.key for one in parse_qualification(definition).questions}
    counts = dict(
        Answer.objects.filter(framework=key).order_by().values_list("question").annotate(n=Count("pk")).order_by()
    )
    lines = [f"{sum(counts.values()):,} answers are given under this framework."]
    lines += [
        f"{counts[gone]:,} answers to '{gone}' are kept, but not asked for." for gone in sorted(set(counts) - kept)
    ]
    return lines
