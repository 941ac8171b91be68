"""Playbooks and plays for tests."""

from datetime import UTC, date, datetime, time
from typing import Any

from accounts.models import Account, Person
from core.actions import add_member
from core.actors import Actor
from core.choices import Role
from core.models import Membership, ProcessVersion, Tenant
from core.versioning import draft, publish
from journeys.actions.plays import start_play
from journeys.models import PlaybookRun, RunStep

TODAY = date(2026, 3, 2)  # a Monday
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")


def at(day: date) -> datetime:
    return datetime.combine(day, time(9), tzinfo=UTC)


def step(key: str, days: int = 7, source: str = "start", **values: Any) -> dict[str, Any]:
    return {
        "key": key, "title": key.replace("_", " ").capitalize(), "done_when": f"{key} is on record",
        "owner": "account_owner", "due": {"days": days, "from": source}, **values,
    }  # fmt: skip


STEPS: list[dict[str, Any]] = [step("plan", 2), step("call", 7, "step:plan"), step("report", 14)]


def document(**values: Any) -> dict[str, Any]:
    steps = {} if "variants" in values else {"steps": STEPS}
    return {"goal": "They use it again.", "category": "Adoption", "starts": [{"on": "manual"}], **steps, **values}


def publish_playbook(key: str = "low_usage", now: datetime = NOW, **values: Any) -> ProcessVersion:
    content = document(**values)
    made = draft(
        kind="playbook", key=key, name=key.replace("_", " ").capitalize(), definition=content, actor=ACTOR, now=now
    )
    return publish(version=made, actor=ACTOR, now=now, reason="test")


def person(name: str = "Maya Lindqvist", membership: Membership | None = None) -> Person:
    return Person.objects.create(name=name, name_key=name.lower(), membership=membership)


def member(tenant: Tenant, role: Role, name: str) -> Person:
    email = f"{name.split(' ')[0].lower()}@{tenant.slug}.example"
    return person(
        name, add_member(tenant=tenant, email=email, name=name, role=role, password=None, actor=ACTOR, now=NOW)
    )


def account(name: str = "Brightwater", **values: Any) -> Account:
    values.setdefault("segment", "enterprise")
    values.setdefault("arr_minor", 1_200_000)
    return Account.objects.create(name=name, name_key=name.lower(), **values)


def play(of: Account, playbook: str = "low_usage", today: date = TODAY, **values: Any) -> PlaybookRun:
    values.setdefault("actor", ACTOR)
    return start_play(playbook=playbook, account_id=of.pk, today=today, now=at(today), **values)


def steps_of(run: PlaybookRun) -> dict[str, RunStep]:
    return {one.key: one for one in RunStep.objects.filter(run_id=run.pk).select_related("task").order_by("position")}


def states(run: PlaybookRun) -> dict[str, str]:
    return {key: one.state for key, one in steps_of(run).items()}


def dues(run: PlaybookRun) -> dict[str, date | None]:
    return {key: one.due_on for key, one in steps_of(run).items()}
