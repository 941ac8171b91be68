"""`process`: every kind of process as files, out of one workspace, into another, and back again."""

import io
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from core import clock, registry, versioning
from core.actions import add_member, create_tenant
from core.actors import Actor
from core.choices import Role
from core.management.base import CommandRefused
from core.models import AuditEntry, Job, ProcessVersion, Tenant
from core.tenancy import tenant_context

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("only_real_kinds")]
ACTOR = Actor.system("test")


@pytest.fixture
def only_real_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests register kinds of their own."""
    kinds = {name: kind for name, kind in registry._registry.process_kinds.items() if not name.startswith("test.")}
    monkeypatch.setattr(registry._registry, "process_kinds", kinds)


@pytest.fixture
def gated(monkeypatch: pytest.MonkeyPatch, only_real_kinds: None) -> None:
    """The renewal timeline behind a gate that is shut."""
    kind = registry.process_kind("renewal_timeline")
    values = {name: getattr(kind, name) for name in kind.__dataclass_fields__}
    shut = registry.ProcessKind(**{**values, "gate": lambda _version: ["Nobody has tried it yet."]})
    monkeypatch.setitem(registry._registry.process_kinds, "renewal_timeline", shut)


@pytest.fixture
def harbour(now: datetime) -> Tenant:
    """A workspace with the defaults of every app."""
    return create_tenant(slug="harbour", name="Harbour", currency="EUR", timezone="UTC", actor=ACTOR, now=now)


def process(*arguments: str | Path, tenant: str = "harbour") -> tuple[dict[str, Any], str]:
    """What the command prints, and what it says."""
    out, err = io.StringIO(), io.StringIO()
    call_command("process", *map(str, arguments), "--json", "--tenant", tenant, stdout=out, stderr=err)
    report: dict[str, Any] = json.loads(out.getvalue())
    return report, err.getvalue()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.yaml"))}


def live(kind: str, key: str, tenant: Tenant) -> ProcessVersion:
    with tenant_context(tenant.pk):
        return ProcessVersion.objects.get(kind=kind, key=key, state="published")


def change(folder: Path, file: str, old: str, new: str) -> Path:
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def _second_ones_and_drafts(tenant: Tenant, now: datetime) -> None:
    """Beside each default another process with names from all over the world, and a draft of it."""
    with tenant_context(tenant.pk):
        for first in ProcessVersion.objects.filter(state="published"):
            key, name = "zweit_ключ-二", 'Größe „№1“: 大客户 — "a: b" #c'
            definition = dict(first.definition)
            if registry.process_kind(first.kind).headed:
                definition |= {"key": key, "name": name}
            values = {"kind": first.kind, "key": key, "actor": ACTOR, "now": now, "definition": definition}
            if ProcessVersion.objects.filter(kind=first.kind, key=key).exists():
                continue
            versioning.publish(
                version=versioning.draft(name=name, **values), actor=ACTOR, now=now, reason="r", waiver="w"
            )
            versioning.draft(name=f"{name} (neu)", **values)


@pytest.mark.capability("P4")
def test_out_of_one_workspace_into_an_empty_one_and_out_again_is_the_same_to_the_byte(
    harbour: Tenant, heron: Tenant, now: datetime, tmp_path: Path
) -> None:
    _second_ones_and_drafts(harbour, now)
    process("export", tmp_path / "first", "--drafts")
    process("apply", tmp_path / "first", "--publish", "--reason", "moved in", tenant="heron")
    process("export", tmp_path / "second", "--drafts", tenant="heron")
    first, second = contents(tmp_path / "first"), contents(tmp_path / "second")
    assert first == second
    exported = {Path(name).parts[0] for name in first}
    assert exported == {kind.kind for kind in registry.process_kinds()}
    assert sum(name.endswith(".draft.yaml") for name in first) == len(exported)


def test_an_export_carries_no_ids_dates_or_version_numbers(harbour: Tenant, tmp_path: Path) -> None:
    process("export", tmp_path)
    version = live("renewal_timeline", "standard", harbour)
    text = (tmp_path / "renewal_timeline/standard.yaml").read_text()
    assert text.startswith("kind: renewal_timeline\nkey: standard\nname: Renewal timeline\nweekend: next\n")
    assert [word for word in (version.content_hash, "published", "number", "2026") if word in text] == []


def test_an_export_writes_only_what_differs(harbour: Tenant, tmp_path: Path) -> None:
    first, _ = process("export", tmp_path)
    (tmp_path / "renewal_timeline/standard.yaml").write_text("old\n")
    again, _ = process("export", tmp_path)
    assert (first["written"], again["written"], again["exported"]) == (first["exported"], 1, first["exported"])


def test_applying_twice_changes_nothing_the_second_time(harbour: Tenant, tmp_path: Path) -> None:
    process("export", tmp_path)
    change(tmp_path, "renewal_timeline/standard.yaml", "offset_days: 60", "offset_days: 45")
    first, _ = process("apply", tmp_path)
    with tenant_context(harbour.pk):
        rows, trail = ProcessVersion.objects.count(), AuditEntry.objects.count()
    second, _ = process("apply", tmp_path)
    with tenant_context(harbour.pk):
        assert (ProcessVersion.objects.count(), AuditEntry.objects.count()) == (rows, trail)
    assert (first["drafted"], second["drafted"], second["unchanged"]) == (1, 0, first["unchanged"] + 1)


def test_what_is_applied_is_a_draft_and_the_live_version_stays(harbour: Tenant, tmp_path: Path) -> None:
    process("export", tmp_path)
    file = change(tmp_path, "score_model/standard.yaml", "weight: 30", "weight: 55")
    report, _ = process("apply", file)
    assert report["files"][0]["outcome"] == "drafted"
    assert live("score_model", "standard", harbour).number == 1


def test_the_same_draft_is_edited_rather_than_stacked(harbour: Tenant, tmp_path: Path) -> None:
    process("export", tmp_path)
    for days in (45, 50):
        text = (tmp_path / "renewal_timeline/standard.yaml").read_text()
        (tmp_path / "x.yaml").write_text(text.replace("offset_days: 60", f"offset_days: {days}"))
        report, _ = process("apply", tmp_path / "x.yaml")
        assert report["files"][0]["number"] == 2


def test_a_file_is_the_newest_version_whoever_drafted_since(harbour: Tenant, tmp_path: Path) -> None:
    process("export", tmp_path)
    file = change(tmp_path, "renewal_timeline/standard.yaml", "offset_days: 60", "offset_days: 45")
    assert process("apply", file)[0]["files"][0]["number"] == 2
    with tenant_context(harbour.pk):
        old = ProcessVersion.objects.get(kind="renewal_timeline", key="standard", number=2)
        other = Actor.system("Somebody else")
        versioning.draft(
            kind=old.kind, key=old.key, name=old.name, definition=old.definition | {"weekend": "previous"},
            actor=other, now=clock.now(),
        )  # fmt: skip
    assert process("apply", file)[0]["files"][0]["number"] == 4
    change(tmp_path, "renewal_timeline/standard.yaml", "offset_days: 45", "offset_days: 40")
    assert process("apply", file)[0]["files"][0]["number"] == 4
    with tenant_context(harbour.pk):
        assert ProcessVersion.objects.get(pk=old.pk).definition == old.definition


@pytest.mark.capability("P4")
def test_a_difference_speaks_the_language_of_the_work(harbour: Tenant, tmp_path: Path) -> None:
    process("export", tmp_path)
    change(tmp_path, "score_model/standard.yaml", "yellow: 50", "yellow: 45")
    change(tmp_path, "score_model/standard.yaml", "    weight: 30", "    weight: 35")
    change(
        tmp_path,
        "score_model/standard.yaml",
        "    weight: 20\n    missing: exclude\n  - key: sent",
        "    weight: 15\n    missing: exclude\n  - key: sent",
    )
    change(tmp_path, "renewal_timeline/standard.yaml", "offset_days: 60", "offset_days: 45")
    change(tmp_path, "escalation_policy/at_risk_near_renewal.yaml", "value: 90", "value: 120")
    change(tmp_path, "qbr_cadence/standard.yaml", "enterprise: 3", "enterprise: 2")
    change(tmp_path, "qbr_template/standard.yaml", "Risks and what we do", "Risks")
    change(tmp_path, "pipeline/sales.yaml", "probability: 25", "probability: 30")
    change(tmp_path, "journey/standard.yaml", "expected_days: 60", "expected_days: 45")
    report, _ = process("diff", tmp_path)
    told = {one["kind"]: one["changes"] for one in report["files"] if one["state"] != "same"}
    assert told == {
        "score_model": [
            "red below 50 → 45",
            "weight of Product usage 30 % → 35 %",
            "weight of Support load 20 % → 15 %",
        ],
        "renewal_timeline": ["step “Send the renewal quote” due 60 days before → 45 days before"],
        "escalation_policy": ["condition Days to renewal is at most 90 → is at most 120"],
        "qbr_cadence": ["review of Enterprise every 3 months → every 2 months"],
        "qbr_template": ["title of section risks Risks and what we do → Risks"],
        "pipeline": ["probability of stage Demo 25 % → 30 %"],
        "journey": ["expected time in stage Onboarding 60 days → 45 days"],
    }


def test_a_drift_check_ends_with_an_error_only_when_something_differs(harbour: Tenant, tmp_path: Path) -> None:
    process("export", tmp_path)
    assert process("diff", tmp_path, "--check")[0]["differs"] is False
    (tmp_path / "journey/standard.yaml").unlink()
    report, _ = process("diff", tmp_path)
    assert [(one["kind"], one["state"]) for one in report["files"] if one["state"] != "same"] == [
        ("journey", "only_live")
    ]
    with pytest.raises(CommandRefused):
        process("diff", tmp_path, "--check")


def test_a_plan_tells_effects_and_gates_and_writes_nothing(harbour: Tenant, gated: None, tmp_path: Path) -> None:
    process("export", tmp_path)
    change(tmp_path, "renewal_timeline/standard.yaml", "offset_days: 60", "offset_days: 45")
    with tenant_context(harbour.pk):
        before = (ProcessVersion.objects.count(), AuditEntry.objects.count(), Job.objects.count())
    report, _ = process("plan", tmp_path)
    with tenant_context(harbour.pk):
        assert (ProcessVersion.objects.count(), AuditEntry.objects.count(), Job.objects.count()) == before
    planned = next(one for one in report["files"] if one["state"] != "same")
    assert (report["changes"], planned["refused"], planned["waivable"]) == (1, ["Nobody has tried it yet."], True)
    assert planned["effects"] == ["0 open renewals keep the tasks that they have; new renewals follow the new text."]


def test_a_reason_signs_the_waiver_of_a_shut_gate_and_the_terminal_says_so(
    harbour: Tenant, gated: None, tmp_path: Path
) -> None:
    process("export", tmp_path)
    change(tmp_path, "renewal_timeline/standard.yaml", "offset_days: 60", "offset_days: 45")
    report, said = process("apply", tmp_path, "--publish", "--reason", "The board decided.")
    version = live("renewal_timeline", "standard", harbour)
    assert (report["published"], report["waived"], version.number) == (1, 1, 2)
    assert (version.waiver_reason, version.reason) == ("The board decided.", "The board decided.")
    assert version.waived_by.startswith("process")
    assert "published with a waiver. Nobody has tried it yet. Signed: The board decided." in said


def test_all_files_or_none(harbour: Tenant, tmp_path: Path) -> None:
    process("export", tmp_path)
    change(tmp_path, "renewal_timeline/standard.yaml", "offset_days: 60", "offset_days: 45")
    change(tmp_path, "score_model/standard.yaml", "mapping: {linear: {worst: 10, best: 0}}", "mapping: {learn: linear}")
    with pytest.raises(CommandRefused) as refused:
        process("apply", tmp_path, "--publish", "--reason", "both")
    assert str(refused.value).startswith("score_model/standard.yaml:22: inputs[1].mapping: 'support' is still to be")
    assert live("renewal_timeline", "standard", harbour).number == 1


def test_publishing_without_a_reason_is_wrong_usage(harbour: Tenant, tmp_path: Path) -> None:
    process("export", tmp_path)
    with pytest.raises(CommandRefused, match="Say why with --reason") as refused:
        process("apply", tmp_path, "--publish")
    assert refused.value.returncode == 2


def test_nothing_to_read_is_refused(harbour: Tenant, tmp_path: Path) -> None:
    for path, words in ((tmp_path / "gone", "no such file"), (tmp_path, "No .yaml file")):
        with pytest.raises(CommandRefused, match=words):
            process("apply", path)


def test_a_draft_in_review_is_not_overwritten_by_its_author(harbour: Tenant, tmp_path: Path) -> None:
    with tenant_context(harbour.pk):
        member = add_member(
            tenant=harbour, email="ada@harbour.example", name="Ada", role=Role.REVOPS_ADMIN, password=None,
            actor=Actor.system("test"), now=clock.now(),
        )  # fmt: skip
    by = ("--by", member.user.email)
    process("export", tmp_path)
    change(tmp_path, "renewal_timeline/standard.yaml", "offset_days: 60", "offset_days: 45")
    process("apply", tmp_path, *by)
    process("ask-review", "renewal_timeline", "standard", "--reason", "sooner", *by)
    change(tmp_path, "renewal_timeline/standard.yaml", "offset_days: 45", "offset_days: 40")
    with pytest.raises(CommandRefused, match=r"is in review, as Ada asked\. Take it back first"):
        process("apply", tmp_path, *by)
    process("take-back", "renewal_timeline", "standard", *by)
    report, _ = process("apply", tmp_path, *by)
    assert [one["number"] for one in report["files"] if one["outcome"] == "drafted"] == [2]


def test_a_namesake_does_not_overwrite_a_draft(harbour: Tenant, tmp_path: Path) -> None:
    with tenant_context(harbour.pk):
        two = [
            add_member(
                tenant=harbour,
                email=f"{name}@harbour.example",
                name="Ada",
                role=Role.REVOPS_ADMIN,
                password=None,
                actor=Actor.system("test"),
                now=clock.now(),
            )
            for name in ("one", "two")
        ]
    process("export", tmp_path)
    numbers = []
    for member, days in zip(two, ("offset_days: 45", "offset_days: 40"), strict=True):
        path = tmp_path / "renewal_timeline/standard.yaml"
        path.write_text(re.sub("offset_days: (60|45)", days, path.read_text()))
        report, _ = process("apply", tmp_path, "--by", member.user.email)
        numbers += [one["number"] for one in report["files"] if one["outcome"] == "drafted"]
    assert numbers == [2, 3]


def test_a_roll_back_brings_the_content_of_before_under_a_new_number(harbour: Tenant, tmp_path: Path) -> None:
    process("export", tmp_path)
    change(tmp_path, "renewal_timeline/standard.yaml", "offset_days: 60", "offset_days: 45")
    process("apply", tmp_path, "--publish", "--reason", "sooner")
    report, _ = process("rollback", "renewal_timeline", "standard", "--reason", "too soon")
    assert report == {
        "kind": "renewal_timeline",
        "key": "standard",
        "number": 3,
        "content_of": 1,
        "changes": ["step “Send the renewal quote” due 45 days before → 60 days before"],
    }
    assert live("renewal_timeline", "standard", harbour).reason == "too soon"


@pytest.mark.capability("P4")
def test_a_roll_back_restores_the_same_export_to_the_byte(harbour: Tenant, tmp_path: Path) -> None:
    process("export", tmp_path / "before")
    process("export", tmp_path / "work")
    for file in ("renewal_timeline/standard.yaml", "score_model/standard.yaml", "pipeline/sales.yaml"):
        change(tmp_path / "work", file, "name: ", "name: New ")
    process("apply", tmp_path / "work", "--publish", "--reason", "renamed")
    for kind, key in (("renewal_timeline", "standard"), ("score_model", "standard"), ("pipeline", "sales")):
        process("rollback", kind, key, "--reason", "back")
    process("export", tmp_path / "after")
    assert contents(tmp_path / "after") == contents(tmp_path / "before")


@pytest.mark.parametrize("words", [("renewal_timeline", "standard"), ("renewal_timeline", "gone"), ("gone", "gone")])
def test_a_roll_back_without_anything_before_is_refused(harbour: Tenant, words: tuple[str, str]) -> None:
    with pytest.raises(CommandRefused):
        process("rollback", *words, "--reason", "x")


def test_a_pipeline_from_a_file_gives_its_stages_and_keeps_those_in_use(harbour: Tenant, tmp_path: Path) -> None:
    from journeys.models import Opportunity, Pipeline, PipelineStage

    process("export", tmp_path)
    change(tmp_path, "pipeline/sales.yaml", "name: Demo", "name: Show")
    process("apply", tmp_path, "--publish", "--reason", "renamed")
    with tenant_context(harbour.pk):
        sales = Pipeline.objects.get()
        stage = PipelineStage.objects.get(key="demo")
        assert (stage.name, sales.is_default, sales.stages.count()) == ("Show", True, 6)
        Opportunity.objects.create(pipeline=sales, stage=stage, name="Deal", currency="EUR")
    text = (tmp_path / "pipeline/sales.yaml").read_text()
    start = text.index("  - key: demo")
    (tmp_path / "pipeline/sales.yaml").write_text(text[:start] + text[text.index("  - key: proposal") :])
    with pytest.raises(CommandRefused, match="'demo' is missing, but opportunities are or were in it"):
        process("apply", tmp_path, "--publish", "--reason", "shorter")


def test_a_score_model_from_a_file_meets_the_gate_of_its_proof(harbour: Tenant, tmp_path: Path) -> None:
    process("export", tmp_path)
    change(tmp_path, "score_model/standard.yaml", "yellow: 50", "yellow: 45")
    planned = process("plan", tmp_path / "score_model")[0]["files"][0]
    assert (len(planned["refused"]), planned["waivable"]) == (1, True)
    report, said = process("apply", tmp_path, "--publish", "--reason", "A pilot.")
    version = live("score_model", "standard", harbour)
    assert (report["waived"], version.waiver_reason, "Signed: A pilot." in said) == (1, "A pilot.", True)


def test_a_person_reads_words_at_the_terminal(harbour: Tenant, tmp_path: Path) -> None:
    process("export", tmp_path)
    change(tmp_path, "renewal_timeline/standard.yaml", "offset_days: 60", "offset_days: 45")
    out = io.StringIO()
    call_command("process", "diff", str(tmp_path), tenant="harbour", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[:2] == [
        "renewal_timeline/standard.yaml  differs",
        "  step “Send the renewal quote” due 60 days before → 45 days before",
    ]
    assert lines[2].endswith(" unchanged")


def test_a_member_signs_by_name_and_a_stranger_does_not(harbour: Tenant, now: datetime, tmp_path: Path) -> None:
    add_member(
        tenant=harbour, email="ada@harbour.example", name="Ada Berg", role=Role.REVOPS_ADMIN, password=None,
        actor=ACTOR, now=now,
    )  # fmt: skip
    process("export", tmp_path)
    change(tmp_path, "renewal_timeline/standard.yaml", "offset_days: 60", "offset_days: 45")
    process("apply", tmp_path, "--publish", "--reason", "r", "--by", "Ada@harbour.example")
    assert live("renewal_timeline", "standard", harbour).published_by == "Ada Berg"
    with pytest.raises(CommandRefused, match="no member of this workspace"):
        process("apply", tmp_path, "--by", "eve@elsewhere.example")
