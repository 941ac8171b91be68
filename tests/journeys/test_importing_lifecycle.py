"""Lifecycle columns of imports: HubSpot's eight words, forward only, every stay kept."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import Account, Contact
from core import versioning
from core.actions import create_tenant
from core.actors import Actor
from core.models import ProcessVersion, Tenant
from core.tenancy import tenant_context
from journeys.actions import stages as stages_of
from journeys.actions.contacts import move_contact
from journeys.actions.leaving import leave_journey
from journeys.actions.moves import GateShut, ReasonNeeded
from journeys.actions.stages import move_account_stage
from journeys.models import ContactStageVisit, StageVisit
from journeys.tasks import hourly_lifecycle, place_accounts
from tests.factories import gates

pytestmark = pytest.mark.django_db
WORDS = (
    "Subscriber", "Lead", "Marketing Qualified Lead", "Sales Qualified Lead", "Opportunity", "Customer", "Evangelist",
    "Other",
)  # fmt: skip
KEYS = (
    "subscriber", "lead", "marketing_qualified_lead", "sales_qualified_lead", "opportunity", "customer", "evangelist",
    "other",
)  # fmt: skip
HEAD = "Record ID,First Name,Last Name,Email,Company name,Lifecycle Stage\n"


@pytest.fixture
def tenant(db: None, actor: Actor, now: Any) -> Tenant:
    made = create_tenant(slug="hub", name="Hub", currency="EUR", timezone="UTC", actor=actor, now=now)
    with tenant_context(made.pk):
        Account.objects.create(name="Brightwater", name_key="brightwater")
    return made


def load(tmp_path: Path, kind: str, text: str, *more: str) -> dict[str, Any]:
    file = tmp_path / f"{kind}.csv"
    file.write_text(text)
    out = StringIO()
    call_command(
        "import_data", kind, str(file), "--tenant", "hub", "--as-of", "2026-03-02", *more, "--json", stdout=out
    )
    printed: dict[str, Any] = json.loads(out.getvalue())
    return printed


def people(*words: str) -> str:
    return HEAD + "".join(
        f"{n},Ann,No{n},ann{n}@bright.example,Brightwater,{word}\n" for n, word in enumerate(words, start=1)
    )


def warned(report: dict[str, Any]) -> dict[str, int]:
    return {warning["code"]: warning["count"] for warning in report["warnings"]}


def stages() -> list[str]:
    return list(Contact.objects.order_by("external_id").values_list("lifecycle_stage", flat=True))


@pytest.mark.capability("J5")
@pytest.mark.parametrize("written", [WORDS, tuple(word.replace(" ", "").lower() for word in WORDS)])
def test_all_eight_words_of_hubspot_become_stages_and_other_is_kept(
    tenant: Tenant, tmp_path: Path, written: tuple[str, ...]
) -> None:
    done = load(tmp_path, "contacts", people(*written))
    assert (done["created"], done["rejected"], warned(done)) == (8, 0, {})
    with tenant_context(tenant.pk):
        assert tuple(stages()) == KEYS
        open_stays = ContactStageVisit.objects.filter(left_on=None).order_by("contact__external_id")
        assert tuple(open_stays.values_list("stage__key", flat=True)) == KEYS


@pytest.mark.capability("J5")
def test_a_step_back_is_refused_counted_and_the_stay_kept(tenant: Tenant, tmp_path: Path) -> None:
    load(tmp_path, "contacts", people("Customer", "Lead", "Evangelist"))
    dry = load(tmp_path, "contacts", people("Lead", "Opportunity", "Subscriber"), "--dry-run")
    assert warned(dry) == {"lifecycle_backward": 2}
    done = load(tmp_path, "contacts", people("Lead", "Opportunity", "Subscriber"))
    assert (done["updated"], done["unchanged"], done["rejected"]) == (1, 2, 0)
    assert warned(done) == {"lifecycle_backward": 2}
    with tenant_context(tenant.pk):
        assert stages() == ["customer", "opportunity", "evangelist"]
        stays = ContactStageVisit.objects.filter(contact__external_id="2").order_by("pk")
        assert [(one.stage.key, one.left_on is None) for one in stays.select_related("stage")] == [
            ("lead", False), ("opportunity", True),
        ]  # fmt: skip
        assert ContactStageVisit.objects.count() == 4


def test_one_who_is_other_comes_back_anywhere_and_unknown_words_are_kept(tenant: Tenant, tmp_path: Path) -> None:
    load(tmp_path, "contacts", people("Other", "Customer", "Pen pal"))
    done = load(tmp_path, "contacts", people("Lead", "Pen pal", "Pen pal"))
    assert warned(done) == {"lifecycle_unknown": 2}
    with tenant_context(tenant.pk):
        assert stages() == ["lead", "customer", "Pen pal"]
    again = load(tmp_path, "contacts", people("Lead", "Pen pal", "Pen pal"))
    assert (again["created"], again["updated"]) == (0, 0)


@pytest.mark.capability("J5")
def test_a_person_moves_a_contact_back_only_with_a_reason(
    tenant: Tenant, tmp_path: Path, actor: Actor, now: Any
) -> None:
    load(tmp_path, "contacts", people("Customer"))
    with tenant_context(tenant.pk):
        one = Contact.objects.get(external_id="1")
        with pytest.raises(ReasonNeeded):
            move_contact(contact_id=one.pk, stage_key="lead", actor=actor, today=now.date(), now=now)
        visit = move_contact(
            contact_id=one.pk, stage_key="lead", actor=actor, today=now.date(), now=now, reason="Left the customer"
        )
        assert (visit.stage.key, visit.reason) == ("lead", "Left the customer")
        assert ContactStageVisit.objects.filter(contact=one).count() == 2


@pytest.mark.capability("J5")
def test_criteria_of_the_contacts_journey_hold_for_a_person_and_evidence_is_refused_there(
    tenant: Tenant, tmp_path: Path, actor: Actor, now: Any
) -> None:
    load(tmp_path, "contacts", people("Lead"))
    with tenant_context(tenant.pk):
        one = Contact.objects.get(external_id="1")
        live = ProcessVersion.objects.get(kind="journey", key="contacts", state="published")

        def publish(criterion: dict[str, Any]) -> None:
            stages = [{**stage} for stage in live.definition["stages"]]
            next(stage for stage in stages if stage["key"] == "customer")["entry"] = [criterion]
            draft = versioning.draft(
                kind="journey", key="contacts", name="Contacts", definition={**live.definition, "stages": stages},
                actor=actor, now=now,
            )  # fmt: skip
            versioning.publish(version=draft, actor=actor, now=now, reason="Customers are customers")

        with pytest.raises(ValueError, match="Give it a rule over the facts of their account"):
            publish({"key": "signed", "name": "Signed", "evidence": True})
        publish({"key": "known", "name": "Size known", "rule": {"fact": "accounts.employees", "op": "gte", "value": 1}})
        with pytest.raises(GateShut, match="Missing: Size known"):
            move_contact(contact_id=one.pk, stage_key="customer", actor=actor, today=now.date(), now=now)
        assert ContactStageVisit.objects.get(contact=one).stage.key == "lead"
        Account.objects.filter(pk=one.account_id).update(employees=12)
        moved = move_contact(contact_id=one.pk, stage_key="customer", actor=actor, today=now.date(), now=now)
        assert moved.stage.key == "customer"


COMPANIES = "Record ID,Company name,Lifecycle Stage\n"


def companies(*words: str) -> str:
    return COMPANIES + "".join(f"{n},Company {n},{word}\n" for n, word in enumerate(words, start=1))


def place(tenant: Tenant) -> int:
    """What the worker does with the changed accounts after an import."""
    placed: int = place_accounts(tenant_id=tenant.pk)
    return placed


def standing(tenant: Tenant) -> list[tuple[str, str]]:
    with tenant_context(tenant.pk):
        stays = StageVisit.objects.filter(left_on=None).exclude(account__external_id="")
        return list(stays.order_by("account__external_id").values_list("account__external_id", "stage__key"))


@pytest.mark.capability("J5")
def test_companies_take_all_eight_words_and_get_a_first_stage(tenant: Tenant, tmp_path: Path) -> None:
    done = load(tmp_path, "accounts", companies(*WORDS))
    assert (done["created"], done["rejected"], warned(done)) == (8, 0, {})
    with tenant_context(tenant.pk):
        rows = Account.objects.exclude(external_id="").order_by("external_id")
        assert list(rows.values_list("status", flat=True)) == [*["prospect"] * 5, "customer", "customer", "prospect"]
        assert rows.get(external_id="8").attributes["lifecycle_stage"] == "Other"
    by_word = [
        ("1", "awareness"), ("2", "awareness"), ("3", "consideration"), ("4", "consideration"), ("5", "decision"),
        ("7", "advocacy"),
    ]  # fmt: skip
    # Customer and Other place nobody themselves: those begin by their status.
    assert standing(tenant) == by_word
    assert place(tenant) == 2
    everybody = sorted([*by_word, ("6", "adoption"), ("8", "consideration")])
    assert standing(tenant) == everybody
    with tenant_context(tenant.pk):
        stays = StageVisit.objects.filter(account__external_id__in=["6", "8"])
        assert set(stays.values_list("reason", "is_start_known")) == {
            ("First stage by status", False),
            ("First stage by status", True),  # the prospect: it was made today
        }
    again = load(tmp_path, "accounts", companies(*["Other"] * 8))
    assert (again["rejected"], warned(again), place(tenant)) == (0, {}, 0)
    assert standing(tenant) == everybody


@pytest.mark.capability("J5")
def test_companies_go_on_through_the_gates_and_never_back(tenant: Tenant, tmp_path: Path) -> None:
    load(tmp_path, "accounts", companies("Opportunity", "Lead", "Customer"))
    done = load(tmp_path, "accounts", companies("Lead", "Opportunity", "Opportunity"))
    assert warned(done) == {"lifecycle_backward": 1, "lifecycle_gate_shut": 1, "lifecycle_status": 1}
    with tenant_context(tenant.pk):
        stays = StageVisit.objects.filter(left_on=None).order_by("account__external_id")
        assert list(stays.values_list("account__external_id", "stage__key")) == [("1", "decision"), ("2", "awareness")]
        assert Account.objects.get(external_id="3").status == "customer"


HEAD_WITH_STATUS = "Record ID,Company name,Status,Lifecycle Stage\n"


def both(*rows: tuple[str, str]) -> str:
    """Companies with a status and a word of the journey."""
    return HEAD_WITH_STATUS + "".join(f"{n},Company {n},{one},{word}\n" for n, (one, word) in enumerate(rows, start=1))


@pytest.mark.capability("J5")
def test_the_name_of_a_stage_is_followed_and_what_is_not_followed_is_counted(tenant: Tenant, tmp_path: Path) -> None:
    rows = (
        ("customer", "Onboarding"), ("customer", "Customer"), ("customer", "Lead"), ("customer", "Evangelist"),
        ("prospect", "Opportunity"), ("customer", "Decision"), ("churned", "Renewal"),
    )  # fmt: skip
    done = load(tmp_path, "accounts", both(*rows))
    assert warned(done) == {"lifecycle_churned": 1, "lifecycle_status": 1}
    place(tenant)
    assert standing(tenant) == [
        ("1", "onboarding"), ("2", "adoption"), ("3", "adoption"), ("4", "advocacy"), ("5", "decision"),
        ("6", "decision"),
    ]  # fmt: skip
    with tenant_context(tenant.pk):
        live = ProcessVersion.objects.get(kind="journey", key="standard", state="published")
        assert set(StageVisit.objects.values_list("version_id", flat=True)) == {live.pk}


def ours(tenant: Tenant, *stages: dict[str, Any]) -> None:
    """A journey of its own, in a workspace where nothing else speaks of the stages of the usual one."""
    with tenant_context(tenant.pk):
        ProcessVersion.objects.filter(kind__in=["lead_grading", "playbook"]).update(state="retired")
        gates.publish({"stages": list(stages), "handoffs": []}, kind="journey", key="standard", name="Ours")


@pytest.mark.capability("J5")
def test_a_journey_of_other_stages_says_itself_where_accounts_begin(tenant: Tenant, tmp_path: Path) -> None:
    trial, live = {"key": "trial", "name": "Trial"}, {"key": "live", "name": "Live"}
    ours(tenant, trial, live)
    load(tmp_path, "accounts", both(("customer", ""), ("prospect", ""), ("customer", "Trial")))
    place(tenant)
    assert standing(tenant) == [("3", "trial")]
    ours(tenant, trial | {"first_for": ["prospect"]}, live | {"first_for": ["customer"]})
    load(tmp_path, "accounts", both(("customer", ""), ("prospect", ""), ("customer", "Trial"), ("customer", "")))
    with tenant_context(tenant.pk):
        assert place_all(tenant) == 4  # Brightwater, too
    assert standing(tenant) == [("1", "live"), ("2", "trial"), ("3", "trial"), ("4", "live")]


def place_all(tenant: Tenant) -> int:
    return stages_of.place_accounts(today=gates.TODAY, now=gates.NOW, actor=gates.ACTOR)


def churn(tenant: Tenant, actor: Actor, now: Any) -> None:
    """An account that stood in Adoption, has churned, and left the journey with the sweep."""
    with tenant_context(tenant.pk):
        made = Account.objects.create(name="Company 1", name_key="company 1", external_id="1", status="customer")
        place_all(tenant)
        Account.objects.filter(pk=made.pk).update(status="churned")
    hourly_lifecycle(tenant_id=tenant.pk)
    assert standing(tenant) == []


@pytest.mark.capability("J5")
@pytest.mark.parametrize(("word", "stage"), [("Renewal", "adoption"), ("Onboarding", "onboarding"), ("", "adoption")])
def test_who_churned_and_is_a_customer_again_by_file_stands_in_the_journey_again(
    tenant: Tenant, tmp_path: Path, actor: Actor, now: Any, word: str, stage: str
) -> None:
    churn(tenant, actor, now)
    done = load(tmp_path, "accounts", both(("customer", word)))
    # Adoption asks for evidence that nobody gave: Renewal stays shut, and it begins by its status.
    assert warned(done) == ({"lifecycle_gate_shut": 1} if word == "Renewal" else {})
    place(tenant)
    assert standing(tenant) == [("1", stage)]
    with tenant_context(tenant.pk):
        stays = StageVisit.objects.filter(account__external_id="1").order_by("pk")
        assert [(one.is_start_known, one.left_on is None) for one in stays] == [(False, False), (True, True)]


def test_who_left_for_another_reason_stays_out_and_is_counted(
    tenant: Tenant, tmp_path: Path, actor: Actor, now: Any
) -> None:
    with tenant_context(tenant.pk):
        made = Account.objects.create(name="Company 1", name_key="company 1", external_id="1", status="prospect")
        move_account_stage(account_id=made.pk, stage_key="decision", actor=actor, today=now.date(), now=now)
        leave_journey(account_ids=[made.pk], reason="No budget", actor=actor, today=now.date(), now=now)
    done = load(tmp_path, "accounts", both(("prospect", "Opportunity")))
    assert warned(done) == {"lifecycle_left": 1}
    place(tenant)
    assert standing(tenant) == []
