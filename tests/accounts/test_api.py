"""Accounts and facts by API: the rules of the import, and every refused row with its reason."""

from typing import Any

import pytest

from accounts.models import Account, Activity, Outcome, Person, Signal, Ticket
from core.choices import Role
from core.models import Tenant
from core.tenancy import tenant_context
from tests.factories.api import Program, make_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def program(kestrel: Tenant) -> Program:
    return make_key(kestrel)[1]


@pytest.fixture
def brightwater(kestrel: Tenant) -> Account:
    with tenant_context(kestrel.pk):
        return Account.objects.create(name="Brightwater", name_key="brightwater", external_id="B1")


def send(program: Program, kind: str, *rows: dict[str, Any], **body: Any) -> dict[str, Any]:
    response = program.send("post", f"/api/v1/{kind}/", {"rows": list(rows), **body})
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()
    return found


@pytest.mark.usefixtures("brightwater")
def test_good_rows_are_kept_and_bad_ones_told_with_their_place_and_reason(kestrel: Tenant, program: Program) -> None:
    done = send(
        program,
        "signals",
        {"account": "B1", "date": "2026-03-01", "csat": 4.5, "plan_type": "gold"},
        {"account": "Nobody", "date": "2026-03-01", "csat": 4.5},
        {"account": "B1", "date": "3/4/2026", "csat": 4.5},
        {"account": "B1", "date": None, "csat": 1},
        {"account": "B1", "date": "2026-03-02", "csat": 5},
    )
    assert (done["read"], done["created"], done["rejected"]) == (5, 2, 3)
    assert [(row["index"], row["code"]) for row in done["rows"]] == [
        (1, "unknown_account"),
        (2, "bad_date"),
        (3, "missing_day"),
    ]
    assert "create_accounts" in done["rows"][0]["reason"]
    with tenant_context(kestrel.pk):
        stored = Signal.objects.order_by("day", "measure__key").values_list("measure__key", "value", "category")
        assert list(stored) == [("csat", 4.5, ""), ("plan_type", None, "gold"), ("csat", 5.0, "")]


@pytest.mark.usefixtures("brightwater")
def test_rows_sent_twice_change_nothing(program: Program) -> None:
    for kind, row in {
        "usage": {"account": "B1", "date": "2026-03-01", "active_users": 12},
        "tickets": {"id": "T1", "account": "B1", "opened_at": "2026-03-01T08:00:00Z", "subject": "Export, fails"},
        "activities": {"account": "B1", "occurred_at": "2026-03-01T08:00:00+02:00", "kind": "call", "subject": "Call"},
        "outcomes": {"account": "B1", "date": "2026-03-01", "outcome": "renewed", "amount_minor": 120_050},
    }.items():
        first, again = send(program, kind, row), send(program, kind, row)
        assert (first["created"], again["created"], again["unchanged"]) == (1, 0, 1), kind


@pytest.mark.usefixtures("brightwater")
def test_values_arrive_as_they_were_sent(kestrel: Tenant, program: Program) -> None:
    text = 'Semicolons; "quotes", tabs\t and\nlines – all kept'
    send(
        program,
        "tickets",
        {"id": "T1", "account": "B1", "opened_at": "2026-03-01T08:00:00Z", "subject": "=SUM(A1)", "satisfaction": 1e-7,
         "is_escalated": True, "resolution_hours": 1234.5},
    )  # fmt: skip
    row = {"id": "A1", "account": "B1", "occurred_at": "2026-03-01T08:00", "body": text, "person": "Maya Chen"}
    send(program, "activities", row)
    send(program, "outcomes", {"account": "B1", "date": "2026-03-01", "amount_minor": 123_456})
    with tenant_context(kestrel.pk):
        ticket, activity = Ticket.objects.get(), Activity.objects.get()
        assert (ticket.subject, ticket.satisfaction, ticket.is_escalated) == ("=SUM(A1)", 1e-7, True)
        assert ticket.resolution_hours == 1234.5
        assert (activity.body, str(activity.person)) == (text, "Maya Chen")
        assert activity.occurred_at.isoformat() == "2026-03-01T07:00:00+00:00"  # a time of the workspace's zone
        assert list(Outcome.objects.values_list("kind", "amount_minor")) == [("churned", 123_456)]


def test_unknown_accounts_are_made_when_asked_for(kestrel: Tenant, program: Program) -> None:
    done = send(program, "usage", {"account": "C-1", "date": "2026-03-01", "logins": 3}, create_accounts=True)
    assert (done["created"], done["warnings"][0]["code"]) == (1, "accounts_created")
    with tenant_context(kestrel.pk):
        assert Account.objects.get().external_id == "C-1"


@pytest.mark.usefixtures("brightwater")
@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"account": "B1", "date": "2026-03-01", "a;b": 1}, "no name of a measure"),
        ({"account": "B1", "date": "2026-03-01", "csat": 1, "CSAT": 2}, "differ in case"),
        ({"account": "B1", "date": "2026-03-01", "csat": [1]}, "Row 0"),
    ],
)
def test_rows_that_are_no_rows_are_refused_as_a_whole(program: Program, row: dict[str, Any], words: str) -> None:
    response = program.send("post", "/api/v1/signals/", {"rows": [row]})
    assert response.status_code == 400
    assert words in response.json()["error"]["fields"]["rows"][0]


def test_a_batch_has_at_most_a_thousand_rows_and_known_names(program: Program) -> None:
    rows = [{"account": "B1", "date": "2026-03-01", "csat": 1}] * 1001
    assert program.send("post", "/api/v1/signals/", {"rows": rows}).status_code == 400
    refused = program.send("post", "/api/v1/tickets/", {"rows": [{"account": "B1", "severity_level": 1}]})
    assert "Known: id, account, opened_at" in refused.json()["error"]["message"]
    nothing = program.send("post", "/api/v1/signals/", {"rows": [{"account": "B1", "date": "2026-03-01"}]})
    assert nothing.status_code in {200, 422}


def test_an_account_is_made_and_changed_by_its_own_id(kestrel: Tenant) -> None:
    program = make_key(kestrel, Role.CSM)[1]
    url = "/api/v1/accounts/by-id/C-7/"
    assert program.get(url).status_code == 404
    made = program.send("put", url, {"name": "Crane", "segment": "small", "seats": 40, "owner": "maya@kestrel.example"})
    assert (made.status_code, made.json()["segment"], made.json()["status"]) == (201, "small", "customer")
    changed = program.send("put", url, {"name": "Crane Ltd", "segment": "enterprise"}).json()
    assert (changed["id"], changed["name"], changed["seats"]) == (made.json()["id"], "Crane Ltd", 40)
    assert changed["owner"]["id"] == made.json()["owner"]["id"]
    with tenant_context(kestrel.pk):
        assert Person.objects.get().email_key == "maya@kestrel.example"
    refused = program.send("put", url, {"name": "Crane", "segment": "huge"})
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["segment"])


def test_accounts_are_filtered(kestrel: Tenant, program: Program) -> None:
    send(
        program,
        "accounts",
        {"external_id": "1", "name": "One", "segment": "small", "owner": "Maya"},
        {"external_id": "2", "name": "Two", "segment": "enterprise", "status": "churned"},
        {"external_id": "3", "name": "Three"},
    )
    with tenant_context(kestrel.pk):
        maya = Person.objects.get().pk

    def names(query: str) -> list[str]:
        return [row["name"] for row in program.get(f"/api/v1/accounts/?{query}").json()["results"]]

    assert names("") == ["One", "Two", "Three"]
    assert (names("segment=small"), names("segment="), names("status=churned")) == (["One"], ["Three"], ["Two"])
    assert (names(f"owner={maya}"), names("external_id=3"), names("band=red")) == (["One"], ["Three"], [])


def test_columns_that_are_no_field_may_be_amounts_and_are_hidden_like_them(
    kestrel: Tenant, brightwater: Account
) -> None:
    with tenant_context(kestrel.pk):
        Account.objects.filter(pk=brightwater.pk).update(attributes={"contract value": "120 000 EUR"})
    leader, agent = make_key(kestrel, Role.LEADER)[1], make_key(kestrel, Role.SUPPORT_AGENT)[1]
    url = f"/api/v1/accounts/{brightwater.pk}/"
    assert leader.get(url).json()["attributes"] == {"contract value": "120 000 EUR"}
    assert agent.get(url).json()["attributes"] is None
