"""What a person types as an answer, read by the type of the question."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.http import QueryDict

from core.money import to_minor
from journeys.rules.qualification import BOOLEAN, CONTACT, MONEY, NUMBER, STEPS, BadAnswer, Question

LONGEST: Final = 30


@dataclass(frozen=True)
class Typed:
    """`value` for the action; a contact by id, or by the name of somebody new."""

    value: Any = None
    contact_id: int | None = None
    name: str = ""


def value_of(question: Question, sent: QueryDict, *, currency: str) -> Typed:
    """The answer in the type of the question; nothing typed is None. Raises `BadAnswer`."""
    if question.type == CONTACT:
        key, name = str(sent.get("contact", "")), _clean(sent.get("name", ""))[:160]
        return Typed("", int(key) if key.isdecimal() and len(key) < 19 else None, name)
    if question.type == STEPS:
        whats, days = sent.getlist("what"), sent.getlist("on")
        pairs = zip(whats, [*days, *[""] * len(whats)], strict=False)
        steps = [{"what": _clean(what), "on": _clean(on) or None} for what, on in pairs if _clean(what)]
        return Typed(steps)
    text = _clean(sent.get("value", ""))
    if not text:
        return Typed(None)
    if question.type == BOOLEAN:
        return Typed(text == "yes")
    if question.type in {NUMBER, MONEY}:
        return Typed(_number(text, currency if question.type == MONEY else ""))
    return Typed(text)


def _number(text: str, currency: str) -> int | float:
    try:
        exact = Decimal(text.replace(",", "").replace(" ", "")[:LONGEST])
    except InvalidOperation as error:
        raise BadAnswer("Answer with a number such as 12,500.") from error
    if not exact.is_finite() or abs(exact) >= 10**15:
        raise BadAnswer("Answer with a number such as 12,500.")
    if currency:
        return to_minor(exact, currency)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _clean(value: object) -> str:
    """Without what no column can hold."""
    return str(value).replace("\x00", "").encode("utf-8", "replace").decode().strip()
