"""Importing opportunities: stages find their pipeline, moves are kept, and a second import changes nothing."""

import json
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import Account, Person, Product
from core import versioning
from core.actions import create_tenant
from core.actors import Actor
from core.documents.queries import coverage
from core.management.base import CommandRefused
from core.models import AuditEntry, ProcessVersion, Tenant
from core.processes.owners import lint
from core.tenancy import tenant_context
from journeys.models import Opportunity, OpportunityStageVisit, Pipeline, PipelineStage
from journeys.queries.pipeline_editor import editor_page, stage_processes
from journeys.queries.pipelines import misplaced_opportunities

pytestmark = pytest.mark.django_db
HEAD = "Opportunity ID,Name,Account,Owner,Product,Stage,Amount,Created Date,Close Date\n"


@pytest.fixture
def tenant(db: None, actor: Actor, now: Any) -> Tenant:
    made = create_tenant(slug="deals", name="Deals", currency="EUR", timezone="UTC", actor=actor, now=now)
    with tenant_context(made.pk):
        Account.objects.create(name="Brightwater", name_key="brightwater")
        Product.objects.create(name="GTX Pro", name_key="gtx pro")
    return made


def load(tmp_path: Path, text: str, *arguments: str, as_of: str = "2026-03-02") -> dict[str, Any]:
    file = tmp_path / "deals.csv"
    file.write_text(text)
    out = StringIO()
    call_command(
        "import_data",
        "opportunities",
        str(file),
        "--tenant",
        "deals",
        "--as-of",
        as_of,
        *arguments,
        "--json",
        stdout=out,
    )
    printed: dict[str, Any] = json.loads(out.getvalue())
    return printed


def counts(report: dict[str, Any]) -> tuple[int, int, int, int]:
    return report["created"], report["updated"], report["unchanged"], report["rejected"]


def warned(report: dict[str, Any]) -> dict[str, int]:
    return {warning["code"]: warning["count"] for warning in report["warnings"]}


def visits() -> list[tuple[str, date | None, date | None]]:
    return list(
        OpportunityStageVisit.objects.order_by("opportunity_id", "pk").values_list(
            "stage__name", "entered_on", "left_on"
        )
    )


def test_stages_that_the_default_pipeline_knows_need_no_other(tenant: Tenant, tmp_path: Path) -> None:
    done = load(tmp_path, HEAD + "1,Seats,Brightwater,Ann,GTX Pro,Closed Won,100,2026-01-05,2026-02-01\n"
                                 "2,More,Brightwater,Ann,GTX Pro,demo,50.5,2026-01-05,2026-04-01\n")  # fmt: skip
    assert counts(done) == (2, 0, 0, 0)
    assert "new_pipeline" not in warned(done)
    with tenant_context(tenant.pk):
        assert Pipeline.objects.count() == 1
        deal = Opportunity.objects.get(external_id="1")
        assert (deal.stage.key, deal.amount_minor, deal.closed_on) == ("closed_won", 100_00, date(2026, 2, 1))
        assert (deal.account and deal.account.name, deal.owner and deal.owner.name) == ("Brightwater", "Ann")
        still = Opportunity.objects.get(external_id="2")
        assert (still.stage.key, still.amount_minor, still.closed_on) == ("demo", 50_50, None)
        assert Person.objects.count() == 1


def test_a_deal_that_moves_keeps_both_stays(tenant: Tenant, tmp_path: Path) -> None:
    load(tmp_path, HEAD + "1,Seats,Brightwater,Ann,,Demo,100,2026-01-05,\n")
    moved = HEAD + "1,Seats,Brightwater,Ann,,Closed Won,120,2026-01-05,2026-02-20\n"
    assert counts(load(tmp_path, moved)) == (0, 1, 0, 0)
    assert counts(load(tmp_path, moved)) == (0, 0, 1, 0)
    with tenant_context(tenant.pk):
        assert visits() == [
            ("Demo", date(2026, 1, 5), date(2026, 2, 20)),
            ("Closed won", date(2026, 2, 20), None),
        ]


def test_unknown_stages_make_a_pipeline_once_and_later_ones_join_it(tenant: Tenant, tmp_path: Path) -> None:
    first = load(tmp_path, HEAD + "1,A,,,,Engaging,1,2026-01-05,\n2,B,,,,Won,1,2026-01-05,2026-01-09\n")
    assert warned(first)["new_pipeline"] == 2
    second = load(tmp_path, HEAD + "3,C,,,,Engaging,1,2026-01-05,\n4,D,,,,Pilot,1,2026-01-05,\n")
    assert warned(second)["new_stages"] == 2
    third = load(tmp_path, HEAD + "5,E,,,,Pilot,1,2026-01-05,\n")
    assert not warned(third).keys() & {"new_stages", "new_pipeline"}
    with tenant_context(tenant.pk):
        pipeline = Pipeline.objects.get(is_default=False)
        found = PipelineStage.objects.filter(pipeline=pipeline).order_by("position").values_list("name", "kind")
        assert list(found) == [("Engaging", "open"), ("Pilot", "open"), ("Won", "won"), ("Lost", "lost")]
        live = ProcessVersion.objects.get(kind="pipeline", key=pipeline.key, state="published")
        assert [one["name"] for one in live.definition["stages"]] == ["Engaging", "Pilot", "Won", "Lost"]
        assert (live.number, live.reason) == (2, "Stages of an import.")
        page = editor_page(pipeline.key, date(2026, 3, 2))
        assert page is not None
        assert [one.spec.name for one in page.stages] == ["Engaging", "Pilot", "Won", "Lost"]
        assert AuditEntry.objects.filter(verb="published", reason="Stages of an import.").count() == 2


def test_a_dry_run_makes_nothing_and_counts_the_same(tenant: Tenant, tmp_path: Path) -> None:
    text = HEAD + "1,A,Brightwater,New Rep,New Product,Engaging,1,2026-01-05,\n2,B,,,,,1,2026-01-05,\n"
    dry = load(tmp_path, text, "--dry-run")
    with tenant_context(tenant.pk):
        assert (Opportunity.objects.count(), Pipeline.objects.count(), Person.objects.count()) == (0, 1, 0)
    assert counts(dry) == counts(load(tmp_path, text)) == (1, 0, 0, 1)


def test_a_product_that_looks_like_a_known_one_is_pointed_out_and_can_be_mapped(tenant: Tenant, tmp_path: Path) -> None:
    text = HEAD + "1,A,,,GTXPro,Demo,1,2026-01-05,\n2,B,,,GTXPro,Demo,1,2026-01-05,\n"
    dry = load(tmp_path, text, "--dry-run")
    found = [choice for choice in dry["choices"] if choice["code"] == "unknown_product"]
    assert [(one["word"], one["suggestion"], one["count"]) for one in found] == [("GTXPro", "GTX Pro", 2)]
    decided = tmp_path / "map.yaml"
    decided.write_text('kind: opportunities\nvalues: {product: {GTXPro: "GTX Pro"}}\n')
    load(tmp_path, text, "--map", str(decided))
    with tenant_context(tenant.pk):
        assert set(Opportunity.objects.values_list("product__name", flat=True)) == {"GTX Pro"}
        assert Product.objects.count() == 1


def test_deals_without_an_id_are_recognised_again(tenant: Tenant, tmp_path: Path) -> None:
    text = "Deal,Company,Stage,Amount\nSeats,Brightwater,Demo,10\nMore,Brightwater,Demo,20\n"
    assert counts(load(tmp_path, text)) == (2, 0, 0, 0)
    assert counts(load(tmp_path, text)) == (0, 0, 2, 0)


def test_odd_dates_are_pointed_out_and_kept(tenant: Tenant, tmp_path: Path) -> None:
    done = load(tmp_path, HEAD + "1,A,,,,Closed won,1,2026-02-05,2026-01-05\n2,B,,,,Closed lost,0,2026-01-05,\n")
    assert counts(done) == (2, 0, 0, 0)
    assert (warned(done)["closes_before_start"], warned(done)["closed_without_date"]) == (1, 1)


def test_a_file_whose_stage_column_is_something_else_is_refused(tenant: Tenant, tmp_path: Path) -> None:
    text = HEAD + "".join(f"{n},A,,,,Stage number {n},1,2026-01-05,\n" for n in range(150))
    with pytest.raises(CommandRefused, match="probably not the stage"):
        load(tmp_path, text)
    with tenant_context(tenant.pk):
        assert Pipeline.objects.count() == 1


def test_stage_names_that_differ_in_case_and_signs_are_one_stage(tenant: Tenant, tmp_path: Path) -> None:
    load(tmp_path, HEAD + "1,A,,,,In-Review,1,2026-01-05,\n2,B,,,,in review,1,2026-01-05,\n3,C,,,,***,1,2026-01-05,\n")
    with tenant_context(tenant.pk):
        named = Opportunity.objects.order_by("external_id").values_list("stage__name", flat=True)
        assert len(set(named[:2])) == 1
        assert named[2] == "***"


def test_a_salesforce_export_says_by_its_flags_what_is_won(tenant: Tenant, tmp_path: Path) -> None:
    text = (
        "Id,Name,StageName,Amount,CloseDate,IsClosed,IsWon\n"
        "006A,One,Signed,10,2026-01-05,true,true\n"
        "006B,Two,Gone,0,2026-01-06,true,false\n"
        "006C,Three,Talking,5,2026-04-06,false,false\n"
    )
    load(tmp_path, text)
    with tenant_context(tenant.pk):
        kinds = Opportunity.objects.order_by("external_id").values_list("stage__kind", flat=True)
        assert list(kinds) == ["won", "lost", "open"]


def test_the_doctor_finds_a_deal_whose_history_says_otherwise(tenant: Tenant, tmp_path: Path) -> None:
    load(tmp_path, HEAD + "1,A,,,,Demo,1,2026-01-05,\n2,B,,,,Closed won,1,2026-01-05,2026-01-09\n")
    with tenant_context(tenant.pk):
        assert misplaced_opportunities() == 0
        Opportunity.objects.filter(external_id="1").update(stage=PipelineStage.objects.get(key="proposal"))
        assert misplaced_opportunities() == 1


def test_a_pipeline_that_a_file_made_says_that_it_has_no_gates_until_somebody_publishes_it(
    tenant: Tenant, tmp_path: Path, now: Any
) -> None:
    text = HEAD + "1,A,,,,Engaging,1,2026-01-05,\n2,B,,,,Won,1,2026-01-05,2026-01-09\n"
    assert warned(load(tmp_path, text, "--dry-run"))["no_gates"] == 2
    assert warned(load(tmp_path, text))["no_gates"] == 2
    assert warned(load(tmp_path, HEAD + "3,C,,,,Engaging,1,2026-01-05,\n"))["no_gates"] == 1
    assert "no_gates" not in warned(load(tmp_path, HEAD + "4,D,,,,Demo,1,2026-01-05,\n"))
    with tenant_context(tenant.pk):
        key = Pipeline.objects.get(is_default=False).key
        live = ProcessVersion.objects.get(kind="pipeline", key=key, state="published")
        assert (live.reason, live.published_by) == ("Stages of an import.", "Import")
        page = editor_page(key, date(2026, 3, 2))
        assert page is not None
        assert [gap.split(":")[0] for gap in page.gaps] == ["No gates"]
        assert {row.key: len(row.gaps) for row in stage_processes() if row.kind == "pipeline"} == {key: 1, "sales": 0}
        assert ([row.version.key for row in coverage("gaps").rows], coverage().with_gaps) == ([key], 1)
        [found] = [one for one in lint() if one.key == key]
        assert found.problems[-1].startswith("No gates: an import made its stages")
        again = versioning.draft(
            kind="pipeline", key=key, name=live.name, definition=live.definition, actor=Actor("Ruth Adler"), now=now
        )
        versioning.publish(version=again, actor=Actor("Ruth Adler"), now=now, reason="Partners sell as they like.")
        assert (coverage().with_gaps, editor_page(key, date(2026, 3, 2)).gaps) == (0, [])  # type: ignore[union-attr]  # -- the page was there before
    assert "no_gates" not in warned(load(tmp_path, HEAD + "5,E,,,,Engaging,1,2026-01-05,\n"))
    assert warned(load(tmp_path, HEAD + "6,F,,,,Pilot,1,2026-01-05,\n7,G,,,,Engaging,1,,\n"))["new_stages"] == 2
    with tenant_context(tenant.pk):
        assert coverage().with_gaps == 1


def test_a_pipeline_with_criteria_is_no_gap_whoever_published_it(tenant: Tenant, tmp_path: Path, now: Any) -> None:
    load(tmp_path, HEAD + "1,A,,,,Engaging,1,2026-01-05,\n")
    with tenant_context(tenant.pk):
        live = ProcessVersion.objects.get(kind="pipeline", state="published", published_by="Import")
        stages = [{**one} for one in live.definition["stages"]]
        stages[0]["exit"] = [{"key": "shown", "name": "Shown", "evidence": True}]
        gated = versioning.draft(
            kind="pipeline", key=live.key, name=live.name, definition={"stages": stages}, actor=Actor("Ruth Adler"),
            now=now,
        )  # fmt: skip
        versioning.publish(version=gated, actor=Actor("Ruth Adler"), now=now, reason="Gates.")
        assert coverage().with_gaps == 0


@pytest.mark.parametrize("header", ["CurrencyIsoCode", "Currency", "deal_currency_code"])
def test_an_amount_in_another_currency_is_refused(tenant: Tenant, tmp_path: Path, header: str) -> None:
    head = f"Opportunity ID,Stage,Amount,{header}\n"
    done = load(tmp_path, head + "1,Demo,100,EUR\n2,Demo,100000,JPY\n3,Demo,,JPY\n4,Demo,100,\n5,Demo,0,usd\n")
    assert counts(done) == (4, 0, 0, 1)
    [refusal] = done["refusals"]
    assert (refusal["code"], refusal["line"]) == ("other_currency", 3)
    assert refusal["example"] == "the amount is in JPY, this workspace keeps EUR: convert it first"


@pytest.mark.parametrize(
    ("printed", "other"), [("$1000", "$"), ("¥100000", "¥"), ("JPY 100000", "JPY"), ("100 CHF", "CHF"), ("£5", "£")]
)
def test_an_amount_that_prints_another_currency_is_refused(
    tenant: Tenant, tmp_path: Path, printed: str, other: str
) -> None:
    done = load(tmp_path, f"Opportunity ID,Stage,Amount\n1,Demo,{printed}\n2,Demo,€7\n3,Demo,EUR 8\n4,Demo,9 ARR\n")
    assert counts(done) == (3, 0, 0, 1)
    [refusal] = done["refusals"]
    words = f"Amount: “{printed}” is in {other}, this workspace keeps EUR: convert it first"
    assert (refusal["code"], refusal["example"]) == ("other_currency", words)


def test_a_sign_that_several_currencies_share_is_taken_for_the_workspaces_own(tenant: Tenant, tmp_path: Path) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(currency="CAD")
    done = load(tmp_path, "Opportunity ID,Stage,Amount\n1,Demo,$1000\n2,Demo,$5 CAD\n3,Demo,$5 USD\n")
    assert counts(done) == (2, 0, 0, 1)


@pytest.mark.parametrize(
    ("header", "word", "kind"),
    [
        ("Type", "Renewal", "renewal"),
        ("Type", "Existing Customer - Upgrade", "expansion"),
        ("Type", "New Customer", "new"),
        ("dealtype", "newbusiness", "new"),
        ("Deal Type", "Existing Business", "expansion"),
        ("Opportunity Type", "Cross-Sell", "expansion"),
        ("Kind", "expansion", "expansion"),
    ],
)
def test_the_kind_of_a_deal_is_read(tenant: Tenant, tmp_path: Path, header: str, word: str, kind: str) -> None:
    load(tmp_path, f"Opportunity ID,Stage,{header}\n1,Demo,{word}\n2,Demo,\n")
    with tenant_context(tenant.pk):
        assert list(Opportunity.objects.order_by("pk").values_list("kind", flat=True)) == [kind, "new"]
    again = load(tmp_path, f"Opportunity ID,Stage,{header}\n1,Demo,\n2,Demo,{word}\n")
    assert counts(again) == ((0, 1, 1, 0) if kind != "new" else (0, 0, 2, 0))
    with tenant_context(tenant.pk):
        assert set(Opportunity.objects.values_list("kind", flat=True)) == {kind}


def test_a_type_that_is_no_kind_of_deal_stays_a_column_of_its_own(tenant: Tenant, tmp_path: Path) -> None:
    done = load(tmp_path, "Opportunity ID,Stage,Type\n1,Demo,Direct\n2,Demo,Partner\n")
    assert counts(done) == (2, 0, 0, 0)
    with tenant_context(tenant.pk):
        assert list(Opportunity.objects.order_by("pk").values_list("kind", "attributes__type")) == [
            ("new", "Direct"), ("new", "Partner"),
        ]  # fmt: skip


def test_a_deal_closed_on_a_day_to_come_is_pointed_out(tenant: Tenant, tmp_path: Path) -> None:
    done = load(tmp_path, HEAD + "1,A,,,,Closed won,5,2026-01-05,2026-03-03\n2,B,,,,Demo,5,2026-01-05,2027-01-01\n"
                                 "3,C,,,,Closed lost,5,2026-01-05,2026-03-02\n")  # fmt: skip
    assert warned(done)["closes_in_future"] == 1


def test_a_deal_won_on_a_day_to_come_has_no_stay_in_the_future(tenant: Tenant, tmp_path: Path) -> None:
    load(tmp_path, HEAD + "1,A,,,,Demo,5,2026-01-05,2026-09-01\n", as_of="2026-02-20")
    done = load(tmp_path, HEAD + "1,A,,,,Closed won,5,2026-01-05,2026-09-01\n"
                                 "2,B,,,,Closed won,5,2026-01-05,2026-09-01\n"
                                 "3,C,,,,Closed lost,5,2026-04-05,2026-09-01\n"
                                 "4,D,,,,Closed lost,5,2026-01-05,\n5,E,,,,Discovery,5,2026-04-05,\n"
                                 "6,F,,,,Discovery,5,,\n")  # fmt: skip
    assert warned(done)["closes_in_future"] == 3
    today, begun = date(2026, 3, 2), date(2026, 1, 5)
    with tenant_context(tenant.pk):
        assert visits() == [
            ("Demo", begun, today), ("Closed won", today, None),
            ("Discovery", begun, today), ("Closed won", today, None),
            ("Discovery", today, today), ("Closed lost", today, None),
            ("Closed lost", None, None), ("Discovery", today, None), ("Discovery", None, None),
        ]  # fmt: skip
        assert Opportunity.objects.get(external_id="1").closed_on == date(2026, 9, 1)


KINDS = "Opportunity ID,Stage,Type\n1,Demo,Renewal\n2,Demo,New\n3,Demo,Partner\n4,Demo,Partner\n5,Demo,Services\n"


@pytest.mark.parametrize("arguments", [["--dry-run"], []])
def test_one_word_that_is_known_makes_a_type_the_kind_and_the_unknown_ones_are_refused_aloud(
    tenant: Tenant, tmp_path: Path, arguments: list[str]
) -> None:
    done = load(tmp_path, KINDS, *arguments)
    assert (counts(done), done["refusals"][0]["code"]) == ((2, 0, 0, 3), "bad_choice")
    words = next(one["message"] for one in done["warnings"] if one["code"] == "unknown_words")
    assert words == (
        "3 rows have a Kind that is not known and are refused: “Partner” (2), “Services” (1). Say what each means: "
        '`values: {kind: {"Partner": WORD}}` with WORD one of expansion, new, renewal. If the column is something '
        'else: `columns: {"Type": {attribute: true}}`.'
    )
    if not arguments:
        with tenant_context(tenant.pk):
            assert list(Opportunity.objects.order_by("pk").values_list("kind", flat=True)) == ["renewal", "new"]


@pytest.mark.parametrize(
    ("decided", "kinds", "kept"),
    [
        ("values: {kind: {Partner: new, Services: expansion}}", ["renewal", "new", "new", "new", "expansion"], 0),
        ("columns: {Type: {attribute: true}}", ["new"] * 5, 5),
    ],
)
def test_what_the_map_says_of_a_type_is_followed_and_asked_no_more(
    tenant: Tenant, tmp_path: Path, decided: str, kinds: list[str], kept: int
) -> None:
    (tmp_path / "map.yaml").write_text(decided)
    done = load(tmp_path, KINDS, "--map", str(tmp_path / "map.yaml"))
    assert (counts(done), {"unknown_words", "column_unread"} & set(warned(done))) == ((5, 0, 0, 0), set())
    with tenant_context(tenant.pk):
        assert list(Opportunity.objects.order_by("pk").values_list("kind", flat=True)) == kinds
        assert Opportunity.objects.filter(attributes__has_key="type").count() == kept


def test_a_type_of_which_no_word_is_known_is_kept_and_said_aloud(tenant: Tenant, tmp_path: Path) -> None:
    text = "Opportunity ID,Stage,Type\n1,Demo,Renewal - 12 months\n2,Demo,Renewal - 12 months\n3,Demo,\n"
    (tmp_path / "map.yaml").write_text('values: {kind: {"Renewal - 12 months": renewal}}')
    dry = load(tmp_path, text, "--dry-run")
    assert (counts(dry), warned(dry)["column_unread"]) == ((3, 0, 0, 0), 2)
    words = next(one["message"] for one in dry["warnings"] if one["code"] == "column_unread")
    assert words == (
        "“Type” is called like the field Kind and cannot be read as one: “Renewal - 12 months” (2). The column is "
        "kept with the rows as printed, Kind stays as it is. Opportunities that are new here count as new business. "
        'Say what each means: `values: {kind: {"Renewal - 12 months": WORD}}` with WORD one of expansion, new, '
        'renewal. If the column is something else: `columns: {"Type": {attribute: true}}`.'
    )
    done = load(tmp_path, text, "--map", str(tmp_path / "map.yaml"))
    assert "column_unread" not in warned(done)
    with tenant_context(tenant.pk):
        assert list(Opportunity.objects.order_by("pk").values_list("kind", flat=True)) == ["renewal", "renewal", "new"]


@pytest.mark.parametrize("amount", ["US$100", "A$1.5", "C$100", "Fr. 100", "100 kr", "100 zł"])
def test_amounts_that_cannot_be_read_are_not_lost_without_a_word(tenant: Tenant, tmp_path: Path, amount: str) -> None:
    done = load(tmp_path, f"Opportunity ID,Stage,Amount\n1,Demo,{amount}\n2,Demo,{amount}\n3,Demo,5\n4,Demo,\n")
    words = next(one["message"] for one in done["warnings"] if one["code"] == "column_unread")
    assert warned(done)["column_unread"] == 3
    assert words.startswith(f"“Amount” is called like the field Amount and cannot be read as one: “{amount}” (2). The")
    assert "Write plain numbers, without words or signs of a currency; convert what is in another one." in words
    with tenant_context(tenant.pk):
        assert set(Opportunity.objects.values_list("amount_minor", flat=True)) == {None}
