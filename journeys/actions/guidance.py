"""New people who are guided: their plays show every open step with its script."""

from datetime import date, datetime

from django.db import transaction

from accounts.models import Person
from core import audit
from core.actors import Actor


@transaction.atomic
def guide_person(*, person_id: int, until: date | None, actor: Actor, now: datetime) -> Person:
    """Guides a person until a day, that day included; None ends it. The same day again writes nothing."""
    person = Person.objects.select_for_update(no_key=True).get(pk=person_id)
    if person.guided_until == until:
        return person
    before, person.guided_until = person.guided_until, until
    person.save(update_fields=["guided_until"])
    audit.record(
        actor=actor,
        at=now,
        verb="guided person",
        subject=person,
        before={"guided_until": before},
        after={"guided_until": until},
    )
    return person
