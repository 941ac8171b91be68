"""The pages of playbooks: list, editor, what a draft does to running plays, publishing and going back."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock, versioning
from core.actors import Actor
from core.choices import Role, VersionState
from core.models import AuditEntry, ProcessVersion, Tenant
from core.tenancy import tenant_context
from journeys.models import PlaybookRun
from journeys.queries.play_editor import draft_of
from tests.factories.playbook_editing import URL, begun, client_of, drafted, edit, new_condition
from tests.factories.plays import STEPS, account, dues, person, play, publish_playbook, step


@pytest.fixture
def admin(kestrel: Tenant) -> Client:
    return client_of(kestrel, Role.REVOPS_ADMIN)


@pytest.fixture
def live(kestrel: Tenant) -> Iterator[ProcessVersion]:
    with tenant_context(kestrel.pk):
        yield publish_playbook()


def steps() -> list[dict[str, Any]]:
    return list(drafted()["steps"])


def test_the_list_names_every_playbook_with_its_version_and_plays(kestrel: Tenant, admin: Client) -> None:
    assert "No playbook yet" in admin.get("/playbooks/").content.decode()
    with tenant_context(kestrel.pk):
        publish_playbook()
        play(account(owner=person()))
    text = admin.get("/playbooks/").content.decode()
    assert all(words in text for words in ("Low usage", "Adoption", "Live v1", "No play is over yet", "Nobody"))


def test_everybody_reads_and_only_configurers_change(kestrel: Tenant, live: ProcessVersion) -> None:
    csm = client_of(kestrel, Role.CSM)
    text = csm.get(URL).content.decode()
    assert "Done when: plan is on record" in text
    assert "Begin a draft" not in text
    assert [csm.post(f"{URL}{act}/").status_code for act in ("draft", "edit", "publish", "restore", "discard")] == [
        403
    ] * 5
    assert csm.get("/playbooks/none/").status_code == 404


@pytest.mark.capability("P4")
def test_an_edit_saves_the_draft_says_what_changes_and_leaves_the_live_version_alone(
    admin: Client, live: ProcessVersion
) -> None:
    draft = begun(admin)
    answer = edit(admin, draft.content_hash, days__call="3", script__call="Ask for ten minutes.\nListen.")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Was 7 d after step 1." in text
    assert "v1 to v2" in text
    assert steps()[1]["due"]["days"] == 3
    assert steps()[1]["script"] == "Ask for ten minutes.\nListen."
    live.refresh_from_db()
    assert live.definition["steps"] == STEPS


def test_saving_without_a_change_changes_nothing(admin: Client, live: ProcessVersion) -> None:
    draft = begun(admin)
    page = admin.get(f"{URL}?open=call").content.decode()
    assert 'name="days:call"' in page
    edit(
        admin, draft.content_hash, name="Low usage", title__call="Call", days__call="7", owner__call="account_owner",
        **{"from:call": "after step:plan", "done_when:call": "call is on record", "script:call": ""},
    )  # fmt: skip
    draft.refresh_from_db()
    assert draft.content_hash == live.content_hash
    assert "Same as v1." in admin.get(URL).content.decode()


def test_steps_are_added_moved_and_removed(admin: Client, live: ProcessVersion) -> None:
    begun(admin)
    edit(admin, act="add")
    assert [one["key"] for one in steps()] == ["plan", "call", "report", "step_4"]
    edit(admin, act="move:step_4:up")
    edit(admin, act="move:plan:2")
    assert [one["key"] for one in steps()] == ["call", "step_4", "plan", "report"]
    refused = edit(admin, act="remove:plan")
    assert refused.status_code == 422
    assert "is due after this step" in refused.content.decode()
    edit(admin, act="remove:report", **{"from:step_4": "after start"})
    assert [one["key"] for one in steps()] == ["call", "step_4", "plan"]


def test_variants_panel_and_branch_are_edited(admin: Client, live: ProcessVersion) -> None:
    begun(admin)
    edit(admin, act="panel-add:call", **{"panel_fact:call": "accounts.arr"})
    edit(admin, **new_condition("only_if.call", "accounts.arr", "gte", "1,000"))
    assert steps()[1]["panel"] == ["accounts.arr"]
    assert steps()[1]["only_if"] == {"fact": "accounts.arr", "op": "gte", "value": 100_000}
    bad = edit(admin, **{"cond:only_if.call:0:op": "gte", "cond:only_if.call:0:value": "much"})
    assert "This fact is a number" in bad.content.decode()
    edit(admin, act="variant-add", variant_segment="enterprise")
    found = draft_of("low_usage")
    assert found is not None
    assert [(one["key"], one.get("segments")) for one in found.definition["variants"]] == [
        ("enterprise", ["enterprise"]),
        ("standard", None),
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"days:call": "soon"}, "Write a whole number from 0 to 730."),
        ({"title:call": " "}, "Give the step a title"),
        ({"from:call": "after step:nobody"}, "no step has the key"),
        ({"from:plan": "after step:call"}, "wait for each other"),
        ({"owner:call": "somebody"}, "is unknown"),
        ({"panel_fact:call": "no.fact", "act": "panel-add:call"}, "unknown"),
    ],
)
def test_bad_input_comes_back_with_its_remedy_and_the_draft_stays(
    admin: Client, live: ProcessVersion, fields: dict[str, str], message: str
) -> None:
    draft = begun(admin)
    answer = edit(admin, draft.content_hash, **fields)
    assert answer.status_code == 422
    assert message in answer.content.decode()
    draft.refresh_from_db()
    assert draft.definition["steps"] == STEPS


def test_two_people_do_not_overwrite_each_other(admin: Client, live: ProcessVersion) -> None:
    draft = begun(admin)
    seen = draft.content_hash
    edit(admin, seen, days__call="3")
    answer = edit(admin, seen, days__call="5")
    assert answer.status_code == 409
    assert "Load the draft again" in answer.content.decode()
    assert steps()[1]["due"]["days"] == 3


@pytest.mark.capability("W3")
def test_a_step_without_a_done_criterion_fails_the_check_and_cannot_go_live(
    admin: Client, live: ProcessVersion
) -> None:
    begun(admin)
    edit(admin, **{"done_when:call": ""})
    text = admin.get(URL).content.decode()
    assert "No done criterion yet" in text
    assert "Missing at “Call”." in text
    answer = admin.post(f"{URL}publish/", {"reason": "Shorter", "running": "leave"})
    assert answer.status_code == 422
    assert "done_when" in answer.content.decode()
    assert draft_of("low_usage") is not None
    review = admin.post(f"{URL}review/", {"reason": "Shorter"})
    assert review.status_code == 422


@pytest.mark.capability("G4")
def test_running_plays_stay_on_their_version_unless_chosen(admin: Client, live: ProcessVersion) -> None:
    maya = person()
    stays, goes = (play(account(name, owner=maya), today=clock.now().date()) for name in ("Alder", "Birch"))
    begun(admin)
    edit(admin, days__report="30")
    preview = admin.get(f"{URL}preview/").content.decode()
    assert "Alder" in preview
    assert "Report" in preview
    answer = admin.post(f"{URL}publish/", {"reason": "More time", "running": "choose", "run": [str(goes.pk)]})
    assert answer.status_code == 302
    versions = dict(PlaybookRun.objects.values_list("pk", "version__number"))
    assert versions == {stays.pk: 1, goes.pk: 2}
    assert dues(goes)["report"] != dues(stays)["report"]


def test_plays_that_are_before_the_change_go_over_together(admin: Client, live: ProcessVersion) -> None:
    maya = person()
    run = play(account(owner=maya), today=clock.now().date())
    begun(admin)
    edit(admin, days__report="30")
    assert "1 of 1 has not passed step 3 yet" in admin.get(URL).content.decode()
    admin.post(f"{URL}publish/", {"reason": "More time", "running": "move"})
    run.refresh_from_db()
    assert run.version.number == 2


@pytest.mark.capability("P4")
def test_published_compared_and_restored(admin: Client, live: ProcessVersion) -> None:
    draft = begun(admin)
    edit(admin, draft.content_hash, days__report="30")
    assert admin.post(f"{URL}publish/", {"running": "leave"}).status_code == 422
    draft.refresh_from_db()
    admin.post(f"{URL}publish/", {"reason": "More time", "seen": draft.content_hash})
    text = admin.get(f"{URL}compare/?old=1&new=2").content.decode()
    assert "14 → 30" in text
    assert "14" in admin.get(f"{URL}restore/?number=1").content.decode()
    for seen in (1, 2, 2):  # of a page that was shown before, of this one, and pressed twice
        admin.post(f"{URL}restore/", {"number": "1", "act": "live", "reason": "Too slow", "seen": seen})
    now_live = ProcessVersion.objects.get(kind="playbook", key="low_usage", state=VersionState.PUBLISHED)
    assert (now_live.number, now_live.content_hash) == (3, live.content_hash)


def test_a_walk_through_dates_every_step_and_writes_nothing(kestrel: Tenant, admin: Client) -> None:
    with tenant_context(kestrel.pk):
        conditional = {"only_if": {"fact": "accounts.segment", "op": "eq", "value": "small"}}
        publish_playbook(steps=[*STEPS, step("gift", 1, **conditional)])
        account()
    url = f"{URL}walk/?start=2026-03-02&account=Brightwater&anchor="
    with tenant_context(kestrel.pk), CaptureQueriesContext(connection) as asked:
        text = admin.get(url).content.decode().replace("\xa0", " ")
    assert "4 Mar" in text  # two days after the Monday
    assert "11 Mar" in text  # seven days after that
    assert "Left out: Segment" in text
    written = [one["sql"][:60] for one in asked if one["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert [sql for sql in written if "django_session" not in sql] == []


def test_a_new_playbook_begins_like_another_or_empty(admin: Client, live: ProcessVersion) -> None:
    sent = {"name": "Quiet sponsor", "key": "quiet_sponsor", "like": "low_usage"}
    assert admin.post("/playbooks/new/", sent).status_code == 302
    assert admin.get("/playbooks/quiet_sponsor/").status_code == 200
    assert "is taken" in admin.post("/playbooks/new/", sent).content.decode()
    assert admin.post("/playbooks/new/", {**sent, "key": "Über"}).status_code == 422
    assert admin.post("/playbooks/new/", {**sent, "key": "ramp"}).status_code == 422
    admin.post("/playbooks/new/", {"name": "Bare", "key": "bare", "like": ""})
    assert draft_of("bare") is not None


def test_the_pages_ask_as_often_with_many_plays_as_with_few(admin: Client, live: ProcessVersion) -> None:
    maya = person()
    today = clock.now().date()

    def counted() -> list[int]:
        found = []
        for url in ("/playbooks/", URL, f"{URL}preview/", f"{URL}plays/", f"/plays/{first.pk}/"):
            admin.get(url)
            with CaptureQueriesContext(connection) as asked:
                assert admin.get(url).status_code == 200
            found.append(len(asked))
        return found

    first = play(account("First", owner=maya), today=today)
    begun(admin)
    edit(admin, days__report="30")
    few = counted()
    for number in range(12):
        play(account(f"Account {number}", owner=maya), today=today)
    assert counted() == few
    assert max(few) <= 20


def test_the_list_of_plays_is_paged_by_key(
    admin: Client, live: ProcessVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journeys.queries.play_lists.PAGE", 2)
    maya = person()
    for number in range(5):
        play(account(f"Account {number}", owner=maya))
    seen, after = [], ""
    for _ in range(3):
        answer = admin.get(f"{URL}plays/?after={after}")
        seen += [run.pk for run in answer.context["found"].runs]
        after = answer.context["found"].next
    assert seen == sorted(seen, reverse=True)
    assert (len(set(seen)), after) == (5, "")


def test_what_was_found_in_a_review_is_kept(admin: Client, live: ProcessVersion) -> None:
    admin.post(f"{URL}reviewed/", {"reason": "The call works, the report does not."})
    assert AuditEntry.objects.filter(verb="reviewed playbook", subject_id=live.pk).count() == 1


def test_a_version_is_restored_over_somebody_elses_draft_only_by_who_saw_it_and_never_over_one_in_review(
    admin: Client, live: ProcessVersion, actor: Actor
) -> None:
    draft = versioning.draft(
        kind="playbook", key="low_usage", name="Theirs", definition=live.definition, actor=actor, now=clock.now()
    )

    def restored(over: str = "") -> tuple[str, int]:
        said = admin.post(f"{URL}restore/", {"number": "1", "act": "draft", "over": over}, follow=True)
        found = draft_of("low_usage")
        assert found is not None
        return said.content.decode(), found.number

    text, number = restored()
    assert (number, "Draft v2 by test is there." in text) == (2, True)
    text, number = restored("0" * 64)
    assert (number, "Draft v2 by test was changed since you looked." in text) == (2, True)
    shown = admin.get(f"{URL}restore/?number=1").content.decode()
    assert (f'name="over" value="{draft.content_hash}"' in shown, "As a draft instead of v2" in shown) == (True, True)
    ProcessVersion.objects.filter(pk=draft.pk).update(state=VersionState.IN_REVIEW)
    text, number = restored(draft.content_hash)
    assert (number, "Draft v2 by test is in review." in text) == (2, True)
    shown = admin.get(f"{URL}restore/?number=1").content.decode()
    assert ("Draft v2 by test is in review." in shown, 'value="draft"' in shown) == (True, False)
    draft.refresh_from_db()
    assert draft.state == VersionState.IN_REVIEW
    ProcessVersion.objects.filter(pk=draft.pk).update(state=VersionState.DRAFT)
    assert restored(draft.content_hash)[1] == 3
