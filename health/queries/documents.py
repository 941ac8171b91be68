"""Score models and alert rules as documents, and the health model with its proof."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from core import formatting as f
from core.documents.blocks import Block, Bullets, Heading, Paragraph, table
from core.documents.building import appended, live_versions
from core.documents.words import days, humanised
from core.models import ProcessVersion, Tenant
from core.registry import Reference
from health.queries.alert_words import tree_words
from health.queries.live import KIND
from health.queries.proof_page import page_of
from health.queries.validation import main_report
from health.rules.alerts import parse_alert_rule
from health.rules.wording import describe_model

_IN_TABLE: Final = frozenset({"name", "weight"})


def score_model(definition: dict[str, Any]) -> list[Block]:
    """What the score is made of, input by input, and what its bands mean."""
    return list(_score_model(definition))


def _score_model(definition: dict[str, Any]) -> Iterator[Block]:
    lines = describe_model(definition)
    said = {line.path: line.value for line in lines if not line.part}
    yield Paragraph(f"Scores from 0 to 100; 100 is good. For {said.get('applies_to', 'all customers')}.", strong=True)
    green = said.get("bands.green")
    yield table(
        ("Band", "From", "Below"),
        [
            ("Healthy", str(green), "100, included"),
            ("Watch", str(said.get("bands.yellow")), str(green)),
            ("At risk", "0", str(said.get("bands.yellow"))),
        ],
        "Bands",
        [1, 2],
    )
    yield Paragraph(f"Without enough fresh data there is no score: under a coverage of {said.get('min_coverage')}.")
    parts: dict[str, list[Any]] = {}
    for line in lines:
        if line.part and line.path.startswith("inputs."):
            parts.setdefault(line.part, []).append(line)
    yield Heading("What it is made of")
    shares = {part: next((one.value for one in inside if one.short == "weight"), "") for part, inside in parts.items()}
    yield table(("Input", "Weight"), list(shares.items()), "Weights", [1])
    for part, inside in parts.items():
        yield Heading(part, 3)
        yield Bullets(tuple(f"{humanised(one.short)}: {one.value}" for one in inside if one.short not in _IN_TABLE))
    limits = [line for line in lines if line.path.startswith(("caps.", "floors."))]
    if limits:
        yield Heading("Exceptions")
        yield Bullets(tuple(f"{humanised(line.label)}: {line.value}" for line in limits))


def alert_rule(definition: dict[str, Any]) -> list[Block]:
    """When it opens, when it is over, who is told, and what they do."""
    rule = parse_alert_rule(definition)
    acts = [f"Tells {', '.join(rule.tell)}, by {', '.join(rule.channels)}; at most {rule.budget} a day for a person."]
    if rule.task is not None:
        acts.append(f"Starts the task “{rule.task.title}”, due after {days(rule.task.due_days)}.")
    if definition.get("playbook"):
        acts.append(f"Starts the playbook {humanised(str(definition['playbook']))}.")
    return [
        Paragraph(f"Opens when {tree_words(rule.when)}, for {days(rule.for_days)}.", strong=True),
        Paragraph(f"Is over when {tree_words(rule.clear_when)}. It opens again {days(rule.cool_down_days)} later at "
                  "the earliest."),
        Bullets((f"Severity: {rule.severity}.", *acts)),
    ]  # fmt: skip


def alert_references(definition: dict[str, Any]) -> list[Reference]:
    """The playbook that an alert starts, where it names one."""
    named = definition.get("playbook")
    return [Reference("playbook", "playbook", str(named))] if named else []


def model_and_proof(_tenant: Tenant, _today: date, _sees_money: bool) -> list[Block]:  # noqa: FBT001 -- the seam's signature
    """Every live score model with its latest validation."""
    blocks: list[Block] = []
    for version in live_versions([KIND]):
        blocks += [*appended(version), *_proof(version)]
    return blocks


def _proof(version: ProcessVersion) -> Iterator[Block]:
    yield Heading("Validation")
    report = main_report(version)
    if report is None:
        if version.waived_by:
            waiver = f"Published by {version.waived_by} with the waiver: {version.waiver_reason}"
            yield Paragraph(f"Not proven yet. {waiver}")
        else:
            yield Paragraph("Not proven yet: there is no validation report of this version.")
        return
    page = page_of(report)
    yield Paragraph(f"{page.verdict}. {page.sentence}", strong=True)
    yield table(
        ("Days before", "Outcomes", "Lost", "AUC", "Precision", "Recall"),
        [
            (str(one.lead_days), f.number(one.n), f.number(one.events), f.number(one.auc, 2),
             f.percent(one.precision, 0), f.percent(one.recall, 0))
            for one in page.leads
        ],
        "At risk as an alarm, by lead time",
        range(6),
    )  # fmt: skip
    yield table(
        ("Band", "Accounts", "Lost", "Share lost"),
        [(one["label"], f.number(one["n"]), f.number(one["lost"]), f.percent(one["loss_rate"], 0))
         for one in page.bands],
        "Lost by band",
        [1, 2, 3],
    )  # fmt: skip
    yield Heading("Method", 3)
    yield Bullets(tuple(page.method))
