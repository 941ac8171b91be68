"""Documents about the workspace as it stands: journey map, stage conversion, programs, and the book of a new rep."""

from collections.abc import Iterator, Sequence
from datetime import date

from core import registry
from core.documents.blocks import Block, Bullets, Heading, Paragraph, table
from core.documents.building import appended, live_versions
from core.documents.words import days
from core.formatting import money_short, number, percent
from core.models import Tenant
from journeys.models import Pipeline
from journeys.queries.analysis.conversion import Conversion, Share, conversion
from journeys.queries.analysis.cycles import cycles
from journeys.queries.analysis.scope import LEAST, Scope
from journeys.queries.analysis.win_rates import win_rates
from journeys.queries.programs import KIND as PROGRAM_KIND
from journeys.queries.stages import JOURNEY_KIND, STANDARD, stage_loads


def journey_map(tenant: Tenant, _today: date, sees_money: bool) -> list[Block]:  # noqa: FBT001 -- the seam's signature
    """Who stands where today, what the design lacks, and every stage."""
    return list(_journey_map(tenant, sees_money=sees_money))


def _journey_map(tenant: Tenant, *, sees_money: bool) -> Iterator[Block]:
    loads = stage_loads()
    rows = [
        [
            one.stage.name,
            one.stage.owner_team or "nobody yet",
            number(one.accounts),
            *([money_short(one.arr_minor, tenant.currency)] if sees_money else []),
            days(one.stage.expected_days) if one.stage.expected_days else "not said",
        ]
        for one in loads
    ]
    head = ["Stage", "Leads", "Accounts", *(["ARR"] if sees_money else []), "Expected"]
    yield table(head, rows, "Accounts by stage", [2, *([3] if sees_money else [])])
    gaps = [f"{one.stage.name} lacks {' and '.join(one.gaps)}." for one in loads if one.gaps]
    if gaps:
        yield Heading("Gaps in the design")
        yield Bullets(tuple(gaps))
    for version in live_versions([JOURNEY_KIND]):
        if version.key == STANDARD:
            yield from appended(version)


def stage_conversion(tenant: Tenant, today: date, sees_money: bool) -> list[Block]:  # noqa: FBT001 -- the seam's signature
    """Each pipeline with deals: how far they come, what is won, and how long it takes."""
    blocks: list[Block] = [Paragraph("Over all deals there are. A deal counts once in each stage that it came to.")]
    for pipeline in Pipeline.objects.order_by("-is_default", "name"):
        blocks += _pipeline(pipeline, tenant, today, sees_money=sees_money)
    return blocks


def _pipeline(pipeline: Pipeline, tenant: Tenant, today: date, *, sees_money: bool) -> Iterator[Block]:
    scope = Scope(pipeline.pk)
    found, rates, cycle = conversion(scope), win_rates(scope).whole, cycles(scope, today=today).whole
    yield Heading(pipeline.name)
    if not found.deals.deals:
        yield Paragraph("There are no deals in it yet.")
        return
    yield table(
        ("Stage", "Came to it", "Went on", "Lost", "Still there", "Share that went on"),
        [
            (
                one.name,
                number(one.entered.deals),
                number(one.advanced.deals),
                number(one.lost.deals),
                number(one.waiting.deals),
                _share(one.rate),
            )
            for one in found.stages
        ],
        "Stage by stage",
        range(1, 6),
    )
    yield Bullets(tuple(_findings(found, tenant, sees_money=sees_money)))
    decided = "too few are decided" if rates.is_small else percent(rates.by_count.value, 1)
    yield Paragraph(f"Win rate: {decided}, {number(rates.won)} won of {number(rates.decided)} decided.")
    if cycle.median is not None and not cycle.is_small:
        yield Paragraph(
            f"Sales cycle of won deals: half within {days(round(cycle.median))}, nine in ten within "
            f"{days(round(cycle.p90 or 0))}."
        )


def _share(one: Share) -> str:
    return f"fewer than {LEAST}" if one.is_small else percent(one.of_deals, 1)


def _findings(found: Conversion, tenant: Tenant, *, sees_money: bool) -> Iterator[str]:
    if found.biggest_drop is not None:
        lost = number(found.biggest_drop.lost.deals)
        base = number(found.biggest_drop.drop.base.deals)
        share = _share(found.biggest_drop.drop)
        yield f"{found.biggest_drop.name} loses the largest share: {lost} of {base} decided, {share}."
    by_amount = found.biggest_drop_by_amount
    if sees_money and by_amount is not None:
        yield f"By amount {by_amount.name} does: {money_short(by_amount.lost.minor, tenant.currency)} lost there."
    yield f"{number(found.open.deals)} deals are still open; they count neither as gone on nor as lost."


def programs(_tenant: Tenant, _today: date, _sees_money: bool) -> list[Block]:  # noqa: FBT001 -- the seam's signature
    """Every live program with the segments that programs are for."""
    return _chapters([PROGRAM_KIND])


def handbook(_tenant: Tenant, _today: date, _sees_money: bool) -> list[Block]:  # noqa: FBT001 -- the seam's signature
    """Everything a new rep needs: stages with criteria, the questions, the hand-offs, the playbooks."""
    return [
        Paragraph("How we sell and what happens then. It is made of the live processes: what stands here is in force."),
        *_chapters(["pipeline", "qualification", JOURNEY_KIND, "playbook"]),
    ]


def _chapters(kinds: Sequence[str]) -> list[Block]:
    several = len(kinds) > 1
    labels = {kind.kind: kind.label for kind in registry.process_kinds()}
    return [
        block
        for version in live_versions(kinds)
        for block in appended(version, f"{labels[version.kind]}: {version.name}" if several else "")
    ]
