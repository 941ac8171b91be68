"""Pipelines as documents, and what can be guessed about stages that an import brings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from core.shapes import only
from journeys.rules.criteria import Criterion, criteria_document, parse_criteria, stage_gates

# The words of `journeys.choices`, which this room may not import: choices are made of Django.
# Who publishes the pipelines and stages that a file brings.
IMPORTER: Final = "Import"
OPEN: Final = "open"
WON: Final = "won"
LOST: Final = "lost"
KINDS: Final = (OPEN, WON, LOST)
NOT_YET: Final = "not_yet"
FORECASTS: Final = (NOT_YET, "best_case", "commit", "at_risk", WON, LOST)


@dataclass(frozen=True)
class StageSpec:
    """One stage of a pipeline: `entry` is asked of whoever comes in, `exit` of whoever goes on."""

    key: str
    name: str
    kind: str
    probability: int
    forecast: str
    entry: tuple[Criterion, ...] = ()
    exit: tuple[Criterion, ...] = ()


@dataclass(frozen=True)
class PipelineSpec:
    """The stages, and the keys of the frameworks by which deals are qualified.

    `reassign` says for stages that are no more where their deals, and the stays of the past, belong from now on.
    """

    stages: tuple[StageSpec, ...]
    frameworks: tuple[str, ...] = ()
    reassign: Mapping[str, str] = field(default_factory=dict)


DEFAULT_PIPELINE: Final[Mapping[str, Any]] = {
    "stages": [
        {"key": "discovery", "name": "Discovery", "kind": "open", "probability": 10, "forecast": "not_yet"},
        {"key": "demo", "name": "Demo", "kind": "open", "probability": 25, "forecast": "not_yet"},
        {"key": "proposal", "name": "Proposal", "kind": "open", "probability": 50, "forecast": "best_case"},
        {"key": "negotiation", "name": "Negotiation", "kind": "open", "probability": 75, "forecast": "commit"},
        {"key": "closed_won", "name": "Closed won", "kind": "won", "probability": 100, "forecast": "won"},
        {"key": "closed_lost", "name": "Closed lost", "kind": "lost", "probability": 0, "forecast": "lost"},
    ]
}


def parse_pipeline(definition: Mapping[str, Any]) -> PipelineSpec:
    """The document as stages. Raises `ValueError` that names the stage, what is wrong and what would be right."""
    stages = tuple(_stage(place, raw) for place, raw in enumerate(_stage_list(definition)))
    _refuse_repeats([stage.key for stage in stages])
    kinds = [stage.kind for stage in stages]
    if OPEN not in kinds or WON not in kinds or LOST not in kinds:
        raise ValueError("stages: a pipeline needs at least one open, one won and one lost stage.")
    _refuse_open_behind_closed(stages)
    stage_gates(definition)
    reassign = _reassign(definition.get("reassign"), [stage.key for stage in stages])
    return PipelineSpec(stages, _frameworks(definition.get("frameworks")), reassign)


def _refuse_open_behind_closed(stages: Sequence[StageSpec]) -> None:
    """Gates go by the order: a stage behind the end would be no step forward for anybody."""
    closed = ""
    for place, stage in enumerate(stages):
        if stage.kind != OPEN:
            closed = closed or stage.key
        elif closed:
            raise ValueError(
                f"stages[{place}].kind: '{stage.key}' is open and stands behind the closed stage '{closed}'. "
                f"Move it before '{closed}', or make it won or lost."
            )


def _reassign(raw: Any, keys: Sequence[str]) -> dict[str, str]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise ValueError("reassign: give a block such as `demo: proposal`, from a stage that goes to one that stays.")  # noqa: TRY004 -- a fault of the document, not of the code
    for gone, target in raw.items():
        if gone in keys:
            raise ValueError(f"reassign.{gone}: this stage is still there. Remove it from stages, or remove this line.")
        if target not in keys:
            raise ValueError(f"reassign.{gone}: '{target}' is no stage of this pipeline. One of {', '.join(keys)}.")
    return {str(gone): str(target) for gone, target in raw.items()}


def _frameworks(raw: Any) -> tuple[str, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, list) or not all(isinstance(one, str) and one for one in raw):
        raise ValueError("frameworks: give a list of keys such as meddic, or leave it out.")
    if len(set(raw)) != len(raw):
        raise ValueError("frameworks: a key stands twice. Keep one of each.")
    return tuple(raw)


def _stage_list(definition: Mapping[str, Any]) -> list[Any]:
    only(definition, "", {"frameworks", "stages", "reassign"})
    stages = definition.get("stages")
    if not isinstance(stages, list) or not stages:
        raise ValueError("stages: give a list with at least one stage.")
    return stages


def _refuse_repeats(keys: Sequence[str]) -> None:
    for place, key in enumerate(keys):
        if key in keys[:place]:
            raise ValueError(f"stages[{place}].key: the key '{key}' stands twice. Give each stage a key of its own.")


def _text(place: int, raw: Any, name: str) -> str:
    value = raw.get(name) if isinstance(raw, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"stages[{place}].{name}: a text is needed.")
    return value.strip()


def _stage(place: int, raw: Any) -> StageSpec:
    key, name = _text(place, raw, "key"), _text(place, raw, "name")
    only(raw, f"stages[{place}]", {"key", "name", "kind", "probability", "forecast", "entry", "exit"})
    kind, forecast = raw.get("kind", "open"), raw.get("forecast", "not_yet")
    if kind not in KINDS:
        raise ValueError(f"stages[{place}].kind: '{kind}' is unknown; one of {', '.join(KINDS)}.")
    if forecast not in FORECASTS:
        raise ValueError(f"stages[{place}].forecast: '{forecast}' is unknown; one of {', '.join(FORECASTS)}.")
    probability = raw.get("probability", 0)
    if not isinstance(probability, int) or isinstance(probability, bool) or not 0 <= probability <= 100:
        raise ValueError(f"stages[{place}].probability: a whole number from 0 to 100, not {probability!r}.")
    if kind == OPEN and forecast in (WON, LOST):
        allowed = ", ".join(one for one in FORECASTS if one not in (WON, LOST))
        raise ValueError(f"stages[{place}].forecast: an open stage is not {forecast} yet; one of {allowed}.")
    entry = parse_criteria(raw.get("entry"), f"stages[{place}].entry")
    leave = parse_criteria(raw.get("exit"), f"stages[{place}].exit")
    if leave and kind != OPEN:
        raise ValueError(f"stages[{place}].exit: a closed stage is not left onward. Put the criteria under entry.")
    return StageSpec(key, name, str(kind), probability, str(forecast), entry, leave)


# Words of stage names, in the order in which deals usually pass them. The first word that fits counts.
_ORDER: Final[tuple[tuple[int, tuple[str, ...]], ...]] = (
    (10, ("prospect", "new", "lead", "inbound", "appointment", "subscriber")),
    (20, ("discovery", "qualif", "intro")),
    (30, ("engag", "needs", "analysis", "meeting", "contacted", "working")),
    (40, ("demo", "presentation", "evaluation", "trial", "decision maker", "perception", "value prop")),
    (50, ("proposal", "quote", "price", "pricing")),
    (60, ("negotiat", "review", "legal", "contract", "procurement")),
    (70, ("commit", "verbal", "pending", "signature")),
)
_UNKNOWN_ORDER: Final = 45
_WON_WORDS: Final = ("won", "gewonnen", "gagné", "gagne", "ganado", "ganada")
_LOST_WORDS: Final = ("lost", "verloren", "perdu", "perdido", "perdida", "dead", "disqualified", "abandoned")


@dataclass(frozen=True)
class SeenStage:
    """A stage name of a file: how many rows, the share with an opening date, and what the file says of its end."""

    name: str
    rows: int
    dated_share: float
    first_line: int
    closed_as: str | None = None


def guess_kind(name: str) -> str:
    """Whether a stage's name means won, lost or still open."""
    plain = name.casefold().replace("_", " ").replace("-", " ")
    words = plain.split()
    squashed = "".join(words)
    if any(word in words for word in _WON_WORDS) or squashed.endswith("closedwon"):
        return WON
    if any(word in words for word in _LOST_WORDS) or squashed.endswith("closedlost"):
        return LOST
    return OPEN


def _rank(stage: SeenStage) -> tuple[int, float, int]:
    plain = stage.name.casefold()
    known = next((rank for rank, words in _ORDER if any(word in plain for word in words)), _UNKNOWN_ORDER)
    return known, stage.dated_share, stage.first_line


def stage_key(name: str) -> str:
    """The key of an imported stage: its letters and digits in lower case, joined by underscores."""
    letters = "".join(sign if sign.isalnum() else " " for sign in name.casefold())
    return "_".join(letters.split())[:76] or "stage"


def pipeline_from_names(seen: Sequence[SeenStage]) -> PipelineSpec:
    """A pipeline of the stages of a file: open ones in a likely order, then won, then lost; missing ends are added."""
    seen = list({squashed(stage.name): stage for stage in reversed(seen)}.values())[::-1]
    kinds = {stage.name: stage.closed_as or guess_kind(stage.name) for stage in seen}
    open_names = [stage.name for stage in sorted(seen, key=_rank) if kinds[stage.name] == OPEN]
    won = [stage.name for stage in seen if kinds[stage.name] == WON] or ["Won"]
    lost = [stage.name for stage in seen if kinds[stage.name] == LOST] or ["Lost"]
    step = 100 / (len(open_names) + 1)
    stages = [
        StageSpec(stage_key(name), name, OPEN, round(step * place), NOT_YET)
        for place, name in enumerate(open_names or ["Open"], start=1)
    ]
    stages += [StageSpec(stage_key(name), name, WON, 100, WON) for name in won]
    stages += [StageSpec(stage_key(name), name, LOST, 0, LOST) for name in lost]
    return PipelineSpec(tuple(_with_own_keys(stages)))


def _with_own_keys(stages: Sequence[StageSpec]) -> Iterator[StageSpec]:
    """The stages, with a number at a key that stands already: very long names may agree in their first letters."""
    taken: set[str] = set()
    for stage in stages:
        key = next(key for key in (stage.key, *(f"{stage.key}_{n}" for n in range(2, 1000))) if key not in taken)
        taken.add(key)
        yield replace(stage, key=key)


def pipeline_document(spec: PipelineSpec) -> dict[str, Any]:
    """The pipeline as a process document. What is empty is left out."""
    frameworks = {"frameworks": list(spec.frameworks)} if spec.frameworks else {}
    return {**frameworks, "stages": [_stage_document(stage) for stage in spec.stages]}


def _stage_document(stage: StageSpec) -> dict[str, Any]:
    criteria = {"entry": criteria_document(stage.entry), "exit": criteria_document(stage.exit)}
    return {
        "key": stage.key,
        "name": stage.name,
        "kind": stage.kind,
        "probability": stage.probability,
        "forecast": stage.forecast,
        **{part: many for part, many in criteria.items() if many},
    }


def squashed(name: str) -> str:
    """A name without spaces, signs and case: names that agree in it are probably the same thing."""
    return "".join(sign for sign in name.casefold() if sign.isalnum()) or name.strip()


@dataclass(frozen=True)
class KnownPipeline:
    """A pipeline of the workspace; its stages by squashed name and by squashed key."""

    id: int
    key: str
    name: str
    is_default: bool
    ids: Mapping[str, int]
    kinds: Mapping[str, str]


def choose_pipeline(name: str, stages: Sequence[str], known: Sequence[KnownPipeline]) -> KnownPipeline | None:
    """The pipeline that rows of a file belong to, or None when a new one is to be made.

    A pipeline that the file names counts by its name. Else it is one that knows every stage, the default one first,
    else an earlier imported one that knows an open stage of the file: the missing stages are added to it.
    """
    if name:
        return next((one for one in known if squashed(name) in (squashed(one.name), squashed(one.key))), None)
    ordered = sorted(known, key=lambda one: (not one.is_default, one.id))
    wanted = [squashed(stage) for stage in stages]
    for one in ordered:
        if all(stage in one.ids for stage in wanted):
            return one
    for one in ordered:
        if not one.is_default and any(one.kinds.get(stage) == OPEN for stage in wanted):
            return one
    return None


def opening_stage(seen: Sequence[SeenStage], spec: PipelineSpec) -> str:
    """The squashed name of the stage that the opening date speaks of: the first open one in which most rows have it.

    "" when the file has no opening dates.
    """
    dated = {squashed(stage.name): stage.dated_share for stage in seen}
    for stage in spec.stages:
        if stage.kind == OPEN and dated.get(squashed(stage.name), 0.0) >= 0.5:
            return squashed(stage.name)
    return ""
