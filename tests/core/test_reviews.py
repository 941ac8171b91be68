"""Review of drafts: a second person's yes to exactly one content, and what goes without it."""

from datetime import datetime

import pytest

from core import drafts, members, registry, reviews, versioning
from core.actions import add_member
from core.actors import Actor
from core.choices import Role, VersionState
from core.models import AuditEntry, Membership, Notification, ProcessVersion, Tenant
from core.registry import ProcessKind


def _parse(definition: dict[str, object]) -> None:
    if "steps" not in definition:
        raise ValueError("steps: missing. Add a list of steps.")


def _unfit(definition: dict[str, object]) -> None:
    if definition["steps"] == 13:
        raise ValueError("steps: 13 is for drafts only. Take another number.")


if "test.reviewed" not in {kind.kind for kind in registry.process_kinds()}:
    registry.add_process_kind(ProcessKind("test.reviewed", "Reviewed process", _parse, publish_check=_unfit))


def admin(tenant: Tenant, name: str, email: str, now: datetime, role: Role = Role.REVOPS_ADMIN) -> Actor:
    member = add_member(
        tenant=tenant, email=email, name=name, role=role, password=None, actor=Actor.system("test"), now=now
    )
    return Actor.person(Membership.objects.select_related("user").get(pk=member.pk))


@pytest.fixture
def ada(in_kestrel: Tenant, now: datetime) -> Actor:
    return admin(in_kestrel, "Ada", "ada@kestrel.example", now)


@pytest.fixture
def ben(in_kestrel: Tenant, now: datetime) -> Actor:
    return admin(in_kestrel, "Ben", "ben@kestrel.example", now)


@pytest.fixture
def strict(ada: Actor, ben: Actor, now: datetime) -> None:
    """The workspace asks for a second person."""
    reviews.need_approval(needed=True, actor=ada, now=now)


def drafted(actor: Actor, now: datetime, steps: int = 1) -> ProcessVersion:
    return versioning.draft(
        kind="test.reviewed", key="r", name="Process", definition={"steps": steps}, actor=actor, now=now
    )


def asked(actor: Actor, now: datetime, steps: int = 1) -> ProcessVersion:
    return reviews.ask_for_review(version=drafted(actor, now, steps), actor=actor, now=now, reason="Fewer steps")


@pytest.mark.capability("P4")
def test_draft_review_approval_live(strict: None, ada: Actor, ben: Actor, now: datetime) -> None:
    version = asked(ada, now)
    assert (version.state, version.review_asked_by, version.review_reason) == ("in_review", "Ada", "Fewer steps")
    reviews.approve(version=version, actor=ben, now=now, seen_hash=version.content_hash)
    live = versioning.publish(version=version, actor=ada, now=now, reason="go")
    live.refresh_from_db()
    assert (live.state, live.approved_by, live.approved_at, live.waived_by) == ("published", "Ben", now, "")
    assert list(AuditEntry.objects.order_by("pk").values_list("verb", flat=True))[-4:] == [
        "drafted", "asked for review", "approved", "published",
    ]  # fmt: skip


def test_nothing_goes_live_without_a_second_person(strict: None, ada: Actor, ben: Actor, now: datetime) -> None:
    version = drafted(ada, now)
    for _ in range(2):  # as a draft, then in review and not approved yet
        with pytest.raises(versioning.PublishRefused, match="nobody else has approved") as refused:
            versioning.publish(version=version, actor=ben, now=now, reason="go", waiver="I insist.")
        assert refused.value.waivable is False
        if version.state == VersionState.DRAFT:
            reviews.ask_for_review(version=version, actor=ada, now=now, reason="why")
    assert ProcessVersion.objects.filter(kind="test.reviewed", state="published").count() == 0


def test_who_asked_does_not_approve_even_under_another_name(strict: None, ada: Actor, now: datetime) -> None:
    version = asked(ada, now)
    renamed = Actor("Somebody else", ada.membership_id)
    for actor in (ada, renamed):
        with pytest.raises(reviews.ReviewRefused, match="Somebody else approves it"):
            reviews.approve(version=version, actor=actor, now=now)


def test_two_people_of_the_same_name_are_two_people(in_kestrel: Tenant, ada: Actor, now: datetime) -> None:
    namesake = admin(in_kestrel, "Ada", "ada.other@kestrel.example", now)
    assert reviews.approve(version=asked(ada, now), actor=namesake, now=now).approved_by == "Ada"


def test_a_program_or_a_role_without_the_right_does_not_approve(
    in_kestrel: Tenant, ada: Actor, ben: Actor, now: datetime
) -> None:
    version = asked(ada, now)
    with pytest.raises(reviews.ReviewRefused, match="given by a person"):
        reviews.approve(version=version, actor=Actor.system("process"), now=now)
    with pytest.raises(reviews.ReviewRefused, match="Csm may not approve"):
        reviews.approve(version=version, actor=admin(in_kestrel, "Csm", "c@k.example", now, Role.CSM), now=now)


def test_what_is_in_review_changes_only_once_it_is_taken_back(
    strict: None, ada: Actor, ben: Actor, now: datetime
) -> None:
    version = reviews.approve(version=asked(ada, now), actor=ben, now=now)
    for change in (versioning.save_draft, drafts.rewrite):
        with pytest.raises(versioning.InReview, match=r"^Process v1 is in review, as Ada asked\. Take it back first"):
            change(version=version, definition={"steps": 2}, name="Process", actor=ben, now=now)
    version.refresh_from_db()
    assert (version.state, version.approved_by, version.definition) == ("in_review", "Ben", {"steps": 1})
    changed = drafts.rewrite(
        version=version, definition={"steps": 2}, name="Process", actor=ben, now=now, take_back=True,
        seen_hash=version.content_hash,
    )  # fmt: skip
    assert (changed.state, changed.approved_by, changed.review_asked_by) == ("draft", "", "")
    assert list(AuditEntry.objects.order_by("pk").values_list("verb", flat=True))[-2:] == [
        "took back from review", "edited draft",
    ]  # fmt: skip
    assert ProcessVersion.objects.filter(kind="test.reviewed").count() == 1
    told = Notification.objects.filter(membership_id=ada.membership_id or 0).order_by("pk").last()
    assert told is not None
    assert told.text == "Ben took Process v1 back from review."
    with pytest.raises(versioning.PublishRefused):
        versioning.publish(version=version, actor=ada, now=now, reason="go")


def test_approving_something_else_than_was_seen_is_refused(ada: Actor, ben: Actor, now: datetime) -> None:
    with pytest.raises(versioning.DraftMoved):
        reviews.approve(version=asked(ada, now), actor=ben, now=now, seen_hash="0" * 64)


def test_review_stays_closed_for_what_could_never_be_live(ada: Actor, now: datetime) -> None:
    with pytest.raises(versioning.PublishRefused, match="13 is for drafts only"):
        asked(ada, now, 13)
    with pytest.raises(reviews.ReviewRefused, match="say what the change is for"):
        reviews.ask_for_review(version=drafted(ada, now), actor=ada, now=now, reason="  ")


def test_what_is_sent_back_carries_its_note_to_who_asked(ada: Actor, ben: Actor, now: datetime) -> None:
    version = reviews.send_back(version=asked(ada, now), actor=ben, now=now, note="Name the owner of step 2")
    version.refresh_from_db()
    note = reviews.last_note(version)
    assert note is not None
    assert (version.state, note.actor_label, note.reason) == ("draft", "Ben", "Name the owner of step 2")
    told = Notification.objects.get(membership_id=ada.membership_id or 0)
    assert told.text == "Ben sent Process v1 back: Name the owner of step 2"
    assert told.url == "/processes/test.reviewed/r/"
    versioning.save_draft(version=version, definition={"steps": 2}, name="Process", actor=ada, now=now)
    assert reviews.last_note(version) is None


def test_asking_tells_everybody_else_who_could_approve(ada: Actor, ben: Actor, now: datetime) -> None:
    asked(ada, now)
    told = Notification.objects.filter(kind="process_review").values_list("membership_id", "text")
    assert list(told) == [(ben.membership_id, "Ada asks for a review of Process v1.")]


def test_a_review_is_taken_back_once(ada: Actor, ben: Actor, now: datetime) -> None:
    version = reviews.take_back(version=asked(ada, now), actor=ada, now=now)
    assert version.state == "draft"
    for step in (
        lambda: reviews.take_back(version=version, actor=ada, now=now),
        lambda: reviews.approve(version=version, actor=ben, now=now),
        lambda: reviews.send_back(version=version, actor=ben, now=now, note="x"),
    ):
        with pytest.raises(reviews.ReviewRefused, match="is not in review"):
            step()


@pytest.mark.capability("P4")
def test_a_roll_back_and_a_default_need_nobody_and_say_so(strict: None, ada: Actor, ben: Actor, now: datetime) -> None:
    default = versioning.ensure_published(
        kind="test.reviewed", key="d", name="D", definition={"steps": 1}, actor=ada, now=now
    )
    assert (default.state, default.waiver_reason) == ("published", "Default of a new workspace.")
    for steps in (1, 2):
        version = reviews.approve(version=asked(ada, now, steps), actor=ben, now=now)
        versioning.publish(version=version, actor=ada, now=now, reason="go")
    back = versioning.rollback(kind="test.reviewed", key="r", actor=ada, now=now, reason="It was worse")
    assert (back.definition, back.waived_by, back.waiver_reason) == ({"steps": 1}, "Ada", "It was worse")


def test_approval_is_not_asked_for_where_only_one_could_give_it(in_kestrel: Tenant, ada: Actor, now: datetime) -> None:
    with pytest.raises(reviews.NobodyElse, match="Give a second one the role RevOps admin first"):
        reviews.need_approval(needed=True, actor=ada, now=now)
    admin(in_kestrel, "Ben", "ben@kestrel.example", now)
    assert reviews.need_approval(needed=True, actor=ada, now=now).needs_approval is True
    with pytest.raises(reviews.ReviewRefused, match="say why"):
        reviews.need_approval(needed=False, actor=ada, now=now, reason=" ")
    assert reviews.need_approval(needed=False, actor=ada, now=now, reason="Alone").needs_approval is False


def test_switching_approval_off_is_told_to_everybody_else_who_may_approve(
    strict: None, in_kestrel: Tenant, ada: Actor, ben: Actor, now: datetime
) -> None:
    admin(in_kestrel, "Csm", "csm@kestrel.example", now, Role.CSM)
    for _ in range(2):
        reviews.need_approval(needed=False, actor=ada, now=now, reason="In a hurry")
    told = Notification.objects.values_list("membership_id", "text")
    assert list(told) == [(ben.membership_id, "Ada switched approval off: In a hurry")]
    assert AuditEntry.objects.get(verb="changed approval", reason="In a hurry").actor_label == "Ada"


def test_who_wrote_it_last_does_not_approve_it(strict: None, ada: Actor, ben: Actor, now: datetime) -> None:
    version = drafted(ben, now)
    reviews.ask_for_review(version=version, actor=ada, now=now, reason="For Ben")
    with pytest.raises(reviews.ReviewRefused, match="You wrote what stands there"):
        reviews.approve(version=version, actor=ben, now=now)
    version = drafted(ada, now, 2)
    versioning.save_draft(version=version, definition={"steps": 3}, name="Process", actor=ben, now=now)
    reviews.ask_for_review(version=version, actor=ada, now=now, reason="Ben changed it")
    with pytest.raises(reviews.ReviewRefused, match="You wrote what stands there"):
        reviews.approve(version=version, actor=ben, now=now)


def test_a_program_asks_for_no_review(ada: Actor, now: datetime) -> None:
    with pytest.raises(reviews.ReviewRefused, match="asked for by a person"):
        reviews.ask_for_review(version=drafted(ada, now), actor=Actor.system("x"), now=now, reason="why")


@pytest.mark.capability("P4")
def test_only_one_step_back_goes_without_a_second_person(strict: None, ada: Actor, ben: Actor, now: datetime) -> None:
    for steps in (1, 2, 3):
        version = reviews.approve(version=asked(ada, now, steps), actor=ben, now=now)
        versioning.publish(version=version, actor=ada, now=now, reason="go")

    def back(to: int | None = None) -> ProcessVersion:
        return versioning.rollback(kind="test.reviewed", key="r", actor=ada, now=now, reason="Worse", to=to)

    with pytest.raises(versioning.PublishRefused, match="v1 is further back") as refused:
        back(1)
    assert refused.value.waivable is False
    assert back(2).definition == {"steps": 2}
    for to in (None, 1, 3):  # going on from there is no step back any more
        with pytest.raises(versioning.PublishRefused, match="further back"):
            back(to)
    reviews.need_approval(needed=False, actor=ada, now=now, reason="Alone")
    assert back(1).definition == {"steps": 1}


def test_the_last_two_who_approve_stay(
    strict: None, in_kestrel: Tenant, ada: Actor, ben: Actor, actor: Actor, now: datetime
) -> None:
    ben_id = ben.membership_id or 0
    for act in (
        lambda: members.change_role(membership_id=ben_id, role=Role.CSM, actor=actor, now=now),
        lambda: members.deactivate_member(membership_id=ben_id, actor=actor, now=now),
        lambda: add_member(
            tenant=in_kestrel, email=Membership.objects.get(pk=ben_id).user.email, name="Ben", role=Role.CSM,
            password=None, actor=actor, now=now,
        ),
    ):  # fmt: skip
        with pytest.raises(members.MemberRefused, match="one of two who approve processes"):
            act()
    admin(in_kestrel, "Third", "third@kestrel.example", now)
    assert members.change_role(membership_id=ben_id, role=Role.CSM, actor=actor, now=now).role == "csm"
