"""What moves of deals and of accounts have in common: who may go, who stays and why, and which waivers are used."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from core.registry import Subject
from journeys.models import Waiver
from journeys.queries.criteria import Judged
from journeys.queries.gates import Gate, Process, covers, usable

GATE: Final = "gate"
REASON: Final = "reason"
CLOSE_REASON: Final = "close_reason"
PIPELINE: Final = "pipeline"
# What is asked beside the criteria, in the words that every path says them in.
ASKED: Final = {
    REASON: "A reason for the step back",
    CLOSE_REASON: "The reason why it was lost",
    PIPELINE: "A stage of its own pipeline",
}


class GateShut(ValueError):
    """What the gate asks for is missing. `gate.missing` lists it; `missing` are the names, with what is to be said."""

    def __init__(self, gate: Gate, missing: Sequence[str] = ()) -> None:
        self.gate = gate
        self.missing = tuple(missing) or tuple(line.name for line in gate.missing)
        super().__init__(f"{gate.stage_name} is not open yet. Missing: {'; '.join(self.missing)}.")


class ReasonNeeded(ValueError):
    """A step back, or a lost deal, without the reason. `field` is `reason` or `close_reason`."""

    def __init__(self, words: str, field: str = REASON) -> None:
        super().__init__(words)
        self.field = field


class EditionMoved(ValueError):
    """Somebody else has changed it since it was read."""


class StageElsewhere(ValueError):
    """The stage is not one of the deal's own pipeline."""


@dataclass(frozen=True)
class Refusal:
    """One that stays where it is, and why: the names of what is missing, or what is to be said.

    `code` is gate, reason, close_reason or pipeline; gate when several hold.
    """

    id: int
    name: str
    missing: tuple[str, ...]
    code: str = GATE


@dataclass(frozen=True)
class Moved:
    """What became of a move of many: the ids that moved, and those that did not."""

    moved: tuple[int, ...]
    refused: tuple[Refusal, ...] = ()
    left: int = 0  # accounts that left the journey with them


@dataclass(frozen=True)
class Asked:
    """One that wants to move, and what it needs beside the criteria: reason, close_reason, pipeline or nothing."""

    id: int
    name: str
    needs: str = ""


@dataclass(frozen=True)
class Sorted:
    """Those who may go, those who stay, and the waivers that let some of them through."""

    going: tuple[int, ...]
    refused: tuple[Refusal, ...]
    used: Mapping[int, tuple[int, ...]]  # by the id of whom they let through

    @property
    def waivers(self) -> tuple[int, ...]:
        return tuple(pk for ids in self.used.values() for pk in ids)


def sort_out(
    asked: Iterable[Asked],
    judged: Collection[Judged],
    process: Process,
    *,
    subject: Subject,
    stage_key: str,
    today: date,
    hold: bool = True,
) -> Sorted:
    """Who goes and who stays. A waiver helps with the criteria that it names, and with nothing else.

    Waivers that help are held until the transaction ends, so that nobody revokes one by which somebody goes; not with
    `hold=False`, for what only looks.
    """
    missing = {one.id: one.missing for one in judged if one.missing}
    signed = waivers_for(subject, set(missing), stage_key, today, hold=hold) if missing else {}
    going, refused = [], []
    used: dict[int, tuple[int, ...]] = {}
    for one in asked:
        places = missing.get(one.id, ())
        mine = signed.get(one.id, [])
        covered = {key for waiver in mine for key in covers(waiver, process)}
        left = [place for place in places if process.placed[place].criterion.key not in covered]
        names = [process.placed[place].criterion.name for place in left]
        if names or one.needs:
            said = [ASKED[one.needs]] if one.needs else []
            refused.append(Refusal(one.id, one.name, (*names, *said), GATE if names else one.needs))
            continue
        going.append(one.id)
        asked_for = {process.placed[place].criterion.key for place in places}
        helped = tuple(waiver.pk for waiver in mine if asked_for & covers(waiver, process))
        if helped:
            used[one.id] = helped
    return Sorted(tuple(going), tuple(refused), used)


def waivers_for(
    subject: Subject, ids: Collection[int], stage_key: str, today: date, *, hold: bool = True
) -> dict[int, list[Waiver]]:
    """The waivers that open this stage today, by the id of whom they are about. Two statements; few are ever open.

    With `hold` they stay as they are until the transaction ends: one that is being revoked is waited for.
    """
    open_ones = Waiver.objects.filter(usable(today), stage_key=stage_key, **{f"{subject}__isnull": False})
    signed = [waiver for waiver in open_ones.select_related("version") if _about(waiver, subject) in ids]
    if hold and signed:
        mine = Waiver.objects.filter(usable(today), pk__in=[waiver.pk for waiver in signed])
        held = set(mine.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
        signed = [waiver for waiver in signed if waiver.pk in held]
    found: dict[int, list[Waiver]] = {}
    for waiver in signed:
        found.setdefault(_about(waiver, subject), []).append(waiver)
    return found


def _about(waiver: Waiver, subject: Subject) -> int:
    return (waiver.opportunity_id if subject == "opportunity" else waiver.account_id) or 0


def moved_after(result: Sorted, row_id: int, stage_key: str) -> dict[str, Any]:
    """What the trail says of a row after its move: the stage, and the waivers by which it went."""
    used = result.used.get(row_id, ())
    return {"stage": stage_key} | ({"waivers": list(used)} if used else {})


def use_waivers(ids: Sequence[int], now: datetime) -> None:
    """They have opened their gate, and open it no more."""
    if ids:
        Waiver.objects.filter(pk__in=ids).update(used_at=now)
