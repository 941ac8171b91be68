"""What the page of a playbook shows: its head, its steps beside the live ones, what changes, versions, checks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from core import registry, versioning
from core.choices import VersionState
from core.differences import Change
from core.models import AuditEntry, ProcessOwner, ProcessVersion
from core.version_history import live_among, open_draft, versions_of
from journeys.queries.plays.facts import label_of, said
from journeys.queries.plays.reading import KIND
from journeys.rules import play_words as words
from journeys.rules.play_checks import Check, checks
from journeys.rules.play_editing import BadFields, steps_of, variant_keys

SHOWN: Final = 12


@dataclass(frozen=True)
class Field:
    """A field of the editor with what was typed or stands there, what is wrong with it, and what is live."""

    name: str
    value: Any
    error: str = ""
    was: str = ""

    @property
    def id(self) -> str:
        return "f-" + "".join(letter if letter.isalnum() else "-" for letter in self.name)


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
    only_if_is_simple: bool = True
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
    steps: list[StepRow]
    checks: tuple[Check, ...]
    changes: list[Change]
    owner: ProcessOwner | None
    problems: dict[str, str]
    saved_at: datetime | None = None
    saved_by: str = ""
    more_versions: int = 0

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
) -> PlaybookPage | None:
    """The page of a playbook, or None when there is none. `view`: draft or live; else what there is."""
    versions = versions_of(KIND, key)
    live, draft = live_among(versions), open_draft(versions)
    shown = live if view == "live" and live else draft or live or (versions[0] if versions else None)
    if shown is None:
        return None
    document = shown.definition
    keys = variant_keys(document)
    variant = variant if variant in keys else keys[0]
    form = _Form(typed or {}, problems or {})
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
        variant=variant,
        variants=[(one, variant_words(document, one)) for one in keys] if "variants" in document else [],
        head=_head(shown, form),
        starts=_starts(document, form),
        audience=said(document.get("audience")),
        requires=said(document.get("requires")),
        outcome=document.get("outcome") or {},
        outcome_rule=said((document.get("outcome") or {}).get("rule")),
        steps=_steps(document, live.definition if live and shown != live else None, variant, opened, form),
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


@dataclass(frozen=True)
class _Form:
    typed: Mapping[str, str]
    problems: Mapping[str, str]

    def field(self, name: str, value: Any, was: str = "") -> Field:
        shown = self.typed[name] if self.problems and name in self.typed else value
        return Field(name, "" if shown is None else shown, self.problems.get(name, ""), was)

    def of_step(self, key: str, *, is_open: bool) -> str:
        """What is wrong with a step as a whole; of one that is closed, also what is wrong with a field of it."""
        inside = [text for name, text in self.problems.items() if name.endswith(f":{key}") and not is_open]
        return next(iter([*filter(None, [self.problems.get(f"step:{key}")]), *inside]), "")


def _head(version: ProcessVersion, form: _Form) -> dict[str, Field]:
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
        "within_days": form.field("within_days", outcome.get("within_days", "")),
    }


def _starts(document: Mapping[str, Any], form: _Form) -> list[StartRow]:
    rows = []
    for number, one in enumerate(document.get("starts", [])):
        days = one.get("days") or {}
        rows.append(
            StartRow(
                number=number,
                on=one["on"],
                words=words.start_words(one),
                rule=said(one.get("rule")),
                days=form.field(f"start:{number}:days", days.get("before", days.get("after"))) if days else None,
                stage=form.field(f"start:{number}:stage", one.get("stage")) if one["on"] == "stage" else None,
            )
        )
    return rows


def _steps(
    document: Mapping[str, Any], live: Mapping[str, Any] | None, variant: str, opened: str, form: _Form
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
                **(_opened(step, was, live_due, numbers, anchor, form) if is_open else {}),
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
    form: _Form,
) -> dict[str, Any]:
    key, due = str(step["key"]), step.get("due") or {}
    old = was or {}

    def of(name: str, stored: str, show: Any = str) -> Field:
        changed = was is not None and old.get(stored) != step.get(stored)
        before = show(old[stored]) if changed and old.get(stored) else "empty" if changed else ""
        return form.field(f"{name}:{key}", step.get(stored, ""), before)

    condition = step.get("only_if")
    simple = condition is None or "fact" in condition
    leaf = condition if condition and simple else {}
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
            "if_fact": form.field(f"if_fact:{key}", leaf.get("fact", "")),
            "if_op": form.field(f"if_op:{key}", leaf.get("op", "eq")),
            "if_value": form.field(f"if_value:{key}", _value_text(leaf.get("value"))),
        },
        "from_choices": words.from_choices(numbers, anchor, key),
        "panel": [(one, label_of(one)) for one in step.get("panel", [])],
        "only_if": said(condition),
        "only_if_is_simple": simple,
    }


def _shortened(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:159]}…"


def _value_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


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
