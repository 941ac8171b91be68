"""What a criterion asks, in the names that people know."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.documents.words import humanised, sentence
from journeys.rules.criteria import Criterion


@dataclass(frozen=True)
class CriterionRow:
    """A criterion of a stage as editors list it; `part` is entry or exit."""

    key: str
    name: str
    part: str
    words: str


def criterion_rows(*, entry: Iterable[Criterion], exits: Iterable[Criterion]) -> list[CriterionRow]:
    """Those on the way in, then those on the way out."""
    parts = (("entry", entry), ("exit", exits))
    return [CriterionRow(one.key, one.name, part, asked_words(one)) for part, many in parts for one in many]


def asked_words(criterion: Criterion) -> str:
    """For lists and differences: `Amount is over 10,000`, `answer “Economic buyer” of MEDDIC`.

    One query for each amount in it, since amounts are told in the currency of the workspace.
    """
    if criterion.rule is not None:
        return sentence(criterion.rule)
    if criterion.answer:
        return answer_words(criterion.answer)
    return f"{criterion.framework.upper()} complete" if criterion.framework else "evidence from a person"


def answer_words(answer: str) -> str:
    """`meddic.economic_buyer` as people say it."""
    framework, _, question = answer.partition(".")
    return f"answer “{humanised(question)}” of {framework.upper()}"
