"""Reads of qualification: frameworks, answers, progress. Set-based: a board asks once for all its cards."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection
from django.db.models import Count

from core.choices import VersionState
from core.differences import Line
from core.models import ProcessVersion
from core.tenancy import require_tenant_id
from journeys.models import Answer, Opportunity
from journeys.rules.qualification import CHOICE, FrameworkSpec, Question, parse_qualification

KIND: Final = "qualification"
FIELDS: Final = ("questions", "key", "name", "help", "type", "choices", "min", "required")

_NAMED: Final = """
SELECT pipeline.id, asked.key, asked.name, asked.number, asked.definition
FROM journeys_pipeline AS pipeline
JOIN core_processversion AS live ON live.tenant_id = %(tenant)s AND live.kind = 'pipeline'
 AND live.key = pipeline.key AND live.state = 'published'
CROSS JOIN LATERAL jsonb_array_elements_text(live.definition -> 'frameworks') WITH ORDINALITY AS named(key, place)
JOIN core_processversion AS asked ON asked.tenant_id = %(tenant)s AND asked.kind = 'qualification'
 AND asked.key = named.key AND asked.state = 'published'
WHERE pipeline.tenant_id = %(tenant)s AND pipeline.id = ANY(%(ids)s)
ORDER BY pipeline.id, named.place
"""


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
    met: dict[int, list[str]] = {}
    if ids:
        rows = Answer.objects.filter(opportunity_id__in=ids, is_complete=True).order_by()
        for deal_id, key, question in rows.values_list("opportunity_id", "framework", "question"):
            met.setdefault(deal_id, []).append(f"{key}.{question}")
    return {deal.pk: progress_in(chosen.get(deal.pipeline_id, ()), met.get(deal.pk, ())) for deal in deals}


def progress_in(chosen: Sequence[Framework], met: Collection[str]) -> list[Progress]:
    """How far a deal is in each framework, by the questions (`framework.question`) that it answers completely."""
    return [
        Progress(
            one.key, one.name,
            sum(question.required and f"{one.key}.{question.key}" in met for question in one.spec.questions),
            one.spec.asked,
        )
        for one in chosen
    ]  # fmt: skip


def progress(opportunities: Iterable[Opportunity]) -> dict[int, tuple[int, int]]:
    """By opportunity, (answered, asked) over all frameworks of its pipeline. Two statements at most."""
    deals = list(opportunities)
    found = progress_of(deals, frameworks_of_pipelines({deal.pipeline_id for deal in deals}))
    return {key: (sum(one.answered for one in many), sum(one.asked for one in many)) for key, many in found.items()}


def frameworks_of_pipelines(pipeline_ids: Collection[int]) -> dict[int, list[Framework]]:
    """The live frameworks that each pipeline's live version names, in its order. One statement."""
    found: dict[int, list[Framework]] = {pk: [] for pk in pipeline_ids}
    specs: dict[str, FrameworkSpec] = {}
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, {"tenant": require_tenant_id(), "ids": list(pipeline_ids)})
        for pipeline_id, key, name, number, definition in cursor.fetchall():
            if key not in specs:
                specs[key] = parse_qualification(json.loads(definition))
            found[pipeline_id].append(Framework(key, name, number, specs[key]))
    return found


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
