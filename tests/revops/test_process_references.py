"""Processes that name each other: from files, in any order of the files, and never towards nothing."""

import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from core.actions import create_tenant
from core.actors import Actor
from core.management.base import CommandRefused
from core.models import ProcessVersion, Tenant
from core.tenancy import tenant_context

pytestmark = pytest.mark.django_db
FRAMEWORK = """kind: qualification
key: ours
name: Our questions
questions:
  - {key: budget, name: Budget, type: text}
"""
PIPELINE = """kind: pipeline
key: fresh
name: Fresh
frameworks: [ours]
stages:
  - key: talk
    name: Talk
    exit:
      - key: money
        name: Budget is known
        answer: ours.budget
  - {key: won, name: Won, kind: won}
  - {key: lost, name: Lost, kind: lost}
"""


@pytest.fixture
def harbour(now: datetime) -> Tenant:
    """A workspace with the defaults of every app."""
    return create_tenant(
        slug="harbour", name="Harbour", currency="EUR", timezone="UTC", actor=Actor.system("test"), now=now
    )


def process(*arguments: str | Path) -> dict[str, Any]:
    out = io.StringIO()
    call_command("process", *map(str, arguments), "--json", "--tenant", "harbour", stdout=out, stderr=io.StringIO())
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def live(kind: str, key: str, tenant: Tenant) -> bool:
    with tenant_context(tenant.pk):
        return ProcessVersion.objects.filter(kind=kind, key=key, state="published").exists()


def test_a_pipeline_and_the_framework_that_it_names_go_live_together(harbour: Tenant, tmp_path: Path) -> None:
    (tmp_path / "a_pipeline.yaml").write_text(PIPELINE)
    (tmp_path / "b_framework.yaml").write_text(FRAMEWORK)
    report = process("apply", tmp_path, "--publish", "--reason", "both")
    assert [(one["file"], one["outcome"]) for one in report["files"]] == [
        ("a_pipeline.yaml", "published"), ("b_framework.yaml", "published"),
    ]  # fmt: skip
    assert live("pipeline", "fresh", harbour)


@pytest.mark.parametrize("publish", [(), ("--publish", "--reason", "r")])
def test_a_name_that_leads_nowhere_is_refused_with_file_and_line(
    harbour: Tenant, tmp_path: Path, publish: tuple[str, ...]
) -> None:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    with pytest.raises(CommandRefused) as refused:
        process("apply", tmp_path, *publish)
    assert str(refused.value).splitlines() == [
        (
            "pipeline.yaml:4: frameworks[0]: there is no qualification framework 'ours'. Publish it first, or name "
            "another one."
        ),
        (
            "pipeline.yaml:11: stages[0].exit[0].answer: there is no qualification framework 'ours'. Publish it "
            "first, or name another one."
        ),
    ]
    assert not live("pipeline", "fresh", harbour)


def test_a_question_that_a_live_pipeline_asks_does_not_go(harbour: Tenant, tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    (tmp_path / "framework.yaml").write_text(FRAMEWORK)
    process("apply", tmp_path, "--publish", "--reason", "both")
    other = tmp_path / "framework.yaml"
    other.write_text(FRAMEWORK.replace("key: budget", "key: need"))
    with pytest.raises(CommandRefused, match="'budget' is missing, but the live pipeline “Fresh” names it"):
        process("apply", other, "--publish", "--reason", "shorter")
    # Together with a pipeline that no longer asks, it may.
    (tmp_path / "pipeline.yaml").write_text(PIPELINE.replace("ours.budget", "ours.need"))
    assert process("apply", tmp_path, "--publish", "--reason", "both")["published"] == 2


def test_an_alert_that_would_start_a_playbook_which_is_not_there(harbour: Tenant, tmp_path: Path) -> None:
    process("export", tmp_path)
    file = tmp_path / "alert_rule" / "silence.yaml"
    text = file.read_text()
    file.write_text(f"{text}playbook: nothing\n")
    line = text.count("\n") + 1
    with pytest.raises(CommandRefused, match=rf"silence\.yaml:{line}: playbook: there is no playbook 'nothing'"):
        process("apply", file)


def test_a_program_is_for_a_segment_that_is_there(harbour: Tenant, tmp_path: Path) -> None:
    process("export", tmp_path)
    file = tmp_path / "program" / "small_onboarding.yaml"
    file.write_text(file.read_text().replace("segment: small", "segment: tiny"))
    with pytest.raises(CommandRefused, match="there is no segment 'tiny'"):
        process("apply", file, "--publish", "--reason", "r")
    report = process("plan", file)
    assert "there is no segment 'tiny'" in report["files"][0]["refused"][0]


def test_a_segment_says_whom_it_would_hold_before_it_goes_live(harbour: Tenant, tmp_path: Path) -> None:
    process("export", tmp_path)
    file = tmp_path / "segment" / "small.yaml"
    file.write_text(file.read_text().replace("accounts_per_csm: 250", "accounts_per_csm: 100"))
    planned = process("plan", file)["files"][0]
    assert planned["changes"] == ["accounts per CSM 250 → 100"]
    assert planned["effects"] == ["It would hold 0 customers today: work for 0 CSMs."]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("values: [small]", "values: []", "values: give a list of segment keys"),
        ("values: [small]", "values: [enterprize]", "values: there is no segment 'enterprize'"),
        ("values: [small]", "rule: {fact: nothing, op: eq, value: 1}", "rule: Unknown fact 'nothing'"),
        ("touch: digital", "touch: none_at_all", "touch: one of high, mid, low, digital"),
        ("accounts_per_csm: 250", "accounts_per_csm: 0", "accounts_per_csm: a whole number from 1"),
    ],
)
def test_a_bad_segment_is_refused_with_its_field(
    harbour: Tenant, tmp_path: Path, old: str, new: str, words: str
) -> None:
    process("export", tmp_path)
    file = tmp_path / "segment" / "small.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(CommandRefused, match=words):
        process("apply", file)
