"""What a model document means in this workspace: which measures it knows, what to advise, what cannot go live."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from accounts.models import Account, Measure
from core import registry
from core.registry import Fact
from health.engine import SOURCES
from health.queries.live import live_models
from health.rules import Aggregate, Reading, ScoreModel, is_of_names, lint, lint_models, parse_model, unlearned
from health.rules.presets import PRESETS

MOST_NAMED: Final = 12
_OF_A_STATE: Final = (Aggregate.LAST, Aggregate.MEAN)  # mean is what stands when nothing is said


@dataclass(frozen=True)
class KnownMeasures:
    """The names that an input may read. `expected`: names of the presets, which a new workspace waits for."""

    observed: frozenset[str]
    facts: dict[str, Fact]
    expected: frozenset[str]

    def __contains__(self, key: str) -> bool:
        return key in SOURCES or key in self.facts or key in self.observed or key in self.expected

    def named(self, unknown: str) -> str:
        """Some of them for a message, the nearest first."""
        names = list(dict.fromkeys([*sorted(self.observed), *sorted(self.expected), *SOURCES, *sorted(self.facts)]))
        near = get_close_matches(unknown, names, n=4, cutoff=0.6)
        shown = list(dict.fromkeys([*near, *names]))
        more = f" and {len(shown) - MOST_NAMED} more" if len(shown) > MOST_NAMED else ""
        return ", ".join(shown[:MOST_NAMED]) + more


def known_measures() -> KnownMeasures:
    """Every name that an input of this workspace may read. One query."""
    facts = {key: one for key, one in registry.facts().items() if not _is_circular(one)}
    expected = {
        reading.measure
        for _, document in PRESETS.values()
        for one in parse_model(document).inputs
        for reading in one.readings
    }
    return KnownMeasures(frozenset(Measure.objects.values_list("key", flat=True)), facts, frozenset(expected))


def publish_check(definition: dict[str, Any]) -> None:
    """Raises `ValueError` for what a draft may hold and a live model may not. No waiver helps."""
    model = parse_model(definition)
    waiting = unlearned(model)
    if waiting:
        place = [one.key for one in model.inputs].index(waiting[0])
        raise ValueError(
            f"inputs[{place}].mapping: '{waiting[0]}' is still to be learned. "
            "Run calibrate_health, then publish its proposal."
        )
    for problem in _problems(model, known_measures()):
        raise ValueError(problem)


def advice(model: ScoreModel) -> list[str]:
    """Everything worth knowing before the model goes live: of its own, and of it among the other live models."""
    known = known_measures()
    found = [*lint(model), *_problems(model, known), *_partly_unknown(model, known), *_now_only(model, known)]
    others = [one.model for one in live_models() if one.model.key != model.key]
    segments = Account.objects.order_by("segment").values_list("segment", flat=True).distinct()
    return found + lint_models([*others, model], list(segments))


def _is_circular(fact: Fact) -> bool:
    return fact.follows_score or fact.key.startswith("health.")


def _problems(model: ScoreModel, known: KnownMeasures) -> Iterator[str]:
    """Inputs that can never have a value here, and facts that are read in a way that makes no sense."""
    for place, one in enumerate(model.inputs):
        unknown = [reading.measure for reading in one.readings if reading.measure not in known]
        circular = [measure for measure in unknown if measure in registry.facts()]
        if circular:
            yield (
                f"inputs[{place}].measure: '{circular[0]}' comes about because of the score, so the score cannot be "
                "made from it. Read what both rest on instead."
            )
        elif len(unknown) == len(one.readings):
            yield (
                f"inputs[{place}].measure: '{unknown[0]}' is not known in this workspace. Import it first, or use "
                f"one of {known.named(unknown[0])}."
            )
        for reading in one.readings:
            fact = known.facts.get(reading.measure)
            if fact is not None and (problem := _misread(fact, reading)):
                yield f"inputs[{place}].{problem}"


def _misread(fact: Fact, reading: Reading) -> str:
    """How a fact, which has one value as of a day, is read as if it had many, or of another kind."""
    if fact.type == "date":
        if reading.aggregate is not Aggregate.DAYS_SINCE:
            return f"aggregate: '{fact.key}' is a date. Use days_since."
    elif reading.aggregate not in _OF_A_STATE:
        return f"aggregate: '{fact.key}' has one value as of a day. Use last."
    if (fact.type in ("text", "choice")) != is_of_names(reading.mapping):
        wanted = "categories" if fact.type in ("text", "choice") else "linear or bands"
        return f"mapping: '{fact.key}' is a {fact.type}. Use {wanted}."
    return ""


def _partly_unknown(model: ScoreModel, known: KnownMeasures) -> Iterator[str]:
    for one in model.inputs:
        unknown = list(dict.fromkeys(r.measure for r in one.readings if r.measure not in known))
        if unknown and len(unknown) < len({reading.measure for reading in one.readings}):
            yield f"'{one.label}': {', '.join(unknown)} is not known in this workspace and never answers."


def _now_only(model: ScoreModel, known: KnownMeasures) -> Iterator[str]:
    for one in model.inputs:
        for measure in dict.fromkeys(reading.measure for reading in one.readings):
            fact = known.facts.get(measure)
            if fact is not None and fact.now_only:
                yield f"'{one.label}': {fact.label} is known for today only, so past days are judged without it."
