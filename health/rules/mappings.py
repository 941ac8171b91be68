"""What a value is worth: a line, bands, categories, or something that calibration has still to fix."""

from dataclasses import dataclass
from typing import Any, Final

from health.rules.fields import number

HIGHER, LOWER = "higher_is_better", "lower_is_better"
LEAST_SPAN: Final = 1e-9


@dataclass(frozen=True)
class Linear:
    """0 points at `worst`, 100 at `best`, straight between, clamped outside. Either may be the larger one."""

    worst: float
    best: float


@dataclass(frozen=True)
class Bands:
    """Steps of (upper edge, points), half-open: a value on an edge belongs to the step above; the last is open."""

    steps: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Categories:
    """Points by name. The observed value is the place of the name in this list; other names count as missing."""

    points: tuple[tuple[str, float], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.points)


@dataclass(frozen=True)
class Learn:
    """To be fixed at calibration: `linear`, `bands` or `categories`. A draft may carry it, a published model may not.

    `names`: for categories, the names that the workspace has; the observed value is the place in this list.
    """

    kind: str
    names: tuple[str, ...] = ()


Mapping = Linear | Bands | Categories | Learn


def mapping_of(raw: Any, place: str = "mapping", direction: str = "") -> Mapping:
    """The mapping that a block describes. A line that runs against the stated direction is refused."""
    if not isinstance(raw, dict) or len(raw) != 1:
        raise ValueError(f"{place}: give exactly one of linear, bands, categories.")
    kind, content = next(iter(raw.items()))
    if kind == "linear":
        return _linear(content, place, direction)
    if kind == "bands":
        return _bands(content, place)
    if kind == "categories":
        return _categories(content, place)
    if kind == "learn":
        return _learn(content, place)
    raise ValueError(f"{place}: '{kind}' is unknown. Use linear, bands, categories or learn.")


def is_of_names(mapping: Mapping) -> bool:
    """Whether it gives points to names, not to numbers."""
    return isinstance(mapping, Categories) or (isinstance(mapping, Learn) and mapping.kind == "categories")


def _learn(content: Any, place: str) -> Learn:
    if content not in ("linear", "bands", "categories"):
        raise ValueError(f"{place}.learn: '{content}' is unknown. Use linear, bands or categories.")
    return Learn(content)


def _linear(content: Any, place: str, direction: str) -> Linear:
    if not isinstance(content, dict) or set(content) != {"worst", "best"}:
        raise ValueError(f"{place}.linear: needs worst and best, such as {{worst: 0, best: 50}}.")
    worst, best = (number(content[name], f"{place}.linear.{name}") for name in ("worst", "best"))
    if abs(best - worst) < LEAST_SPAN:
        raise ValueError(f"{place}.linear: worst and best are both {worst:g}. They must differ.")
    if direction and (best > worst) != (direction == HIGHER):
        above = "above" if best > worst else "below"
        raise ValueError(
            f"{place}.linear: best {best:g} lies {above} worst {worst:g}, but the input says {direction}. "
            "Swap worst and best, or change direction."
        )
    return Linear(worst, best)


def _bands(content: Any, place: str) -> Bands:
    if not isinstance(content, list) or not content or not all(isinstance(s, list) and len(s) == 2 for s in content):
        raise ValueError(f"{place}.bands: a list of [upper edge, points], such as [[10, 0], [50, 60], [null, 100]].")
    steps: list[tuple[float, float]] = []
    for index, (upto, points) in enumerate(content):
        here = f"{place}.bands[{index}]"
        if upto is None and index != len(content) - 1:
            raise ValueError(f"{here}: only the last band may be open upwards.")
        edge = float("inf") if upto is None else number(upto, here)
        if steps and edge <= steps[-1][0]:
            raise ValueError(
                f"{here}: edge {edge:g} does not lie above {steps[-1][0]:g}. Edges must rise, so that bands "
                "neither overlap nor leave gaps."
            )
        steps.append((edge, number(points, f"{here} points", low=0, high=100)))
    return Bands(tuple(steps))


def _categories(content: Any, place: str) -> Categories:
    if not isinstance(content, dict) or not content:
        raise ValueError(f"{place}.categories: points by name, such as {{Active: 100, Free-Trial: 50}}.")
    names = [str(name) for name in content]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{place}.categories: '{name}' stands twice. Give each name once, in quotes.")
    return Categories(
        tuple(
            (str(name), number(points, f"{place}.categories.{name}", low=0, high=100))
            for name, points in sorted(content.items(), key=lambda one: str(one[0]))  # stored JSON keeps no order
        )
    )
