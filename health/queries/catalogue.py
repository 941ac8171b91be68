"""The live score models in words, for the page that anybody may read."""

from dataclasses import dataclass, field

from core.formatting import number
from core.models import ProcessVersion
from health.queries.language import advice
from health.queries.live import compiled, live_models
from health.queries.wording import in_words, source_name
from health.rules import Bands, Input, Learn, Linear, Reading, whom


@dataclass(frozen=True)
class ReadingWords:
    source: str
    how: str
    points: str
    is_known: bool


@dataclass(frozen=True)
class InputWords:
    label: str
    weight: float
    readings: list[ReadingWords]
    if_missing: str


@dataclass(frozen=True)
class ModelWords:
    """A live model. `advice`: what lint says; measures that the workspace does not know are marked in the readings."""

    name: str
    number: int
    applies_to: str
    version: ProcessVersion
    yellow: float
    green: float
    min_coverage: float
    inputs: list[InputWords] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)


def models_in_words() -> list[ModelWords]:
    """Every live model, in the order in which they take accounts."""
    live = live_models()
    versions = ProcessVersion.objects.in_bulk([one.version_id for one in live])
    words = []
    for one in live:
        unknown = set(compiled(one, [other for other in live if other is not one]).unknown_measures)
        words.append(
            ModelWords(
                name=one.name,
                number=one.number,
                applies_to=one.model.applies_to,
                version=versions[one.version_id],
                yellow=one.model.yellow,
                green=one.model.green,
                min_coverage=one.model.min_coverage,
                inputs=[_input(each, unknown) for each in one.model.inputs],
                advice=advice(one.model),
            )
        )
    return words


def _input(one: Input, unknown: set[str]) -> InputWords:
    return InputWords(
        label=one.label,
        weight=one.weight,
        readings=[_reading(each, each.measure not in unknown) for each in one.readings],
        if_missing=in_words(one),
    )


def _reading(reading: Reading, is_known: bool) -> ReadingWords:  # noqa: FBT001 -- one fact about the reading
    return ReadingWords(
        source=source_name(reading),
        how=f"{in_words(reading)}, {whom(reading)}" if reading.is_conditional else in_words(reading),
        points=_points(reading),
        is_known=is_known,
    )


def _points(reading: Reading) -> str:
    mapping = reading.mapping

    def show(value: float) -> str:
        if reading.aggregate == "trend":
            return f"{number(value * 100, 0, plus=True)}\u00a0%"
        return number(value, 0 if value == int(value) else 1)

    if isinstance(mapping, Linear):
        return f"{show(mapping.worst)} is 0, {show(mapping.best)} is 100"
    if isinstance(mapping, Bands):
        steps = [f"under {show(edge)}: {points:g}" for edge, points in mapping.steps[:-1]]
        return ", ".join([*steps, f"above: {mapping.steps[-1][1]:g}"])
    if isinstance(mapping, Learn):
        return "to be learned"
    return ", ".join(f"{name}: {points:g}" for name, points in mapping.points)
