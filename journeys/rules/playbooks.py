"""Playbooks as documents: goal, when they start, what is done in which order, and what counts as success. Pure.

Every message starts with the place in the document and says what would be right. Whether trees name known facts is
checked against the registry, not here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.shapes import only
from core.trees import tree_key
from journeys.rules.play_blocks import (
    BadPlaybook,
    Tree,
    block_of,
    flag,
    key_of,
    list_of,
    refuse_repeats,
    text,
    tree,
    whole,
    word,
)

__all__ = ["BadPlaybook", "Due", "Outcome", "Playbook", "Start", "Step", "Tree", "Variant", "lint", "parse_playbook"]

ANCHORS: Final = {
    "start": "the start",
    "renewal_due": "the renewal",
    "close": "the close",
    "stage_entered": "the stage was entered",
}
CALENDARS: Final = ("business", "all")
TRIGGERS: Final = ("manual", "alert", "stage", "date", "signal", "api")
SWEPT: Final = ("stage", "date", "signal")
# The words of `core.choices.Role`, which this room may not import, after those that depend on the account.
OWNERS: Final = {
    "account_owner": "account owner",
    "account_deputy": "account deputy",
    "sales_owner": "sales owner",
    "support": "support",
    "csm": "CSM",
    "cs_manager": "CS manager",
    "cs_director": "CS director",
    "executive_sponsor": "executive sponsor",
    "sales_rep": "sales rep",
    "support_agent": "support agent",
    "revops_admin": "RevOps admin",
    "leader": "leader",
}
FIELDS: Final = frozenset(
    {"goal", "category", "audience", "anchor", "calendar", "starts", "requires", "outcome", "review_after_runs",
     "floor", "one_at_a_time", "variants", "steps"}
)  # fmt: skip
STEP_FIELDS: Final = frozenset(
    {"key", "title", "goal", "script", "template", "done_when", "owner", "due", "panel", "only_if"}
)
MOST_STEPS: Final = 60
LONGEST_DAYS: Final = 730
COOL_DOWN: Final = 30


@dataclass(frozen=True)
class Due:
    """When a step is due: that many days before or after the anchor, the start, or the end of another step."""

    days: int
    source: str = "start"
    before: bool = False

    @property
    def step(self) -> str:
        """The key of the step that it counts from; empty for the anchor and the start."""
        return self.source.removeprefix("step:") if self.source.startswith("step:") else ""


@dataclass(frozen=True)
class Step:
    """One thing to be done, and all that somebody needs who has never done it."""

    key: str
    title: str
    place: int
    goal: str = ""
    script: str = ""
    template: str = ""
    done_when: str = ""
    owner: str = ""
    due: Due | None = None
    panel: tuple[str, ...] = ()
    only_if: Tree | None = None


@dataclass(frozen=True)
class Variant:
    """The steps for some segments; without segments, for everybody else."""

    key: str
    segments: tuple[str, ...]
    steps: tuple[Step, ...]

    def step(self, key: str) -> Step | None:
        return next((step for step in self.steps if step.key == key), None)


@dataclass(frozen=True)
class DaysFrom:
    """A day of a date: 90 days before the renewal."""

    days: int
    before: bool
    of: str


@dataclass(frozen=True)
class Start:
    """One way in which a play comes about."""

    on: str
    stage: str = ""
    rule: Tree | None = None
    days: DaysFrom | None = None
    cool_down_days: int = COOL_DOWN

    @property
    def same_as(self) -> str:
        """Stands for what it fires for. A rule that moves in the document, or cools down longer, stays the same one.

        By stage and by date that is the stay and the date: what else must hold then may change. A signal is its rule.
        """
        days = (self.days.days, self.days.before, self.days.of) if self.days is not None else None
        return tree_key([self.on, self.stage, days, self.rule if self.on == "signal" else None])


@dataclass(frozen=True)
class Outcome:
    """What shows that the play was worth it: a rule that is to hold within that many days of the start."""

    name: str
    rule: Tree
    within_days: int


@dataclass(frozen=True)
class Playbook:
    """What a document says. A playbook without variants has one, whose key is empty."""

    goal: str
    category: str
    audience: Tree | None
    anchor: str
    calendar: str
    starts: tuple[Start, ...]
    requires: Tree | None
    outcome: Outcome | None
    review_after_runs: int
    floor: int
    one_at_a_time: bool
    variants: tuple[Variant, ...]

    def variant_for(self, segment: str) -> Variant | None:
        """The variant that a new play for an account of this segment gets."""
        named = next((one for one in self.variants if segment in one.segments), None)
        return named or next((one for one in self.variants if not one.segments), None)

    def variant(self, key: str) -> Variant | None:
        return next((one for one in self.variants if one.key == key), None)

    def starts_on(self, trigger: str) -> bool:
        """Whether it may start this way. By hand and by the API it always may."""
        return trigger in {"manual", "api"} or any(one.on == trigger for one in self.starts)


def parse_playbook(definition: Mapping[str, Any]) -> Playbook:
    """Raises `BadPlaybook`. A draft may lack what only a live playbook needs: see `lint`."""
    only(definition, "", FIELDS)
    anchor = word(definition, "", "anchor", tuple(ANCHORS), "start")
    return Playbook(
        goal=text(definition, "", "goal"),
        category=text(definition, "", "category", longest=80),
        audience=tree(definition, "", "audience"),
        anchor=anchor,
        calendar=word(definition, "", "calendar", CALENDARS, "business"),
        starts=tuple(_start(raw, f"starts[{n}]") for n, raw in enumerate(list_of(definition, "", "starts"))),
        requires=tree(definition, "", "requires"),
        outcome=_outcome(definition.get("outcome")),
        review_after_runs=whole(definition, "", "review_after_runs", 1, 10_000, 20),
        floor=whole(definition, "", "floor", 0, 100, 30),
        one_at_a_time=flag(definition, "", "one_at_a_time", default=True),
        variants=_variants(definition),
    )


def lint(playbook: Playbook) -> Iterator[str]:
    """What a live playbook must not lack, each with its place."""
    for variant, at in zip(playbook.variants, places_of(playbook), strict=True):
        for step in variant.steps:
            here = f"{at}[{step.place}]"
            if not step.title:
                yield f"{here}.title: missing. Say what is to be done."
            if not step.done_when:
                yield f"{here}.done_when: missing. Say what shows that '{step.title or step.key}' is done."
            if not step.owner:
                yield f"{here}.owner: missing. One of {', '.join(OWNERS)}."
            if step.due is None:
                yield f"{here}.due: missing. Say it as days and from: 7 days from start."
    if not any(not one.segments for one in playbook.variants):
        yield (
            "variants: accounts without a segment, or of a new one, would have no steps. Leave `segments` out of one "
            "variant: it serves all others."
        )


def places_of(playbook: Playbook) -> list[str]:
    """Where the steps of each variant stand in the document."""
    if [one.key for one in playbook.variants] == [""]:
        return ["steps"]
    return [f"variants[{n}].steps" for n in range(len(playbook.variants))]


def _variants(definition: Mapping[str, Any]) -> tuple[Variant, ...]:
    if ("variants" in definition) == ("steps" in definition):
        raise BadPlaybook("steps: give either `steps` or `variants` with steps of their own.")
    if "steps" in definition:
        return (Variant("", (), _steps(definition, "")),)
    found = tuple(_variant(raw, f"variants[{n}]") for n, raw in enumerate(list_of(definition, "", "variants")))
    if not found:
        raise BadPlaybook("variants: give at least one variant, or `steps` instead.")
    refuse_repeats([one.key for one in found], "variants", "key")
    seen: dict[str, str] = {}
    for n, one in enumerate(found):
        for segment in one.segments or ("",):
            if segment in seen:
                words = f"segment '{segment}'" if segment else "all other segments"
                raise BadPlaybook(f"variants[{n}].segments: {words} has '{seen[segment]}' already. Name it once.")
            seen[segment] = one.key
    return found


def _variant(raw: Any, place: str) -> Variant:
    block = block_of(raw, place)
    only(block, place, {"key", "segments", "steps"})
    segments = list_of(block, place, "segments")
    if any(not isinstance(one, str) or not one for one in segments):
        raise BadPlaybook(f"{place}.segments: a list of segment keys, or left out for all others.")
    return Variant(key_of(block, place), tuple(segments), _steps(block, f"{place}."))


def _steps(block: Mapping[str, Any], inside: str) -> tuple[Step, ...]:
    raws = list_of(block, inside.rstrip("."), "steps")
    if not raws or len(raws) > MOST_STEPS:
        raise BadPlaybook(f"{inside}steps: give at least one step, at most {MOST_STEPS}.")
    found = tuple(_step(raw, f"{inside}steps[{n}]", n) for n, raw in enumerate(raws))
    keys = [step.key for step in found]
    refuse_repeats(keys, f"{inside}steps", "key")
    for n, step in enumerate(found):
        if step.due is not None and step.due.step and step.due.step not in keys:
            raise BadPlaybook(
                f"{inside}steps[{n}].due.from: no step has the key '{step.due.step}'. Known: {', '.join(keys)}."
            )
    _refuse_cycles(found, inside)
    return found


def _refuse_cycles(steps: Sequence[Step], inside: str) -> None:
    after = {step.key: step.due.step for step in steps if step.due is not None and step.due.step}
    for n, step in enumerate(steps):
        chain, key = [step.key], after.get(step.key)
        while key is not None and key not in chain:
            chain.append(key)
            key = after.get(key)
        if key == step.key:
            circle = " → ".join([*chain, key])
            raise BadPlaybook(
                f"{inside}steps[{n}].due.from: the steps wait for each other ({circle}). Count one from start."
            )


def _step(raw: Any, place: str, n: int) -> Step:
    block = block_of(raw, place)
    only(block, place, STEP_FIELDS)
    owner = block.get("owner", "")
    if owner and owner not in OWNERS:
        raise BadPlaybook(f"{place}.owner: '{owner}' is unknown. One of {', '.join(OWNERS)}.")
    panel = list_of(block, place, "panel")
    if any(not isinstance(one, str) for one in panel):
        raise BadPlaybook(f"{place}.panel: a list of keys of facts.")
    return Step(
        key=key_of(block, place),
        title=text(block, place, "title", longest=200),
        place=n,
        goal=text(block, place, "goal"),
        script=text(block, place, "script"),
        template=text(block, place, "template"),
        done_when=text(block, place, "done_when"),
        owner=str(owner),
        due=_due(block.get("due"), f"{place}.due"),
        panel=tuple(panel),
        only_if=tree(block, place, "only_if"),
    )


def _due(raw: Any, place: str) -> Due | None:
    if raw is None:
        return None
    block = block_of(raw, place)
    only(block, place, {"days", "from", "when"})
    days = whole(block, place, "days", 0, LONGEST_DAYS, None)
    source = block.get("from", "start")
    if not isinstance(source, str) or (source not in {"anchor", "start"} and not source.startswith("step:")):
        raise BadPlaybook(f"{place}.from: anchor, start or step:KEY, not {source!r}.")
    when = word(block, place, "when", ("after", "before"), "after")
    if when == "before" and source != "anchor":
        raise BadPlaybook(f"{place}.when: only the anchor can have days before it. Write after, or from: anchor.")
    return Due(days, source, when == "before")


def _start(raw: Any, place: str) -> Start:
    block = block_of(raw, place)
    only(block, place, {"on", "stage", "rule", "days", "cool_down_days"})
    on = word(block, place, "on", TRIGGERS, None)
    needs = {"stage": "stage", "date": "days", "signal": "rule"}.get(on)
    if needs and not block.get(needs):
        raise BadPlaybook(f"{place}.{needs}: missing. A start on {on} needs it.")
    for name in ("stage", "days", "rule"):
        if name in block and name != needs and not (name == "rule" and on in SWEPT):
            raise BadPlaybook(f"{place}.{name}: has no meaning for a start on {on}. Remove it.")
    return Start(
        on=on,
        stage=text(block, place, "stage", longest=80),
        rule=tree(block, place, "rule"),
        days=_days(block["days"], f"{place}.days") if "days" in block else None,
        cool_down_days=whole(block, place, "cool_down_days", 0, LONGEST_DAYS, COOL_DOWN),
    )


def _days(raw: Any, place: str) -> DaysFrom:
    block = block_of(raw, place)
    only(block, place, {"before", "after", "of"})
    if ("before" in block) == ("after" in block):
        raise BadPlaybook(f"{place}: give either before or after, a number of days.")
    of = block.get("of")
    if not isinstance(of, str) or not of or of == "start":
        raise BadPlaybook(f"{place}.of: renewal_due, close, stage_entered or the key of a fact that is a date.")
    name = "before" if "before" in block else "after"
    return DaysFrom(whole(block, place, name, 0, LONGEST_DAYS, None), name == "before", of)


def _outcome(raw: Any) -> Outcome | None:
    if raw is None:
        return None
    block = block_of(raw, "outcome")
    only(block, "outcome", {"name", "rule", "within_days"})
    name, rule = text(block, "outcome", "name", longest=200), tree(block, "outcome", "rule")
    if not name:
        raise BadPlaybook("outcome.name: missing. Say in a few words what is to be reached.")
    if rule is None:
        raise BadPlaybook("outcome.rule: missing. Name at least one condition on a fact.")
    return Outcome(name, rule, whole(block, "outcome", "within_days", 1, LONGEST_DAYS, None))
