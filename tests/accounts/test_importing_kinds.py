"""What each kind of file becomes in the workspace."""

from datetime import date

import pytest

from accounts.importing.errors import ImportRefused
from accounts.importing.report import Report
from accounts.models import (
    Account,
    Activity,
    Contact,
    Contract,
    ContractLine,
    Measure,
    Outcome,
    Person,
    Product,
    RevenueMovement,
    Signal,
    Ticket,
)
from core.models import AuditEntry
from tests.accounts.conftest import Load

ACCOUNTS = "account_id,account_name,signup_date\nA-1,Brightwater,2024-01-01\nA-2,Oakline,2024-06-01\n"
CONTRACTS = "subscription_id,account_id,start_date,end_date,plan_tier,mrr_amount,is_trial\n"


def counts(report: Report) -> tuple[int, int, int, int, int]:
    return (report.read, report.created, report.updated, report.unchanged, report.rejected)


def warned(report: Report) -> dict[str, int]:
    return {warning.code: warning.count for warning in report.warnings}


@pytest.fixture
def two(load: Load) -> Load:
    load("accounts", ACCOUNTS)
    return load


class TestAccounts:
    def test_columns_that_no_field_knows_are_kept_as_attributes(self, load: Load) -> None:
        load("accounts", "id,company,Colour,CSM\n7,Brightwater,blue,Maya  Lindqvist\n8,Oakline,,maya lindqvist\n")
        found = Account.objects.order_by("external_id").values_list("external_id", "attributes", "owner__name_key")
        assert list(found) == [("7", {"colour": "blue"}, "maya lindqvist"), ("8", {}, "maya lindqvist")]
        assert list(Person.objects.values_list("name_key", flat=True)) == ["maya lindqvist"]

    def test_accounts_without_ids_are_found_again_by_name(self, load: Load) -> None:
        text = "account,sector,employees\nAcme Corporation,retail,1100\nBetasoloin,medical,49\n"
        assert counts(load("accounts", text)) == (2, 2, 0, 0, 0)
        assert counts(load("accounts", text.replace("1100", "1200"))) == (2, 0, 1, 1, 0)

    def test_ids_that_come_later_are_given_to_the_account_of_that_name(self, load: Load) -> None:
        load("accounts", "account,sector\nAcme Corporation,retail\n")
        report = load("accounts", "account_id,account_name\nX-1,ACME corporation\n")
        assert (counts(report), Account.objects.get().external_id) == ((1, 0, 1, 0, 0), "X-1")

    def test_a_column_that_the_file_lacks_is_left_alone(self, two: Load) -> None:
        two("accounts", "account_id,account_name,industry\nA-1,Brightwater,Logistics\n")
        found = Account.objects.get(external_id="A-1")
        assert (found.industry, found.customer_since) == ("Logistics", date(2024, 1, 1))

    def test_a_change_is_told_value_by_value(self, two: Load) -> None:
        report = two("accounts", "account_id,account_name,signup_date\nA-1,Brightwater,2024-02-01\n", writes=False)
        assert [(c.line, c.name, c.field, c.before, c.after) for c in report.changes] == [
            (2, "Brightwater", "customer since", "2024-01-01", "2024-02-01")
        ]

    def test_an_import_is_in_the_audit_trail(self, two: Load) -> None:
        entry = AuditEntry.objects.get(verb="imported")
        assert (entry.actor_label, entry.after["created"]) == ("test", 2)


class TestContracts:
    def test_a_subscription_becomes_a_contract_with_one_line(self, two: Load) -> None:
        two("contracts", CONTRACTS + "S-1,A-1,2025-01-01,2026-01-01,Pro,100.10,False\n")
        line = ContractLine.objects.select_related("contract", "product").get()
        assert (line.arr_minor, line.ends_on, line.kind, line.product.name) == (
            120_120, date(2026, 1, 1), "recurring", "Pro",
        )  # fmt: skip
        assert (line.contract.external_id, line.contract.starts_on, line.contract.currency) == (
            "S-1", date(2025, 1, 1), "EUR",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("header", "decided", "expected"),
        [
            ("end_date", {}, (date(2025, 12, 31), "first_day_without")),
            ("end_date", {"end_date_is": "last_day"}, (date(2026, 1, 1), "last_day")),
            ("Last day", {}, (date(2026, 1, 1), "last_day")),
            ("Term end", {}, (date(2026, 1, 1), "last_day")),
        ],
    )
    def test_what_an_end_date_means_is_stored_with_the_line(
        self, two: Load, header: str, decided: dict[str, str], expected: tuple[date, str]
    ) -> None:
        report = two(
            "contracts",
            f"subscription_id,account_id,start_date,{header},mrr\nS-1,A-1,2025-01-01,2025-12-31,10\n",
            **decided,
        )
        assert ContractLine.objects.values_list("ends_on", "end_date_is").get() == expected
        assert {"code": "end_date_is", "column": header, "value": expected[1]} in report.choices

    def test_trials_are_lines_of_their_own_kind(self, two: Load) -> None:
        two("contracts", CONTRACTS + "S-1,A-1,2025-01-01,,Pro,0,True\n")
        assert (ContractLine.objects.get().kind, RevenueMovement.objects.count()) == ("trial", 0)

    def test_the_ledger_and_the_account_follow_in_the_same_import(self, two: Load) -> None:
        two("contracts", CONTRACTS + "S-1,A-1,2025-01-01,,Pro,100,False\n")
        assert list(RevenueMovement.objects.values_list("kind", "amount_minor")) == [("new", 120_000)]
        assert Account.objects.get(external_id="A-1").arr_minor == 120_000

    def test_several_lines_share_their_contract(self, two: Load) -> None:
        text = (
            "contract id,line id,account,start date,end date,arr\n"
            "C-1,L-1,A-1,2025-01-01,2026-01-01,1000\nC-1,L-2,A-1,2025-03-01,2026-03-01,500\n"
        )
        assert counts(two("contracts", text)) == (2, 2, 0, 0, 0)
        contract = Contract.objects.get()
        assert (contract.external_id, contract.starts_on, contract.ends_on, contract.lines.count()) == (
            "C-1", date(2025, 1, 1), date(2026, 3, 1), 2,
        )  # fmt: skip
        assert counts(two("contracts", text)) == (2, 0, 0, 2, 0)

    def test_an_end_before_the_start_is_refused(self, two: Load) -> None:
        report = two("contracts", CONTRACTS + "S-1,A-1,2025-01-01,2024-12-31,Pro,1,False\n")
        assert report.refusals[0].code == "ends_before_start"

    def test_another_currency_is_refused(self, two: Load) -> None:
        report = two("contracts", "subscription_id,account_id,start_date,mrr,currency\nS-1,A-1,2025-01-01,5,USD\n")
        assert report.refusals[0].code == "other_currency"

    def test_a_row_without_its_own_id_is_known_again(self, two: Load) -> None:
        text = "account_id,start_date,mrr,product\nA-1,2025-01-01,5,Pro\nA-1,2025-01-01,7,Basic\n"
        assert counts(two("contracts", text)) == (2, 2, 0, 0, 0)
        assert counts(two("contracts", text)) == (2, 0, 0, 2, 0)


class TestBillingExports:
    MONTHS = "customer,period start,period end,monthly amount\n"

    def test_months_that_follow_each_other_are_one_contract_and_no_churn(self, two: Load) -> None:
        text = (
            self.MONTHS + "A-1,2025-01-01,2025-02-01,10\nA-1,2025-02-01,2025-03-01,10\nA-1,2025-03-01,2025-04-01,12\n"
        )
        report = two("contracts", text)
        assert (counts(report), warned(report)["periods_joined"]) == ((3, 3, 0, 0, 0), 3)
        assert list(Contract.objects.values_list("starts_on", "ends_on")) == [(date(2025, 1, 1), date(2025, 4, 1))]
        assert list(RevenueMovement.objects.order_by("effective_on").values_list("kind", "amount_minor")) == [
            ("new", 12_000), ("expansion", 2_400), ("churn", -14_400),
        ]  # fmt: skip
        assert counts(two("contracts", text)) == (3, 0, 0, 3, 0)

    def test_the_next_month_in_another_file_continues_the_contract(self, two: Load) -> None:
        two("contracts", self.MONTHS + "A-1,2025-01-01,2025-02-01,10\n")
        two("contracts", self.MONTHS + "A-1,2025-02-01,2025-03-01,10\n")
        assert list(Contract.objects.values_list("starts_on", "ends_on")) == [(date(2025, 1, 1), date(2025, 3, 1))]

    def test_a_gap_is_a_gap(self, two: Load) -> None:
        two("contracts", self.MONTHS + "A-1,2025-01-01,2025-02-01,10\nA-1,2025-03-01,2025-04-01,10\n")
        assert Contract.objects.count() == 2

    def test_months_without_an_end_do_not_pile_up(self, two: Load) -> None:
        two("contracts", "customer,start,amount\nA-1,2025-01-01,10\nA-1,2025-02-01,10\nA-1,2025-03-01,10\n")
        assert list(Contract.objects.values_list("starts_on", "ends_on")) == [(date(2025, 1, 1), date(2025, 4, 1))]
        assert list(ContractLine.objects.values_list("arr_minor", flat=True)) == [12_000] * 3


class TestUsage:
    def test_rows_with_ids_stand_side_by_side_and_carry_their_feature(self, two: Load) -> None:
        two("contracts", CONTRACTS + "S-1,A-1,2025-01-01,,Pro,1,False\n")
        header = "usage_id,subscription_id,usage_date,feature_name,usage_count,error_count\n"
        text = (
            header + "U-1,S-1,2025-02-01,reports,5,0\nU-2,S-1,2025-02-01,reports,7,1\nU-2,S-1,2025-02-01,export,8,1\n"
        )
        report = two("usage", text)
        assert (counts(report), warned(report)) == ((3, 2, 0, 0, 1), {"duplicate_key": 1})
        found = Signal.objects.filter(measure__key="usage_count").order_by("row_key")
        assert list(found.values_list("row_key", "value", "category")) == [
            ("U-1", 5.0, "reports"),
            ("U-2", 8.0, "export"),
        ]
        assert counts(two("usage", text)) == (3, 0, 0, 2, 1)
        moved = two("usage", header + "U-1,S-1,2025-02-09,reports,5,0\n")
        assert (counts(moved), Signal.objects.filter(row_key="U-1", day=date(2025, 2, 9)).count()) == (
            (1, 0, 1, 0, 0),
            2,
        )
        assert Signal.objects.filter(row_key="U-1").count() == 2

    def test_a_daily_feed_is_keyed_by_account_and_day(self, two: Load) -> None:
        text = "account_id,date,active_users,logins\nA-1,2025-02-01,5,9\nA-1,2025-02-02,6,\n"
        assert counts(two("usage", text)) == (2, 2, 0, 0, 0)
        assert list(Measure.objects.order_by("key").values_list("key", "kind", "source")) == [
            ("active_users", "number", "usage"), ("logins", "number", "usage"),
        ]  # fmt: skip
        assert counts(two("usage", text.replace("6,", "7,"))) == (2, 0, 1, 1, 0)

    def test_usage_before_the_subscription_starts_is_told(self, two: Load) -> None:
        two("contracts", CONTRACTS + "S-1,A-1,2025-01-01,2025-03-01,Pro,1,False\n")
        report = two(
            "usage", "subscription_id,usage_date,usage_count\nS-1,2024-12-31,1\nS-1,2025-01-01,1\nS-1,2025-03-01,1\n"
        )
        assert warned(report) == {"usage_before_start": 1, "usage_after_end": 1}


class TestSignals:
    def test_each_further_column_is_a_measure_number_or_category(self, two: Load) -> None:
        text = "customer_id,observed_on,csat_score,plan health,seen\n"
        text += "A-1,01-02-2025,4.5,Good,Yes\nA-2,15-02-2025,3.0,Bad,No\n"
        report = two(
            "signals",
            text,
            columns={"account": "customer_id", "date": "observed_on", "csat_score": {"measure": "csat"}},
        )
        assert counts(report) == (2, 2, 0, 0, 0)
        found = Signal.objects.filter(account__external_id="A-1").order_by("measure__key")
        assert list(found.values_list("measure__key", "value", "category", "day")) == [
            ("csat", 4.5, "", date(2025, 2, 1)),
            ("plan_health", None, "Good", date(2025, 2, 1)),
            ("seen", None, "Yes", date(2025, 2, 1)),
        ]

    def test_texts_with_commas_are_categories_and_long_ones_are_left_out(self, two: Load) -> None:
        report = two("signals", 'account,date,mood,story\nA-1,2025-02-01,"fine, 5",' + "x" * 90 + "\n")
        assert list(Signal.objects.values_list("measure__key", "category")) == [("mood", "fine, 5")]
        assert {"code": "left_out", "value": "story"} in report.choices

    def test_numbers_that_read_two_ways_are_asked_for(self, two: Load) -> None:
        text = "account;date;minutes\nA-1;2025-02-01;1,234\n"
        with pytest.raises(ImportRefused, match="read two ways"):
            two("signals", text)
        two("signals", text, decimal={"minutes": "comma"})
        assert Signal.objects.get().value == 1.234

    def test_a_map_creates_accounts_and_says_the_date_format(self, load: Load) -> None:
        report = load(
            "signals",
            "cust,day,nps\nNorrland,03-04-2025,9\n",
            columns={"account": "cust"}, create_accounts=True, date_format="%d-%m-%Y",
        )  # fmt: skip
        assert (counts(report), Signal.objects.get().day) == ((1, 1, 0, 0, 0), date(2025, 4, 3))


class TestTicketsActivitiesOutcomesContacts:
    def test_tickets_before_the_signup_and_without_satisfaction_are_told(self, two: Load) -> None:
        report = two(
            "tickets",
            "ticket_id,account_id,submitted_at,closed_at,satisfaction_score,queue\n"
            "T-1,A-2,2024-05-31,2024-06-01 03:00:00,,billing\nT-2,A-2,2024-06-01,,4,billing\n",
        )
        assert warned(report) == {"ticket_before_signup": 1, "satisfaction_missing": 1}
        assert Ticket.objects.get(external_id="T-1").attributes == {"queue": "billing"}

    def test_activities_move_the_last_contact_forward_only(self, two: Load) -> None:
        header = "account_id,date,type,subject\n"
        two("activities", header + "A-1,2026-02-20 10:00,Phone call,Renewal\nA-1,2026-02-10,Meeting,Kick-off\n")
        assert Account.objects.get(external_id="A-1").last_contact_on == date(2026, 2, 20)
        two("activities", header + "A-1,2026-01-01,Call,Earlier\n")
        assert Account.objects.get(external_id="A-1").last_contact_on == date(2026, 2, 20)
        assert list(Activity.objects.order_by("occurred_at").values_list("kind", flat=True)) == [
            "call",
            "meeting",
            "call",
        ]

    def test_churn_events_are_outcomes(self, two: Load) -> None:
        text = "churn_event_id,account_id,churn_date,reason_code,feedback_text\nC-1,A-1,2025-03-01,pricing,too dear\n"
        two("outcomes", text)
        assert Outcome.objects.values_list("kind", "reason", "note").get() == ("churned", "pricing", "too dear")
        assert counts(two("outcomes", text)) == (1, 0, 0, 1, 0)

    def test_outcomes_without_ids_are_one_per_account_day_and_kind(self, two: Load) -> None:
        text = "account,date,outcome,reason\nA-1,2025-03-01,Renewed,\nOakline,2025-03-01,churn,price\n"
        assert counts(two("outcomes", text)) == (2, 2, 0, 0, 0)
        assert counts(two("outcomes", text)) == (2, 0, 0, 2, 0)

    def test_contacts_take_their_name_from_its_parts(self, two: Load) -> None:
        text = (
            "Record ID,First Name,Last Name,Email,Associated Company IDs\n"
            "9,Elena,Rossi,Elena@Brightwater.example,A-1;A-2\n10,,,ops@oakline.example,A-2\n"
        )
        assert counts(two("contacts", text)) == (2, 2, 0, 0, 0)
        assert list(Contact.objects.order_by("name").values_list("name", "email_key", "account__external_id")) == [
            ("Elena Rossi", "elena@brightwater.example", "A-1"), ("ops@oakline.example", "ops@oakline.example", "A-2"),
        ]  # fmt: skip
        assert counts(two("contacts", text)) == (2, 0, 0, 2, 0)


class TestProducts:
    def test_a_word_that_looks_like_a_product_is_suggested_and_can_be_mapped(self, two: Load) -> None:
        two("products", "product,series,sales_price\nGTX Pro,GTX,4821\n")
        text = "subscription_id,account_id,start_date,mrr,product\nS-1,A-1,2025-01-01,5,GTXPro\n"
        report = two("contracts", text, writes=False)
        assert [(c["word"], c["suggestion"]) for c in report.choices if "word" in c] == [("GTXPro", "GTX Pro")]
        two("contracts", text, values={"product": {"GTXPro": "GTX Pro"}})
        assert (ContractLine.objects.get().product.name, Product.objects.count()) == ("GTX Pro", 1)

    def test_twins_that_slipped_in_are_told_later(self, two: Load) -> None:
        two("products", "product,series,sales_price\nGTX Pro,GTX,4821\n")
        text = "subscription_id,account_id,start_date,mrr,product\nS-1,A-1,2025-01-01,5,GTXPro\n"
        two("contracts", text)
        assert warned(two("contracts", text)) == {"similar_product": 1}
