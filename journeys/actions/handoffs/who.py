"""Whose a hand-off is to tick, to answer, to hand over again and to call off: one rule, asked at page and API."""

from core.permissions import may
from journeys.actions.rights import GIVE_ACCOUNT
from journeys.models import Handoff
from journeys.rules.handoffs import HandoffSpec


def may_accept(handoff: Handoff, spec: HandoffSpec | None, *, role: str, person_id: int | None) -> bool:
    """Whether it is theirs to answer: the addressee, the team that takes over, and whoever may edit accounts.

    Accepting, sending back and saying who answers are all the taker's.
    """
    if may(role, GIVE_ACCOUNT) or (person_id is not None and handoff.to_person_id == person_id):
        return True
    return spec is not None and spec.is_taken_by(role)


def may_prepare(handoff: Handoff, spec: HandoffSpec | None, *, role: str, person_id: int | None) -> bool:
    """Whether they tick its items and hand it over again: both teams, both people, and whoever may edit accounts."""
    if may_accept(handoff, spec, role=role, person_id=person_id):
        return True
    if person_id is not None and handoff.from_person_id == person_id:
        return True
    return spec is not None and spec.is_given_by(role)


def may_call_off(handoff: Handoff, spec: HandoffSpec | None, *, role: str, person_id: int | None) -> bool:
    """Whether they end it unanswered: who gives, who takes, and whoever may edit accounts.

    A team stands in for its person where nobody is named.
    """
    if may(role, GIVE_ACCOUNT) or (
        person_id is not None and person_id in (handoff.from_person_id, handoff.to_person_id)
    ):
        return True
    if spec is None:
        return False
    gives = handoff.from_person_id is None and spec.is_given_by(role)
    return gives or (handoff.to_person_id is None and spec.is_taken_by(role))
