"""A play on its page: anybody of the team can go on with it; starts by hand and in bulk; ramp and trace."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import Account, Person
from core import clock
from core.choices import Role
from core.models import Job, Tenant
from core.tenancy import tenant_context
from journeys.models import PlaybookRun, RunStep, Task
from tests.factories.plays import STEPS, account, member, play, publish_playbook, states, step, steps_of

SCRIPTED = [
    step("plan", 2, goal="A plan that both know", script="Ask what changed since spring.", template="Dear [name],",
         panel=["accounts.arr", "accounts.segment"]),
    *STEPS[1:],
]  # fmt: skip


@pytest.fixture
def team(kestrel: Tenant) -> Iterator[dict[str, Person]]:
    with tenant_context(kestrel.pk):
        yield {
            "owner": member(kestrel, Role.CSM, "Maya Lindqvist"),
            "other": member(kestrel, Role.CSM, "Tomás Ferreira"),
            "lead": member(kestrel, Role.CS_MANAGER, "Ines Roth"),
            "reader": member(kestrel, Role.LEADER, "Otto Lead"),
        }


def client(one: Person) -> Client:
    assert one.membership is not None
    found = Client()
    found.force_login(one.membership.user)
    return found


@pytest.fixture
def run(team: dict[str, Person]) -> PlaybookRun:
    publish_playbook(steps=SCRIPTED)
    return play(account(owner=team["owner"]), today=clock.now().date())


def url(run: PlaybookRun, act: str = "") -> str:
    return f"/plays/{run.pk}/{act}/" if act else f"/plays/{run.pk}/"


def act(one: Client, run: PlaybookRun, verb: str, **sent: object) -> None:
    assert one.post(url(run, verb), sent).status_code == 302


@pytest.mark.capability("W3")
def test_a_step_shows_all_that_it_takes(team: dict[str, Person], run: PlaybookRun) -> None:
    text = client(team["other"]).get(url(run)).content.decode()
    for words in (
        "A plan that both know",
        "Ask what changed since spring.",
        "Dear [name],",
        "Plan is on record",
        "Next",
    ):
        assert words in text
    assert "€12,000" in text
    assert "By hand" in text


@pytest.mark.capability("W3")
def test_another_member_than_the_owner_works_the_play_to_its_end(team: dict[str, Person], run: PlaybookRun) -> None:
    other = client(team["other"])
    for key in ("plan", "call", "report"):
        act(other, run, "done", step=steps_of(run)[key].pk, note=f"{key}: see mail", act="done")
    run.refresh_from_db()
    assert (run.state, set(states(run).values())) == ("finished", {"done"})
    assert {row.done_by_person_id for row in steps_of(run).values()} == {team["other"].pk}
    assert steps_of(run)["call"].note == "call: see mail"
    assert Task.objects.filter(state="open").count() == 0
    assert "Finished" in other.get(url(run)).content.decode()


@pytest.mark.capability("W3")
def test_reassigned_mid_run_nothing_is_lost(team: dict[str, Person], run: PlaybookRun) -> None:
    owner = client(team["owner"])
    act(owner, run, "done", step=steps_of(run)["plan"].pk, note="Plan agreed", act="helped")
    before = {key: (row.state, row.note, row.due_on) for key, row in steps_of(run).items()}
    act(client(team["lead"]), run, "reassign", person=team["other"].pk, reason="On leave")
    assert {key: (row.state, row.note, row.due_on) for key, row in steps_of(run).items()} == before
    assert steps_of(run)["plan"].unaided is False
    assert set(Task.objects.filter(state="open").values_list("assignee_id", flat=True)) == {team["other"].pk}
    assert "Plan agreed" in client(team["other"]).get(url(run)).content.decode()


def test_skip_take_back_give_and_stop(team: dict[str, Person], run: PlaybookRun) -> None:
    other = client(team["other"])
    plan = steps_of(run)["plan"].pk
    act(other, run, "skip", step=plan, reason="")
    assert states(run)["plan"] == "open"
    act(other, run, "skip", step=plan, reason="They know already")
    assert "Skipped" in other.get(url(run)).content.decode()
    act(other, run, "reopen", step=plan)
    assert states(run)["plan"] == "open"
    act(other, run, "reassign", step=plan, person=team["lead"].pk)
    assert steps_of(run)["plan"].assignee_id == team["lead"].pk
    act(other, run, "stop", reason="The customer left")
    text = other.get(url(run)).content.decode()
    assert ("The customer left" in text, "Not done" in text, 'num small">due ' in text) == (True, True, False)
    act(other, run, "done", step=plan)
    assert states(run)["plan"] != "done"


def test_late_and_done_late_are_said(team: dict[str, Person], run: PlaybookRun) -> None:
    today = clock.now().date()
    RunStep.objects.filter(run=run, key="plan").update(due_on=today - timedelta(days=3))
    one = client(team["other"])
    assert "Late" in one.get(url(run)).content.decode()
    act(one, run, "done", step=steps_of(run)["plan"].pk)
    assert "Done late" in one.get(url(run)).content.decode()


def test_readers_read_and_strangers_find_nothing(team: dict[str, Person], run: PlaybookRun, heron: Tenant) -> None:
    reader = client(team["reader"])
    text = reader.get(url(run)).content.decode()
    assert "Done with help" not in text
    assert reader.post(url(run, "done"), {"step": steps_of(run)["plan"].pk}).status_code == 403
    assert client(team["other"]).post(url(run, "done"), {"step": 10**15}).status_code == 404


def test_money_is_hidden_from_those_who_may_not_see_it(team: dict[str, Person], run: PlaybookRun) -> None:
    with tenant_context(team["owner"].tenant_id):
        support = member(team["owner"].tenant, Role.SUPPORT_AGENT, "Sam Support")
    text = client(support).get(url(run)).content.decode()
    assert "€12,000" not in text
    assert "Hidden" in text


@pytest.mark.capability("P2")
def test_a_guided_person_sees_every_open_script_and_the_ramp_counts_their_steps(
    team: dict[str, Person], run: PlaybookRun
) -> None:
    other = client(team["other"])
    lead = client(team["lead"])
    until = clock.now().date() + timedelta(days=30)
    assert other.post("/playbooks/ramp/guide/", {"person": team["other"].pk, "until": until}).status_code == 403
    lead.post("/playbooks/ramp/guide/", {"person": team["other"].pk, "until": until})
    assert "You are guided" in other.get(url(run)).content.decode()
    assert "You are guided" not in client(team["owner"]).get(url(run)).content.decode()
    act(other, run, "done", step=steps_of(run)["plan"].pk, act="done")
    act(other, run, "done", step=steps_of(run)["call"].pk, act="helped")
    text = lead.get("/playbooks/ramp/").content.decode()
    row = text[text.index("Tomás Ferreira") : text.index("</tr>", text.index("Tomás Ferreira"))]
    assert "1 of 2" in row
    lead.post("/playbooks/ramp/guide/", {"person": team["other"].pk, "until": ""})
    assert "You are guided" not in other.get(url(run)).content.decode()


def test_a_play_starts_from_the_account_page_once(team: dict[str, Person]) -> None:
    publish_playbook(requires={"fact": "accounts.segment", "op": "eq", "value": "small"})
    of = account(owner=team["owner"])
    one = client(team["other"])
    assert "Low usage" in one.get(f"/accounts/{of.pk}/plays/").content.decode()
    refused = one.post(f"/accounts/{of.pk}/plays/", {"playbook": "low_usage"})
    assert (refused.status_code, "Reason to start all the same" in refused.content.decode()) == (422, False)
    assert "these can start it: CS manager" in refused.content.decode()
    assert one.post(f"/accounts/{of.pk}/plays/", {"playbook": "low_usage", "waiver": "Mine"}).status_code == 422
    lead = client(team["lead"])
    refused = lead.post(f"/accounts/{of.pk}/plays/", {"playbook": "low_usage"})
    assert "Reason to start all the same" in refused.content.decode()
    begun = lead.post(f"/accounts/{of.pk}/plays/", {"playbook": "low_usage", "waiver": "Agreed with the lead"})
    assert begun.status_code == 302
    again = one.post(f"/accounts/{of.pk}/plays/", {"playbook": "low_usage", "waiver": "Once more"})
    assert "Open the play that runs" in again.content.decode()
    assert PlaybookRun.objects.count() == 1
    assert client(team["reader"]).post(f"/accounts/{of.pk}/plays/", {"playbook": "low_usage"}).status_code == 403
    assert "Low usage" in one.get(f"/accounts/{of.pk}/").content.decode()


def test_many_starts_are_one_job_however_often_it_is_pressed(team: dict[str, Person]) -> None:
    publish_playbook()
    ids = [account(f"Account {number}", owner=team["owner"]).pk for number in range(4)]
    one = client(team["other"])
    dialog = one.post("/accounts/start-plays/", {"account": ids})
    assert "Start a play for 4 accounts" in dialog.content.decode()
    sent = {"account": ",".join(map(str, ids)), "playbook": "low_usage", "key": "pressed", "act": "start"}
    for _ in range(2):
        assert one.post("/plays/start/", sent).status_code == 302
    job = Job.objects.get(kind="journeys.start_plays")
    Job.objects.filter(pk=job.pk).update(
        state="done", result={"asked": 4, "started": 3, "refused": [{"why": "It runs already.", "accounts": 1}]}
    )
    text = one.get(f"/playbooks/low_usage/plays/?job={job.pk}").content.decode()
    assert "of 4 accounts got a play" in text
    assert "It runs already." in text
    assert job.payload["accounts"] == ids


def test_more_accounts_than_start_at_once_are_refused_with_words(
    team: dict[str, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journeys.queries.play_lists.MOST_AT_ONCE", 2)
    publish_playbook()
    ids = ",".join(str(account(f"Account {number}", owner=team["other"]).pk) for number in range(3))
    sent = {"account": ids, "playbook": "low_usage", "key": "pressed", "act": "start"}
    refused = client(team["other"]).post("/plays/start/", sent)
    whole_list = client(team["other"]).post("/accounts/start-plays/", {"all": "1"})
    for answer in (refused, whole_list):
        assert answer.status_code == 422
        assert "3 accounts were chosen, and at most 2 start at once. Choose fewer." in answer.content.decode()
    assert not Job.objects.filter(kind="journeys.start_plays").exists()


def test_why_or_why_not_is_answered_condition_by_condition(team: dict[str, Person], run: PlaybookRun) -> None:
    one = client(team["other"])
    day = run.started_on.isoformat()
    text = one.get(f"/playbooks/why/?account={run.account_id}&playbook=low_usage&day={day}").content.decode()
    assert f"{run.version} started on" in text
    text = one.get("/playbooks/why/?account=Nobody&playbook=low_usage&day=2026-01-01").content.decode()
    assert "No account has this name or number." in text


@pytest.mark.capability("G4")
def test_an_account_that_changes_its_segment_keeps_its_variant_and_is_offered_the_other(
    team: dict[str, Person],
) -> None:
    variants = [
        {"key": "enterprise", "segments": ["enterprise"], "steps": STEPS},
        {"key": "standard", "steps": [step("mail", 2)]},
    ]
    publish_playbook(variants=variants)
    of = account(owner=team["owner"])
    run = play(of, today=clock.now().date())
    one = client(team["other"])
    assert "another segment now" not in one.get(url(run)).content.decode()
    Account.objects.filter(pk=of.pk).update(segment="small")
    assert "Go on by standard" in one.get(url(run)).content.decode()
    run.refresh_from_db()
    assert run.variant == "enterprise"
    act(one, run, "variant", variant="standard")
    run.refresh_from_db()
    assert run.variant == "standard"
