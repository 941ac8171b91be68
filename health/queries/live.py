"""The score models that are live, and the workspace's names for what they read."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from accounts.models import Measure
from core.models import ProcessVersion
from core.queries import published_versions
from health.engine import Plan, compile_model, measure_keys
from health.queries.fact_columns import fact_columns
from health.rules import ScoreModel, parse_model, taken_before

KIND = "score_model"


@dataclass(frozen=True)
class LiveModel:
    """A published version with what it says."""

    version_id: int
    number: int
    name: str
    model: ScoreModel


def live_models() -> list[LiveModel]:
    """Every published score model in the order in which they take accounts."""
    found = [
        LiveModel(version.pk, version.number, version.name, parse_model(version.definition))
        for version in published_versions(KIND)
    ]
    return sorted(found, key=lambda one: one.model.place)


def covered_segments(live: Sequence[LiveModel]) -> list[str] | None:
    """The segments that any of the models is for; None where one of them is for everybody."""
    if any(not one.model.segments for one in live):
        return None
    return sorted({segment for one in live for segment in one.model.segments})


def model_of(version: ProcessVersion) -> ScoreModel:
    """What a stored version says. It was parsed before it was stored, so it parses; once in a process, mostly."""
    return _parsed(json.dumps(version.definition))


@lru_cache(maxsize=64)
def _parsed(document: str) -> ScoreModel:
    return parse_model(json.loads(document))


def compiled(live: LiveModel, others: list[LiveModel]) -> Plan:
    """The model as SQL for this workspace. Of `others`, those that stand before it keep whom they are for."""
    return _compiled(live.model, [other.model for other in others])


def compiled_for(model: ScoreModel) -> Plan:
    """The same for a model that need not be live, in the place of the live one under its key."""
    return _compiled(model, [other.model for other in live_models() if other.model.key != model.key])


def _compiled(model: ScoreModel, others: list[ScoreModel]) -> Plan:
    keys = measure_keys([model])
    facts = fact_columns(keys)
    observed = keys - set(facts.columns if facts else ())
    ids = dict(Measure.objects.filter(key__in=observed).values_list("key", "pk")) if observed else {}
    taken, everybody = taken_before(model, others)
    return compile_model(model, measures=ids, facts=facts, taken_segments=taken, all_taken=everybody)
