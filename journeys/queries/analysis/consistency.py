"""How consistently deals are qualified: the share of each person's deals with a complete framework."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from journeys.queries.analysis.scope import DEALS, LEAST, Scope, rows
from journeys.queries.qualification import Framework, frameworks_of_pipelines

_COMPLETE: Final = f"""
WITH deal AS MATERIALIZED ({DEALS}), met AS (
    SELECT answer.opportunity_id, COUNT(*) AS answers
    FROM journeys_answer AS answer
    JOIN jsonb_to_recordset(%(asked)s::jsonb) AS asked (framework text, question text)
      ON asked.framework = answer.framework AND asked.question = answer.question
    WHERE answer.tenant_id = %(tenant)s AND answer.is_complete
    GROUP BY answer.opportunity_id
)
SELECT GROUPING(deal.owner_id), COALESCE(deal.owner_id, 0), COALESCE(MIN(person.name), 'No owner'), COUNT(*),
       COUNT(*) FILTER (WHERE met.answers >= %(questions)s), COALESCE(SUM(met.answers), 0)::bigint,
       COUNT(*) FILTER (WHERE deal.kind = 'open'),
       COUNT(*) FILTER (WHERE deal.kind = 'open' AND met.answers >= %(questions)s)
FROM deal
LEFT JOIN met ON met.opportunity_id = deal.id
LEFT JOIN accounts_person AS person ON person.tenant_id = %(tenant)s AND person.id = deal.owner_id
GROUP BY GROUPING SETS ((), (deal.owner_id))
ORDER BY 1 DESC, 3
"""  # noqa: S608 -- constants of this package


@dataclass(frozen=True)
class Qualified:
    """One person's deals: complete have a fitting answer to every required question of the pipeline's frameworks."""

    questions: int
    owner_id: int
    name: str
    deals: int
    complete: int
    answers: int
    open: int
    open_complete: int

    @property
    def share(self) -> float | None:
        return self.complete / self.deals if self.deals else None

    @property
    def answered(self) -> float | None:
        """Answered questions of all that were to be answered."""
        return self.answers / (self.deals * self.questions) if self.deals and self.questions else None

    @property
    def is_small(self) -> bool:
        return self.deals < LEAST


@dataclass(frozen=True)
class Consistency:
    """`frameworks` is empty where the pipeline asks for none: then there is nothing to be consistent about."""

    frameworks: Sequence[Framework]
    questions: int
    whole: Qualified | None
    people: Sequence[Qualified]

    @property
    def names(self) -> str:
        return ", ".join(one.name for one in self.frameworks)


def consistency(scope: Scope) -> Consistency:
    """Per person, by the frameworks that the live version of the pipeline names. Three statements."""
    named = frameworks_of_pipelines([scope.pipeline_id]).get(scope.pipeline_id, [])
    asked = [
        {"framework": one.key, "question": question.key}
        for one in named
        for question in one.spec.questions
        if question.required
    ]
    if not asked:
        return Consistency(named, 0, None, [])
    params = scope.params | {"asked": json.dumps(asked), "questions": len(asked)}
    found = [(row[0], Qualified(len(asked), *row[1:])) for row in rows(_COMPLETE, params)]
    whole = next((one for is_whole, one in found if is_whole), None)
    return Consistency(named, len(asked), whole, [one for is_whole, one in found if not is_whole])
