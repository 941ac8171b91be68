"""Criteria of stages: what must be true before a deal or an account goes on. The language only; pure.

A criterion asks exactly one thing: a rule over facts, an answer, a whole framework, or evidence that a person gives.
Whether the facts of a rule and the frameworks exist is checked where they are known (`journeys.queries.criteria`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.shapes import only

RULE: Final = "rule"
ANSWER: Final = "answer"
FRAMEWORK: Final = "framework"
EVIDENCE: Final = "evidence"
ASKS: Final = (RULE, ANSWER, FRAMEWORK, EVIDENCE)
FIELDS: Final = ("key", "name", *ASKS, "help")
ENTRY: Final = "entry"
EXIT: Final = "exit"
_KEY_MAX: Final = 80
_NAME_MAX: Final = 160


@dataclass(frozen=True)
class Criterion:
    """One condition. `rule` is a tree over facts; `answer` is `framework.question`; one of the four is set."""

    key: str
    name: str
    rule: Mapping[str, Any] | None = None
    answer: str = ""
    framework: str = ""
    evidence: bool = False
    help: str = ""

    @property
    def asks(self) -> str:
        """Which of the four it is."""
        if self.rule is not None:
            return RULE
        return ANSWER if self.answer else FRAMEWORK if self.framework else EVIDENCE


@dataclass(frozen=True)
class StageGates:
    """The criteria of one stage of a document, and the stages that may be gone back to without a reason.

    `is_end`: a closed stage. Nobody passes through it on the way to another.
    """

    key: str
    entry: tuple[Criterion, ...] = ()
    exit: tuple[Criterion, ...] = ()
    back_to: tuple[str, ...] = ()
    is_end: bool = False


def parse_criteria(raw: Any, place: str) -> tuple[Criterion, ...]:
    """A list of criteria; nothing at all is an empty one. Raises `ValueError` with the place, the fault, the remedy."""
    if raw is None:
        return ()
    if not isinstance(raw, list):
        raise ValueError(f"{place}: give a list of criteria, or leave it out.")  # noqa: TRY004 -- a fault of the document, not of the code
    found = tuple(_criterion(one, f"{place}[{index}]") for index, one in enumerate(raw))
    _refuse_repeats([(one.key, f"{place}[{index}]") for index, one in enumerate(found)])
    return found


def stage_gates(definition: Mapping[str, Any]) -> tuple[StageGates, ...]:
    """The criteria of every stage of a pipeline or a journey, in the order of the stages.

    A criterion's key stands once in the whole document, so that evidence and waivers can name it. Raises `ValueError`.
    """
    stages = definition.get("stages")
    found, seen = [], []
    for index, raw in enumerate(stages if isinstance(stages, list) else []):
        if not isinstance(raw, Mapping):
            continue
        gates = StageGates(
            key=str(raw.get("key", "")),
            entry=parse_criteria(raw.get(ENTRY), f"stages[{index}].{ENTRY}"),
            exit=parse_criteria(raw.get(EXIT), f"stages[{index}].{EXIT}"),
            back_to=_keys(raw.get("back_to"), f"stages[{index}].back_to"),
            is_end=raw.get("kind", "open") != "open",
        )
        found.append(gates)
        for part, criteria in ((ENTRY, gates.entry), (EXIT, gates.exit)):
            seen += [(one.key, f"stages[{index}].{part}[{place}]") for place, one in enumerate(criteria)]
    _refuse_repeats(seen)
    _refuse_unknown_stages(found)
    return tuple(found)


def criteria_of(gates: Sequence[StageGates]) -> Iterator[tuple[str, str, Criterion]]:
    """Every criterion with the key of its stage and whether it is asked on entry or on exit."""
    for stage in gates:
        for one in stage.entry:
            yield stage.key, ENTRY, one
        for one in stage.exit:
            yield stage.key, EXIT, one


def criteria_document(criteria: Sequence[Criterion]) -> list[dict[str, Any]]:
    """The criteria as they stand in a document."""
    return [_written(one) for one in criteria]


def asks_the_same(one: Criterion, other: Criterion) -> bool:
    """Whether the two ask the same thing. Names and help may differ, but of evidence the name is what is asked."""
    if one.evidence or other.evidence:
        return one.evidence == other.evidence and one.name == other.name
    return (one.rule, one.answer, one.framework) == (other.rule, other.answer, other.framework)


def _criterion(raw: Any, place: str) -> Criterion:
    if not isinstance(raw, Mapping):
        words = f"a criterion is a block with key, name and one of {', '.join(ASKS)}"
        raise ValueError(f"{place}: {words}.")  # noqa: TRY004 -- a fault of the document, not of the code
    only(raw, place, FIELDS)
    asks = [word for word in ASKS if word in raw]
    if len(asks) != 1:
        found = f"found {' and '.join(asks)}" if asks else "found none"
        raise ValueError(f"{place}: a criterion asks exactly one of {', '.join(ASKS)}; {found}.")
    word, value = asks[0], raw[asks[0]]
    return Criterion(
        key=_key(raw.get("key"), f"{place}.key"),
        name=_words(raw.get("name"), f"{place}.name", _NAME_MAX),
        rule=_tree(value, f"{place}.rule") if word == RULE else None,
        answer=_answer(value, f"{place}.answer") if word == ANSWER else "",
        framework=_key(value, f"{place}.framework") if word == FRAMEWORK else "",
        evidence=_yes(value, f"{place}.evidence") if word == EVIDENCE else False,
        help=_optional(raw.get("help"), f"{place}.help"),
    )


def _tree(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"{place}: a rule is a block with all, any, not or fact, not {value!r}.")
    return dict(value)


def _answer(value: Any, place: str) -> str:
    framework, dot, question = value.partition(".") if isinstance(value, str) else ("", "", "")
    if not (framework and dot and question) or "." in question:
        raise ValueError(f"{place}: name framework and question, such as meddic.economic_buyer; not {value!r}.")
    return f"{framework}.{question}"


def _yes(value: Any, place: str) -> bool:
    if value is not True:
        raise ValueError(f"{place}: write true, or leave the criterion out.")
    return True


def _key(value: Any, place: str) -> str:
    is_key = isinstance(value, str) and 0 < len(value) <= _KEY_MAX and value.replace("_", "a").isalnum()
    if not is_key:
        raise ValueError(f"{place}: letters, digits and underscores, {_KEY_MAX} at most; not {value!r}.")
    return str(value)


def _words(value: Any, place: str, most: int) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{place}: a text is needed.")
    if len(value.strip()) > most:
        raise ValueError(f"{place}: {most} characters at most, not {len(value.strip())}.")
    return value.strip()


def _optional(value: Any, place: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{place}: a text, or left out; not {value!r}.")  # noqa: TRY004 -- a fault of the document, not of the code
    return value.strip()


def _keys(value: Any, place: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise ValueError(f"{place}: give a list of stage keys, or leave it out.")
    return tuple(value)


def _refuse_repeats(keys: Sequence[tuple[str, str]]) -> None:
    seen: set[str] = set()
    for key, place in keys:
        if key in seen:
            raise ValueError(
                f"{place}.key: the key '{key}' stands twice in this document. Give each criterion a key of its own."
            )
        seen.add(key)


def _refuse_unknown_stages(stages: Sequence[StageGates]) -> None:
    known = [stage.key for stage in stages]
    for index, stage in enumerate(stages):
        for place, key in enumerate(stage.back_to):
            if key not in known[:index]:
                raise ValueError(
                    f"stages[{index}].back_to[{place}]: '{key}' is no earlier stage. "
                    f"Earlier: {', '.join(known[:index]) or 'none'}."
                )


def _written(criterion: Criterion) -> dict[str, Any]:
    value: dict[str, Any] = {
        RULE: criterion.rule,
        ANSWER: criterion.answer,
        FRAMEWORK: criterion.framework,
        EVIDENCE: criterion.evidence,
    }
    told = {"help": criterion.help} if criterion.help else {}
    return {"key": criterion.key, "name": criterion.name, criterion.asks: value[criterion.asks], **told}
