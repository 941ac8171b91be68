"""What the page of a playbook shows: its head, its steps beside the live ones, what changes, versions, checks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from core import registry, versioning
from core.choices import VersionState
from core.differences import Change
from core.models import AuditEntry, ProcessOwner, ProcessVersion
from core.shapes import BadFields
from core.version_history import in_review, live_among, open_draft, versions_of
from journeys.queries.play_conditions import Conditions, conditions, vocabulary
from journeys.queries.play_fields import Field, Typed
from journeys.queries.plays.facts import label_of, said
from journeys.queries.plays.reading import KIND
from journeys.rules import play_words as words
from journeys.rules.condition_rows import Vocabulary
from journeys.rules.play_checks import Check, checks
from journeys.rules.play_conditions import OUTCOME_DAYS
from journeys.rules.play_editing import steps_of, variant_keys
from journeys.rules.playbooks import SWEPT

SHOWN: Final = 12
ABOUT: Final = ":about"


@dataclass(frozen=True)
class StepRow:
    """A step as the list shows it. `sign`: new or changed against the live version, else empty."""

    key: str
    number: int
    title: str
    done_when: str
    due: str
    due_changed: bool
    who: str
    sign: str
    is_open: bool
    step: Mapping[str, Any]
    fields: dict[str, Field] = field(default_factory=dict)
    from_choices: list[tuple[str, str]] = field(default_factory=list)
    panel: list[tuple[str, str]] = field(default_factory=list)
    only_if: str = ""
    conditions: Conditions | None = None
    problem: str = ""


@dataclass(frozen=True)
class StartRow:
    """One way to start, in words, with the fields that a form can change."""

    number: int
    on: str
    words: str
    rule: str
    days: Field | None = None
    stage: Field | None = None
    conditions: Conditions | None = None

    @property
    def when(self) -> str:
        """What its conditions are called: each start has its own name for a screen reader."""
        return f"Start {self.number + 1}, {'when' if self.on == 'signal' else 'only if'}"


@dataclass(frozen=True)
class PlaybookPage:
    """The page beside the running plays, which come as a part of their own."""

    key: str
    view: str
    shown: ProcessVersion
    live: ProcessVersion | None
    draft: ProcessVersion | None
    versions: list[ProcessVersion]
    variant: str
    variants: list[tuple[str, str]]
    head: dict[str, Field]
    starts: list[StartRow]
    audience: str
    requires: str
    outcome: Mapping[str, Any]
    outcome_rule: str
    conditions: dict[str, Conditions]
    steps: list[StepRow]
    checks: tuple[Check, ...]
    changes: list[Change]
    owner: ProcessOwner | None
    problems: dict[str, str]
    saved_at: datetime | None = None
    saved_by: str = ""
    more_versions: int = 0
    review: ProcessVersion | None = None

    @property
    def is_draft(self) -> bool:
        return self.shown.is_draft

    @property
    def in_review(self) -> bool:
        return self.draft is not None and self.draft.state == VersionState.IN_REVIEW

    @property
    def is_outdated(self) -> bool:
        """Whether a newer version went live since the draft was begun."""
        return bool(self.draft and self.live and self.draft.based_on and self.draft.based_on < self.live.number)

    @property
    def failed(self) -> list[Check]:
        return [one for one in self.checks if not one.passed]

    @property
    def definition(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.shown.definition
        return found


def draft_of(key: str) -> ProcessVersion | None:
    """The draft of a playbook that people work on."""
    return open_draft(versions_of(KIND, key))


def playbook_page(
    key: str,
    *,
    view: str = "",
    opened: str = "",
    variant: str = "",
    typed: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
    currency: str = "",
) -> PlaybookPage | None:
    """The page of a playbook, or None when there is none. `view`: draft or live; else what there is.

    `opened`: the key of the step whose fields are shown, or `ABOUT` for those of the playbook; amounts in `currency`.
    """
    versions = versions_of(KIND, key)
    live, draft = live_among(versions), open_draft(versions)
    shown = live if view == "live" and live else draft or live or (versions[0] if versions else None)
    if shown is None:
        return None
    document = shown.definition
    keys = variant_keys(document)
    variant = variant if variant in keys else keys[0]
    form = Typed(typed or {}, problems or {}, compares=live is not None and shown != live)
    known = vocabulary(currency)
    saved = _saved(draft) if draft else None
    owner = ProcessOwner.objects.filter(kind=KIND, key=key).select_related("owner__user", "deputy__user").first()
    return PlaybookPage(
        key=key,
        view="live" if shown == live else "draft",
        shown=shown,
        live=live,
        draft=draft,
        versions=versions[:SHOWN],
        more_versions=max(0, len(versions) - SHOWN),
        review=in_review(versions),
        variant=variant,
        variants=[(one, variant_words(document, one)) for one in keys] if "variants" in document else [],
        head=_head(shown, form),
        starts=_starts(document, live.definition if live else {}, form, known),
        audience=said(document.get("audience")),
        requires=said(document.get("requires")),
        outcome=document.get("outcome") or {},
        outcome_rule=said((document.get("outcome") or {}).get("rule")),
        conditions=_conditions(document, live.definition if live else {}, form, known) if opened == ABOUT else {},
        steps=_steps(document, live.definition if live and shown != live else None, variant, opened, form, known),
        checks=_checks(shown, owner),
        changes=versioning.diff(live, draft) if live and draft else [],
        owner=owner,
        problems=dict(problems or {}),
        saved_at=saved.at if saved else None,
        saved_by=saved.actor_label if saved else "",
    )


def variant_words(document: Mapping[str, Any], key: str) -> str:
    """Whom a variant is for: its segments, or everybody else."""
    for one in document.get("variants", []):
        if one.get("key") == key:
            segments = [str(segment).replace("_", " ") for segment in one.get("segments", [])]
            return ", ".join(segments).capitalize() if segments else "Everybody else"
    return ""


def _head(version: ProcessVersion, form: Typed) -> dict[str, Field]:
    document = version.definition
    outcome = document.get("outcome") or {}
    return {
        "name": form.field("name", version.name),
        "goal": form.field("goal", document.get("goal", "")),
        "category": form.field("category", document.get("category", "")),
        "anchor": form.field("anchor", document.get("anchor", "start")),
        "calendar": form.field("calendar", document.get("calendar", "business")),
        "review": form.field("review_after_runs", document.get("review_after_runs", 20)),
        "outcome_name": form.field("outcome_name", outcome.get("name", "")),
        "within_days": form.field("within_days", outcome.get("within_days", OUTCOME_DAYS)),
    }


def _conditions(
    document: Mapping[str, Any], live: Mapping[str, Any], form: Typed, known: Vocabulary
) -> dict[str, Conditions]:
    """Whom it is for, what must hold before a start, and what shows the outcome."""
    outcome, before = document.get("outcome") or {}, live.get("outcome") or {}
    return {
        "audience": conditions("audience", document.get("audience"), live.get("audience"), form, known),
        "requires": conditions("requires", document.get("requires"), live.get("requires"), form, known),
        "outcome": conditions("outcome", outcome.get("rule"), before.get("rule"), form, known),
    }


def _starts(document: Mapping[str, Any], live: Mapping[str, Any], form: Typed, known: Vocabulary) -> list[StartRow]:
    rows = []
    before = list(live.get("starts", []))
    for number, one in enumerate(document.get("starts", [])):
        days = one.get("days") or {}
        rule = one.get("rule")
        # Starts have no keys: one that stood at another place is not said to have changed.
        was = before[number].get("rule") if number < len(before) and before[number]["on"] == one["on"] else rule
        rows.append(
            StartRow(
                number=number,
                on=one["on"],
                words=words.start_words(one),
                rule=said(one.get("rule")),
                days=form.field(f"start:{number}:days", days.get("before", days.get("after"))) if days else None,
                stage=form.field(f"start:{number}:stage", one.get("stage")) if one["on"] == "stage" else None,
                conditions=conditions(f"start.{number}", rule, was, form, known) if one["on"] in SWEPT else None,
            )
        )
    return rows


def _steps(
    document: Mapping[str, Any],
    live: Mapping[str, Any] | None,
    variant: str,
    opened: str,
    form: Typed,
    known: Vocabulary,
) -> list[StepRow]:
    anchor = str(document.get("anchor", "start"))
    steps = steps_of(dict(document), variant)
    before = {str(one["key"]): one for one in _live_steps(live, variant)} if live is not None else {}
    live_numbers = {key: place for place, key in enumerate(before, start=1)}
    numbers = {str(step["key"]): place for place, step in enumerate(steps, start=1)}
    rows = []
    for step in steps:
        key = str(step["key"])
        was = before.get(key)
        due = words.due_words(step.get("due"), numbers, anchor)
        live_due = words.due_words(was.get("due"), live_numbers, anchor) if was else ""
        is_open = key == opened
        rows.append(
            StepRow(
                key=key,
                number=numbers[key],
                title=step.get("title", ""),
                done_when=step.get("done_when", ""),
                due=due,
                due_changed=bool(was) and was is not None and was.get("due") != step.get("due"),
                who=words.owner_words(step.get("owner", "")),
                sign=_sign(step, was, is_compared=live is not None),
                is_open=is_open,
                step=step,
                problem=form.of_step(key, is_open=is_open),
                **(_opened(step, was, live_due, numbers, anchor, form, known) if is_open else {}),
            )
        )
    return rows


def _live_steps(live: Mapping[str, Any], variant: str) -> list[dict[str, Any]]:
    try:
        return steps_of(dict(live), variant)
    except BadFields:  # a variant that the live version does not have: all of it is new
        return []


def _sign(step: Mapping[str, Any], was: Mapping[str, Any] | None, *, is_compared: bool) -> str:
    if not is_compared:
        return ""
    return "new" if was is None else "changed" if dict(step) != dict(was) else ""


def _opened(
    step: Mapping[str, Any],
    was: Mapping[str, Any] | None,
    live_due: str,
    numbers: Mapping[str, int],
    anchor: str,
    form: Typed,
    known: Vocabulary,
) -> dict[str, Any]:
    key, due = str(step["key"]), step.get("due") or {}
    old = was or {}

    def of(name: str, stored: str, show: Any = str) -> Field:
        changed = was is not None and old.get(stored) != step.get(stored)
        before = show(old[stored]) if changed and old.get(stored) else "empty" if changed else ""
        return form.field(f"{name}:{key}", step.get(stored, ""), before)

    condition = step.get("only_if")
    branch = condition if was is None else old.get("only_if")  # a new step has nothing to be compared with
    due_was = live_due if was is not None and old.get("due") != step.get("due") else ""
    return {
        "fields": {
            "title": of("title", "title"),
            "goal": of("step_goal", "goal"),
            "done_when": of("done_when", "done_when"),
            "owner": of("owner", "owner", words.owner_words),
            "script": of("script", "script", _shortened),
            "template": of("template", "template", _shortened),
            "days": form.field(f"days:{key}", due.get("days", ""), due_was),
            "from": form.field(f"from:{key}", words.from_value(due)),
            "panel": form.field(f"panel_fact:{key}", ""),
        },
        "from_choices": words.from_choices(numbers, anchor, key),
        "panel": [(one, label_of(one)) for one in step.get("panel", [])],
        "only_if": said(condition),
        "conditions": conditions(f"only_if.{key}", condition, branch, form, known),
    }


def _shortened(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:159]}…"


def _checks(version: ProcessVersion, owner: ProcessOwner | None) -> tuple[Check, ...]:
    unfit: list[str] = []
    try:
        versioning.refuse_unfit(version)
    except versioning.PublishRefused as refused:
        unfit = refused.lines
    return checks(
        version.definition,
        has_owner=owner is not None,
        has_deputy=owner is not None and owner.deputy_id is not None,
        known_facts=frozenset(registry.facts()),
        unfit=unfit,
    )


def _saved(draft: ProcessVersion) -> AuditEntry | None:
    entries = AuditEntry.objects.filter(subject_type="core.processversion", subject_id=draft.pk)
    return entries.order_by("-at").first()
