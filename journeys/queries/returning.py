"""An earlier version of a pipeline that comes back: where the deals of stages go that it does not have."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.documents.words import days
from core.registry import Asked
from journeys.queries.words import StageUse, stage_uses
from journeys.rules.pipelines import PipelineSpec, parse_pipeline


def on_return(key: str, definitions: Sequence[dict[str, Any]]) -> list[list[Asked]]:
    """For each definition, the stages in use that it neither has nor reassigns. Three statements at most."""
    uses = [one for one in stage_uses(key) if one.deals or one.stays] if definitions else []
    return [_asked(uses, definition) for definition in definitions]


def _asked(uses: Sequence[StageUse], definition: dict[str, Any]) -> list[Asked]:
    try:
        spec = parse_pipeline(definition)
    except ValueError:  # from before its language changed: it cannot come back
        return []
    return [
        Asked(
            one.key, f"{days(one.deals, 'deal')} and {days(one.stays, 'stay')} of {one.name} go to", _options(one, spec)
        )
        for one in uses
        if one.key not in spec.reassign and one.key not in {stage.key for stage in spec.stages}
    ]


def _options(use: StageUse, spec: PipelineSpec) -> tuple[tuple[str, str], ...]:
    return tuple((stage.key, stage.name) for stage in spec.stages if stage.kind == use.kind)


def answered(key: str, definition: dict[str, Any], answers: Mapping[str, str]) -> dict[str, Any]:
    """The definition that also says where they go. Raises `ValueError` for a stage that does not go with it."""
    stays = {str(stage.get("key")) for stage in definition["stages"]}
    going = [one.key for one in stage_uses(key) if one.key not in stays] if answers else []
    for name in answers:
        if name not in going:
            raise ValueError(f"reassign: {name!r} is no stage that goes with it. Going: {', '.join(going) or 'none'}.")
    moved = {**definition.get("reassign", {}), **answers}
    return {**definition, "reassign": moved} if answers else definition
