"""Owners and deputies: nothing depends on one person, and nobody leaves with a process in hand."""

import io
import json
from datetime import datetime

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import members, versioning
from core.actions import add_member
from core.actors import Actor
from core.choices import Role
from core.management.base import CommandRefused
from core.models import AuditEntry, Membership, ProcessOwner, Tenant
from core.processes import owners
from core.tenancy import tenant_context

KIND, KEY = "renewal_timeline", "standard"
DEFINITION = {"catch_up_title": "Catch up", "steps": [{"offset_days": 30, "title": "Sign"}]}


def member(tenant: Tenant, name: str, now: datetime, role: Role = Role.CSM) -> Membership:
    return add_member(
        tenant=tenant, email=f"{name.lower()}@kestrel.example", name=name, role=role, password=None,
        actor=Actor.system("test"), now=now,
    )  # fmt: skip


@pytest.fixture
def process(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    versioning.ensure_published(kind=KIND, key=KEY, name="Timeline", definition=DEFINITION, actor=actor, now=now)


def name_them(owner: Membership, deputy: Membership | None, actor: Actor, now: datetime) -> ProcessOwner:
    return owners.set_owner(
        kind=KIND, key=KEY, owner_id=owner.pk, deputy_id=deputy.pk if deputy else None, actor=actor, now=now
    )


@pytest.mark.capability("R1")
def test_no_process_without_deputy_passes_the_lint(process: None, kestrel: Tenant, actor: Actor, now: datetime) -> None:
    ada, ben = member(kestrel, "Ada", now), member(kestrel, "Ben", now)

    def found() -> list[tuple[str, ...]]:
        return [one.problems for one in owners.lint() if (one.kind, one.key) == (KIND, KEY)]

    assert found() == [("It has no owner and no deputy. Name two members.",)]
    name_them(ada, None, actor, now)
    assert found() == [("It has no deputy. Name a member who answers while the owner is away.",)]
    name_them(ada, ben, actor, now)
    assert found() == []
    Membership.objects.filter(pk=ben.pk).update(is_active=False)
    assert found() == [("Its deputy Ben is no active member any more. Name another one.",)]
    assert owners.gone_members(kestrel, now) == 1
    Membership.objects.filter(pk=ben.pk).update(is_active=True)
    assert owners.gone_members(kestrel, now) == 0
    ben.user.is_active = False  # the sign-in is closed
    ben.user.save(update_fields=["is_active"])
    assert (owners.gone_members(kestrel, now), len(found())) == (1, 1)


def test_naming_an_owner_and_leaving_take_turns(process: None, kestrel: Tenant, actor: Actor, now: datetime) -> None:
    ada = member(kestrel, "Ada", now)
    with CaptureQueriesContext(connection) as asked:
        name_them(ada, None, actor, now)
    assert "FOR NO KEY UPDATE" in asked[0]["sql"] or "FOR NO KEY UPDATE" in asked[1]["sql"]


def test_naming_the_same_two_again_does_nothing(process: None, kestrel: Tenant, actor: Actor, now: datetime) -> None:
    ada, ben = member(kestrel, "Ada", now), member(kestrel, "Ben", now)
    for _ in range(2):
        name_them(ada, ben, actor, now)
    entries = AuditEntry.objects.filter(verb="set process owner")
    assert [entry.after for entry in entries] == [{"owner": "Ada", "deputy": "Ben"}]


def test_nobody_is_their_own_deputy_and_strangers_answer_for_nothing(
    process: None, kestrel: Tenant, heron: Tenant, actor: Actor, now: datetime
) -> None:
    ada = member(kestrel, "Ada", now)
    stranger = Membership.objects.create(tenant=heron, user=ada.user, role=Role.CSM)
    with pytest.raises(owners.BadOwner, match="Choose somebody else"):
        name_them(ada, ada, actor, now)
    for owner, deputy in ((stranger, ada), (ada, stranger)):
        with pytest.raises(owners.BadOwner, match="choose an active member"):
            name_them(owner, deputy, actor, now)
    with pytest.raises(owners.BadOwner, match="There is no renewal_timeline 'gone'"):
        owners.set_owner(kind=KIND, key="gone", owner_id=ada.pk, deputy_id=None, actor=actor, now=now)


@pytest.mark.capability("R1")
def test_who_answers_for_a_process_does_not_leave_before_another_one_does(
    process: None, kestrel: Tenant, actor: Actor, now: datetime
) -> None:
    ada, ben, eva = (member(kestrel, name, now) for name in ("Ada", "Ben", "Eva"))
    name_them(ada, ben, actor, now)
    for one in (ada, ben):
        with pytest.raises(members.MemberRefused, match="answers for “Timeline”"):
            members.deactivate_member(membership_id=one.pk, actor=actor, now=now)
    name_them(eva, ben, actor, now)
    assert members.deactivate_member(membership_id=ada.pk, actor=actor, now=now).is_active is False
    assert members.reactivate_member(membership_id=ada.pk, actor=actor, now=now).is_active is True


def test_the_last_who_manages_members_stays(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    boss = member(in_kestrel, "Boss", now, Role.REVOPS_ADMIN)
    for act in (
        lambda: members.deactivate_member(membership_id=boss.pk, actor=actor, now=now),
        lambda: members.change_role(membership_id=boss.pk, role=Role.CSM, actor=actor, now=now),
    ):
        with pytest.raises(members.MemberRefused, match="the last who manages members"):
            act()
    with pytest.raises(members.MemberRefused, match="cannot close the workspace to yourself"):
        members.deactivate_member(membership_id=boss.pk, actor=Actor.person(boss), now=now)
    member(in_kestrel, "Second", now, Role.REVOPS_ADMIN)
    assert members.change_role(membership_id=boss.pk, role=Role.CSM, actor=actor, now=now).role == "csm"


def test_the_command_takes_no_role_from_the_last_who_manages_members(kestrel: Tenant, now: datetime) -> None:
    boss = member(kestrel, "Boss", now, Role.REVOPS_ADMIN)

    def add(role: str) -> dict[str, str]:
        out = io.StringIO()
        call_command("tenant", "add-member", "kestrel", boss.user.email, "--role", role, "--json", stdout=out)
        said: dict[str, str] = json.loads(out.getvalue())
        return said

    with pytest.raises(CommandRefused, match="the last who manages members"):
        add("csm")
    assert Membership.objects.get(pk=boss.pk).role == "revops_admin"
    assert add("revops_admin")["role"] == "revops_admin"
    member(kestrel, "Second", now, Role.REVOPS_ADMIN)
    assert add("csm")["role"] == "csm"
    with tenant_context(kestrel.pk):
        entry = AuditEntry.objects.filter(verb="changed role").get()
        assert (entry.before, entry.after) == ({"role": "revops_admin"}, {"role": "csm"})


def test_a_member_of_another_workspace_is_not_there(
    in_kestrel: Tenant, heron: Tenant, actor: Actor, now: datetime
) -> None:
    user = member(in_kestrel, "Ada", now).user
    stranger = Membership.objects.create(tenant=heron, user=user, role=Role.CSM)
    with pytest.raises(members.MemberRefused, match="no member of the workspace"):
        members.deactivate_member(membership_id=stranger.pk, actor=actor, now=now)
    assert [row.membership.pk for row in members.members()] == [Membership.objects.get(tenant=in_kestrel).pk]
