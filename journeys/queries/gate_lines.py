"""The lines of one gate: each criterion with what was seen, who met it and when, and how it can be met."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from accounts.models import Account
from core import registry
from core.facts import annotate_facts, conditions, fact_column
from core.formatting import day, money, number
from core.models import ProcessVersion, Tenant
from core.registry import Subject
from journeys.models import Answer, Evidence, Opportunity
from journeys.queries.criteria import Placed
from journeys.rules.gate_words import fix_of, seen_words, unmet_facts


@dataclass(frozen=True)
class GateLine:
    """One criterion at a gate. `fix` says how to meet it: `answer:framework.question`, `evidence:key`,
    `field:amount`, `contact:role`, or "" where only the facts can change.

    `stage_key` and `part` (entry or exit) say where in the document it stands; `waived`, that an approved waiver
    names it. `met_on` and `met_by` are known of answers and evidence; `evidence_id` is what can be taken back.
    """

    key: str
    name: str
    met: bool
    detail: str = ""
    fix: str = ""
    met_on: date | None = None
    met_by: str = ""
    stage_key: str = ""
    part: str = ""
    waived: bool = False
    help: str = ""
    evidence_id: int | None = None


def lines_of(
    asked: Sequence[tuple[Placed, bool]],
    row: Opportunity | Account,
    covered: Collection[str],
    today: date,
    *,
    sees_money: bool,
) -> tuple[GateLine, ...]:
    """The lines in the order of the document, without amounts for those who see none. Four statements at most."""
    subject: Subject = "opportunity" if isinstance(row, Opportunity) else "account"
    teller = _Teller(asked, row, subject, today, sees_money=sees_money)
    return tuple(
        GateLine(
            key=one.criterion.key,
            name=one.criterion.name,
            met=met,
            stage_key=one.stage_key,
            part=one.part,
            waived=not met and one.criterion.key in covered,
            help=one.criterion.help,
            **teller.told(one, met=met),
        )
        for one, met in asked
    )


class _Teller:
    """What is known of one row, read once for all of its lines."""

    def __init__(
        self,
        asked: Sequence[tuple[Placed, bool]],
        row: Opportunity | Account,
        subject: Subject,
        today: date,
        *,
        sees_money: bool,
    ) -> None:
        self.today = today
        criteria = [one.criterion for one, _ in asked]
        self.known = registry.facts(subject)
        self.hidden = () if sees_money else {key for key, fact in self.known.items() if fact.type == "money"}
        self.values = _values(criteria, row, subject, today)
        self.evidence: dict[str, Evidence] = {}
        if any(one.evidence for one in criteria):
            given = Evidence.objects.filter(**{f"{subject}_id": row.pk}, taken_back_at=None)
            self.evidence = {one.criterion_key: one for one in given.order_by("given_at", "pk")}
        frameworks = {one.framework or one.answer.partition(".")[0] for one in criteria if one.framework or one.answer}
        self.answers: dict[tuple[str, str], Answer] = {}
        self.questions: dict[str, dict[str, str]] = {}
        if frameworks:
            said = Answer.objects.filter(opportunity_id=row.pk, framework__in=frameworks)
            self.answers = {(one.framework, one.question): one for one in said}
            self.questions = _question_names(frameworks)
        self.currency = _currency(row)

    def told(self, one: Placed, *, met: bool) -> dict[str, Any]:
        criterion = one.criterion
        if criterion.rule is not None:
            labels = {key: fact.label for key, fact in self.known.items()}
            detail = seen_words(criterion.rule, self.values, labels, self._say, self.hidden)
            return {
                "detail": detail,
                "fix": "" if met else fix_of(criterion.rule, unmet_facts(criterion.rule, self.values)),
            }
        if criterion.evidence:
            given = self.evidence.get(criterion.key) if met else None
            return {
                "detail": given.text if given else "Nobody has given evidence in this stay yet",
                "fix": "" if met else f"evidence:{criterion.key}",
                "met_on": given.given_on if given else None,
                "met_by": given.given_by if given else "",
                "evidence_id": given.pk if given else None,
            }
        return self._answer(criterion.answer, met=met) if criterion.answer else self._framework(one, met=met)

    def _answer(self, path: str, *, met: bool) -> dict[str, Any]:
        framework, _, question = path.partition(".")
        said = self.answers.get((framework, question))
        detail = "Not answered yet" if said is None else "Answered" if met else "Answered, but not fully yet"
        return {
            "detail": detail,
            "fix": "" if met else f"answer:{path}",
            "met_on": said.answered_on if said and met else None,
            "met_by": said.answered_by if said and met else "",
        }

    def _framework(self, one: Placed, *, met: bool) -> dict[str, Any]:
        key = one.criterion.framework
        done = [said for question in one.required if (said := self.answers.get((key, question))) and said.is_complete]
        answered = {said.question for said in done}
        left = [question for question in one.required if question not in answered]
        names = ", ".join(self.questions.get(key, {}).get(question, question) for question in left)
        detail = f"{len(done)} of {len(one.required)} answered" if one.required else "This framework is not live"
        last = max(done, key=lambda said: (said.answered_on, said.pk), default=None)
        return {
            "detail": f"{detail}; missing: {names}" if left else detail,
            "fix": f"answer:{key}.{left[0]}" if left else "",
            "met_on": last.answered_on if last and met else None,
            "met_by": last.answered_by if last and met else "",
        }

    def _say(self, fact: str, value: Any) -> str:
        return said_value(self.known.get(fact), value, self.currency, self.today)


def said_value(fact: registry.Fact | None, value: Any, currency: str, today: date) -> str:
    """A value of a fact as people read it."""
    kind = fact.type if fact else "text"
    if kind == "money" and isinstance(value, int):
        return money(value, currency)
    if isinstance(value, date):
        return day(value, today)
    if kind == "date" and isinstance(value, str):
        return day(date.fromisoformat(value), today)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value, 0 if float(value).is_integer() else 1)
    return str(value)


def _values(criteria: Sequence[Any], row: Opportunity | Account, subject: Subject, today: date) -> dict[str, Any]:
    keys = [
        leaf.fact for one in criteria if one.rule is not None for leaf in conditions(dict(one.rule), subject=subject)
    ]
    if not keys:
        return {}
    rows: Any = type(row)._default_manager.filter(pk=row.pk).order_by()
    found = annotate_facts(rows, keys, today, subject=subject).values(*(fact_column(key) for key in set(keys))).first()
    return {key: found[fact_column(key)] for key in keys} if found else {}


def _question_names(frameworks: Collection[str]) -> dict[str, dict[str, str]]:
    rows = ProcessVersion.objects.filter(kind="qualification", state="published", key__in=list(frameworks))
    return {
        key: {str(one["key"]): str(one.get("name", one["key"])) for one in definition.get("questions", ())}
        for key, definition in rows.values_list("key", "definition")
    }


def _currency(row: Opportunity | Account) -> str:
    if isinstance(row, Opportunity):
        return row.currency
    return Tenant.objects.values_list("currency", flat=True).get(pk=row.tenant_id)
