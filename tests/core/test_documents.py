"""Renderers of documents: the same text for the same blocks, whatever the blocks hold."""

from datetime import UTC, datetime

import pytest
from django.template.loader import render_to_string

from core import references, registry, versioning
from core.actors import Actor
from core.documents.blocks import Block, Bullets, Heading, Paragraph, Step, Steps, table
from core.documents.building import Written
from core.documents.markdown import as_markdown
from core.documents.paper import as_pdf
from core.documents.words import sentence
from core.models import ProcessVersion, Tenant
from core.registry import ProcessKind, Reference

BLOCKS: tuple[Block, ...] = (
    Heading("Steps"),
    Paragraph("Read *this* first.", strong=True),
    Bullets(("One | two", "<b>three</b>")),
    Steps((Step("Call", ("Ask why", "Write it down")), Step("Write"))),
    table(("Stage", "Days"), [("Demo", "14"), ("Größe 大", "")], "Stages", [1]),
)
PAPER = Written("Plan [A]", "Playbook", (("Owner", "Ada"), ("Version", "v1")), BLOCKS, "Kestrel · v1", "plan")


def test_markdown_says_everything_and_takes_nothing_for_markup() -> None:
    assert as_markdown(PAPER) == (
        "# Plan \\[A\\]\n\nPlaybook\n\n- **Owner:** Ada\n- **Version:** v1\n\n## Steps\n\n"
        "**Read \\*this\\* first.**\n\n"
        "- One \\| two\n- \\<b\\>three\\</b\\>\n\n1. **Call**\n   - Ask why\n   - Write it down\n2. **Write**\n\n"
        "Stages:\n\n| Stage | Days |\n|---|---:|\n| Demo | 14 |\n| Größe 大 |   |\n\n---\n\nKestrel · v1\n"
    )


def test_a_pdf_is_made_of_any_blocks_and_the_same_twice() -> None:
    made_at = datetime(2026, 3, 2, tzinfo=UTC)
    first, again = as_pdf(PAPER, made_at=made_at), as_pdf(PAPER, made_at=made_at)
    assert (first[:5], first == again, len(first) > 2_000) == (b"%PDF-", True, True)


def test_the_page_escapes_what_it_shows() -> None:
    text = "".join(render_to_string("core/documents/_block.html", {"block": block}) for block in BLOCKS)
    assert "&lt;b&gt;three&lt;/b&gt;" in text
    assert "<b>three" not in text
    assert text.count("<li>") == 4


def test_a_rule_is_told_in_the_names_that_people_know() -> None:
    label = registry.facts()["accounts.segment"].label
    tree = {"all": [{"fact": "accounts.segment", "op": "in", "value": ["small", "mid_market"]},
                    {"not": {"fact": "accounts.segment", "op": "is_unknown"}}]}  # fmt: skip
    assert sentence(tree) == f"{label} is one of small or mid market and not ({label} is not known)"


def _names(definition: dict[str, object]) -> list[Reference]:
    return [Reference("after", "test.names", str(definition["after"]), "parts", str(definition.get("part", "")))]


if "test.names" not in {kind.kind for kind in registry.process_kinds()}:
    registry.add_process_kind(
        ProcessKind(
            "test.names",
            "Naming process",
            lambda one: None,
            references=lambda one: _names(one) if one.get("after") else [],
        )
    )


def named(key: str, actor: Actor, now: datetime, **definition: object) -> ProcessVersion:
    return versioning.draft(kind="test.names", key=key, name=key, definition=definition, actor=actor, now=now)


def test_what_is_named_is_live_first_and_stays_as_long_as_it_is_named(
    in_kestrel: Tenant, actor: Actor, now: datetime
) -> None:
    second = named("second", actor, now, after="first", part="a")
    assert versioning.unfit_lines(second) == [
        "after: there is no naming process 'first'. Publish it first, or name another one."
    ]
    first = named("first", actor, now, parts=[{"key": "b"}])
    versioning.publish(version=first, actor=actor, now=now, reason="r")
    assert versioning.unfit_lines(second) == ["after: naming process 'first' has no 'a' among its parts. There are: b."]
    versioning.publish(version=named("first", actor, now, parts=[{"key": "a"}]), actor=actor, now=now, reason="r")
    versioning.publish(version=second, actor=actor, now=now, reason="r")
    with pytest.raises(versioning.PublishRefused, match="'a' is missing, but the live naming process “second”"):
        versioning.publish(version=named("first", actor, now, parts=[]), actor=actor, now=now, reason="r")


def test_the_order_in_which_processes_go_live_and_circles() -> None:
    def after(key: str) -> list[Reference]:
        return [Reference("after", "k", key)]

    order, circles = references.in_order({("k", "a"): after("b"), ("k", "b"): after("c"), ("k", "c"): []})
    assert (order, circles) == ([("k", "c"), ("k", "b"), ("k", "a")], [])
    _, circles = references.in_order({("k", "a"): after("b"), ("k", "b"): after("a")})
    assert [(name, one.key) for name, one in circles] == [(("k", "b"), "a")]
