"""The gate of a person at the customer: rules of the contacts' journey, over the facts of the person's account."""

from datetime import date

from accounts.models import Account, Contact
from core.queries import published_version
from core.tenancy import require_tenant_id
from journeys.models import ContactStageVisit, LifecycleStage
from journeys.queries.criteria import ACCOUNT, Ways, judge, placed_criteria
from journeys.queries.gate_lines import lines_of
from journeys.queries.gates import Gate
from journeys.queries.stages import CONTACTS, JOURNEY_KIND
from journeys.rules.criteria import stage_gates

# One who stands nowhere comes from the furthest stage they ever stood in: leaving is no way around a gate.
_WAY = """
SELECT account.id, %s::integer AS origin, %s::integer AS target, false AS to_lost, NULL::date AS since
FROM accounts_account AS account WHERE account.tenant_id = %s AND account.id = %s
"""


def contact_gate(*, contact: Contact, to_stage: LifecycleStage, today: date, sees_money: bool = True) -> Gate:
    """The gate from where the contact is into a stage of their journey. A constant number of statements.

    One who is placed for the first time is asked only for what the stage asks on entry. The lines say amounts only
    where `sees_money`. There are no waivers for people.
    """
    version = published_version(JOURNEY_KIND, CONTACTS)
    positions = dict(LifecycleStage.objects.filter(journey=CONTACTS).values_list("key", "position"))
    placed = placed_criteria(stage_gates(version.definition) if version else (), positions)
    if not placed:
        return Gate(to_stage.key, to_stage.name, version)
    visits = ContactStageVisit.objects.filter(contact_id=contact.pk)
    here = visits.filter(left_on=None).values_list("stage__position", flat=True).first()
    furthest = visits.order_by("-stage__position").values_list("stage__position", flat=True).first()
    origin = here if here is not None else furthest if furthest is not None else -1
    ways = Ways(_WAY, (origin, to_stage.position, require_tenant_id(), contact.account_id))
    found = judge(Account.objects.filter(pk=contact.account_id), ways, placed, subject=ACCOUNT, as_of=today)
    asked = [(one, met) for one, met in zip(placed, found[0].met if found else (), strict=False) if met is not None]
    lines = lines_of(asked, Account.objects.get(pk=contact.account_id), (), today, sees_money=sees_money)
    return Gate(to_stage.key, to_stage.name, version, lines=lines)
