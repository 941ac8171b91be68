"""A small workspace with one of everything, for tests that walk all of it."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from accounts.models import Account, Activity, Contact, Contract, ContractLine, ImportBatch, Person
from core import clock, versioning
from core.actions import add_member, create_tenant
from core.actors import Actor
from core.choices import Role
from core.models import ApiKey, Job, Membership, Notification, ProcessVersion, Tenant
from core.tenancy import tenant_context
from escalations.models import Escalation
from health.actions.validation import validate
from health.models import Alert, Calibration
from journeys.actions.plays import start_play
from journeys.models import (
    Absence,
    BookHandover,
    Checkpoint,
    Evidence,
    Expectation,
    Handoff,
    HandoverLine,
    LifecycleStage,
    Opportunity,
    Pipeline,
    RunStep,
    StageVisit,
    Task,
    Waiver,
)
from qbr.models import QBR, QBRPackage
from renewals.models import Renewal

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class World:
    """The workspace, a member per role, and the id of one row per kind that an address can name."""

    tenant: Tenant
    members: dict[str, Membership] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)


def make_world(slug: str, *, canary: str) -> World:
    """A workspace with its defaults. Every text that a page could show carries the canary."""
    tenant = create_tenant(
        slug=slug,
        name=f"Workspace {canary}",
        currency="EUR",
        timezone="Europe/Berlin",
        actor=Actor.system("test"),
        now=NOW,
    )
    world = World(tenant=tenant)
    for role in Role:
        world.members[role] = add_member(
            tenant=tenant,
            email=f"{role}@{slug}.example",
            name=f"{role} {canary}",
            role=Role(role),
            password=None,
            actor=Actor.system("test"),
            now=clock.now(),
        )
    with tenant_context(tenant.pk):
        _fill(world, canary)
    return world


def _fill(world: World, canary: str) -> None:
    person = Person.objects.create(
        name=f"Maya {canary}", name_key=f"maya {canary}".lower(), membership=world.members[Role.CSM]
    )
    account = Account.objects.create(
        name=f"Brightwater {canary}", name_key=f"brightwater {canary}".lower(), owner=person, segment="enterprise",
        arr_minor=41_200_000, arr_as_of=NOW.date(), customer_since=date(2024, 3, 1), external_id=f"A-{canary}",
    )  # fmt: skip
    Contact.objects.create(account=account, name=f"Elena {canary}", email_key=f"elena@{canary.lower()}.example")
    Activity.objects.create(account=account, kind="call", occurred_at=NOW, subject=f"Call {canary}", body=canary)
    world.ids = {
        "account_id": account.pk,
        "person_id": person.pk,
        "membership_id": world.members[Role.REVOPS_ADMIN].pk,
        "version_id": ProcessVersion.objects.order_by("pk").values_list("pk", flat=True)[0],
        **_renewal(account, person, canary),
        **_qbr(account, person),
        **_escalation(account, person),
        **_handoff(account, person, canary),
        **_ground(world, canary),
        **_opportunity(account, canary),
        **_alert(world, account, person, canary),
        **_play(account, canary),
        **_proof(canary),
        **_process(world, account, person, canary),
    }


def _renewal(account: Account, person: Person, canary: str) -> dict[str, int]:
    contract = Contract.objects.create(
        account=account, starts_on=date(2025, 4, 1), ends_on=date(2026, 4, 1), currency="EUR", name=f"Contract {canary}"
    )
    ContractLine.objects.create(
        contract=contract, account=account, starts_on=contract.starts_on, ends_on=contract.ends_on, arr_minor=41_200_000
    )
    renewal = Renewal.objects.create(
        account=account, contract=contract, owner=person, due_on=date(2026, 4, 1), basis="end_date",
        amount_minor=41_200_000, opened_at=NOW, seen_on=NOW.date(),
    )  # fmt: skip
    task = Task.objects.create(
        account=account, title=f"Send the quote {canary}", due_on=NOW.date(), assignee=person, created_at=NOW,
        kind="renewal", subject_kind="renewal", subject_id=renewal.pk,
    )  # fmt: skip
    return {"contract_id": contract.pk, "renewal_id": renewal.pk, "task_id": task.pk}


def _qbr(account: Account, person: Person) -> dict[str, int]:
    qbr = QBR.objects.create(
        account=account, owner=person, cadence_version=_version("qbr_cadence"), due_on=date(2026, 3, 10),
        period_start=date(2025, 12, 1), period_end=date(2026, 3, 1), created_at=NOW,
    )  # fmt: skip
    package = QBRPackage.objects.create(
        qbr=qbr, template_version=_version("qbr_template"), number=1, frozen_at=NOW, data={}, sha256="0" * 64
    )
    return {"qbr_id": qbr.pk, "package_id": package.pk}


def _escalation(account: Account, person: Person) -> dict[str, int]:
    escalation = Escalation.objects.create(
        account=account, policy_version=_version("escalation_policy"), policy_key="at_risk_near_renewal",
        owner=person, arr_at_risk_minor=41_200_000, opened_at=NOW,
    )  # fmt: skip
    return {"escalation_id": escalation.pk}


def _handoff(account: Account, person: Person, canary: str) -> dict[str, int]:
    handoff = Handoff.objects.create(
        account=account, key="sales_to_cs", name=f"Sales to CS {canary}", origin_key=f"test:{canary}", created_at=NOW,
        due_at=NOW + timedelta(hours=48), from_person=person, to_person=person, version=_version("journey"),
        checklist=[{"key": "scope", "name": f"Scope {canary}", "done_at": None, "done_by": ""}],
    )  # fmt: skip
    expectation = Expectation.objects.create(
        account=account, text=f"Live by May {canary}", recorded_at=NOW, recorded_by=canary
    )
    return {"handoff_id": handoff.pk, "expectation_id": expectation.pk}


def _ground(world: World, canary: str) -> dict[str, int]:
    """Background work, a key of a program, and an import."""
    job = Job.objects.create(kind="test", key=canary, created_at=NOW, state="done", step=canary)
    key = ApiKey.objects.create(
        tenant=world.tenant, name=f"Key {canary}", prefix="rvk_00000000", digest=f"{canary}".ljust(64, "0")[:64],
        role=Role.LEADER, created_at=NOW, created_by="test",
    )  # fmt: skip
    batch = ImportBatch.objects.create(
        kind="accounts", file_name=f"{canary}.csv", file_path="missing.csv", created_at=NOW
    )
    return {"job_id": job.pk, "key_id": key.pk, "batch_id": batch.pk, "import_id": batch.pk}


def _opportunity(account: Account, canary: str) -> dict[str, int]:
    pipeline = Pipeline.objects.filter(is_default=True).first()
    if pipeline is None:
        return {}
    stage = pipeline.stages.order_by("position").first()
    opportunity = Opportunity.objects.create(
        account=account, pipeline=pipeline, stage=stage, name=f"Seats {canary}", currency="EUR", amount_minor=100
    )
    return {"opportunity_id": opportunity.pk, "pipeline_id": pipeline.pk, "stage_id": opportunity.stage_id}


def _alert(world: World, account: Account, person: Person, canary: str) -> dict[str, int]:
    rule = ProcessVersion.objects.get(kind="alert_rule", key="score_drop", state="published")
    alert = Alert.objects.create(
        account=account, rule=rule, rule_key=rule.key, person=person, opened_on=NOW.date(), opened_at=NOW, told_at=NOW,
        why=[{"fact": "accounts.arr", "label": "ARR", "op": "gte", "value": 1, "saw": 41_200_000}], note=canary,
    )  # fmt: skip
    notice = Notification.objects.create(
        membership=world.members[Role.CSM], kind="alert", key=str(alert.pk), text=f"Score fell {canary}", created_at=NOW
    )
    return {"alert_id": alert.pk, "notification_id": notice.pk}


def _proof(canary: str) -> dict[str, int]:
    """How well the live score model tells lost from kept, and a calibration that found too little."""
    model = _version("score_model")
    report = validate(version=model, actor=Actor.system(canary), now=NOW, today=NOW.date(), leads=[90])[0]
    calibration = Calibration.objects.create(
        source=model, lead_days=90, train_until=NOW.date(), verdict="not_enough_data", figures={"note": canary},
        made_at=NOW, made_by=canary,
    )  # fmt: skip
    return {"model_id": model.pk, "report_id": report.pk, "calibration_id": calibration.pk}


def _process(world: World, account: Account, person: Person, canary: str) -> dict[str, int]:
    """One row of each kind that people, gates and the journey bring."""
    deputy = Person.objects.create(name=f"Ilse {canary}", name_key=f"ilse {canary}".lower())
    absence = Absence.objects.create(
        person=person, deputy=deputy, from_on=date(2027, 1, 4), until_on=date(2027, 1, 11), created_at=NOW,
        created_by=canary,
    )  # fmt: skip
    book = BookHandover.objects.create(person=deputy, effective_on=NOW.date(), created_at=NOW, created_by=canary)
    line = HandoverLine.objects.create(handover=book, account=account, note=f"Note {canary}")
    waiver = Waiver.objects.create(
        account=account, stage_key="adoption", version=ProcessVersion.objects.filter(kind="journey").first(),
        criteria=[{"key": "goal", "name": f"Goal {canary}"}], reason=f"Asked {canary}", asked_at=NOW,
        asked_by=canary, expires_on=date(2026, 4, 1),
    )  # fmt: skip
    stage = LifecycleStage.objects.filter(journey="standard").order_by("position").first()
    visit = StageVisit.objects.create(account=account, stage=stage, entered_on=NOW.date(), reason=canary)
    checkpoint = Checkpoint.objects.create(
        visit=visit, account=account, key="kick_off", name=f"Kick-off {canary}", due_on=NOW.date(), note=canary
    )
    evidence = Evidence.objects.create(
        account=account, stage_key="adoption", criterion_key="goal", given_on=NOW.date(), text=f"Seen {canary}",
        given_at=NOW, given_by=canary,
    )  # fmt: skip
    contact = Contact.objects.filter(account=account).first()
    return {
        "absence_id": absence.pk, "line_id": line.pk, "waiver_id": waiver.pk,
        "checkpoint_id": checkpoint.pk, "evidence_id": evidence.pk,
        "contact_id": contact.pk if contact else 0,
    }  # fmt: skip


def _play(account: Account, canary: str) -> dict[str, int]:
    """A play of a small playbook, whose key is the one that walks of all addresses name."""
    definition = {
        "goal": f"Welcome {canary}",
        "steps": [
            {"key": "call", "title": f"Call {canary}", "owner": "account_owner", "due": {"days": 3}, "script": canary,
             "done_when": f"Called {canary}", "panel": ["accounts.arr"]},
            {"key": "write", "title": "Write", "owner": "csm", "due": {"days": 2, "from": "step:call"},
             "done_when": "Written"},
        ],
    }  # fmt: skip
    actor = Actor.system(canary)
    version = versioning.draft(
        kind="playbook", key="grr_cohort", name=f"Welcome {canary}", definition=definition, actor=actor, now=NOW
    )
    versioning.publish(version=version, actor=actor, now=NOW, reason=canary, exempt=True)
    run = start_play(playbook="grr_cohort", account_id=account.pk, actor=actor, today=NOW.date(), now=NOW)
    first = RunStep.objects.filter(run=run).order_by("position").values_list("pk", flat=True)[0]
    return {"play_id": run.pk, "step_id": first}


def _version(kind: str) -> ProcessVersion:
    """The first version of a kind that went live: the default of the workspace."""
    return ProcessVersion.objects.filter(kind=kind, state="published").earliest("pk")
