"""People at the customer, added by hand."""

from datetime import datetime

from django.db import transaction

from accounts.choices import ContactRole
from accounts.models import Account, Contact
from accounts.queries.living import living_account
from core import audit
from core.actors import Actor
from core.changes import mark_changed


class ContactRefused(ValueError):
    """Somebody with this e-mail address stands at the account already."""


@transaction.atomic
def add_contact(
    *, account: Account, name: str, email: str, title: str, role: ContactRole, actor: Actor, now: datetime
) -> Contact:
    """A new contact of the account. Raises `ContactRefused` when the e-mail address is there already."""
    living_account(account.pk)
    email_key = email.strip().lower()
    if email_key and Contact.objects.filter(account=account, email_key=email_key).exists():
        raise ContactRefused("Somebody with this e-mail address is a contact already. Choose them instead.")
    contact = Contact.objects.create(
        account=account, name=name.strip(), email_key=email_key, title=title.strip(), role=role
    )
    audit.record(
        actor=actor, at=now, verb="added contact", subject=contact, after={"account_id": account.pk, "role": str(role)}
    )
    mark_changed([account.pk])
    return contact


@transaction.atomic
def set_contact_role(*, contact: Contact, role: ContactRole, actor: Actor, now: datetime) -> Contact:
    """The role that the contact plays at the customer. The same again changes nothing."""
    if contact.role == role:
        return contact
    before, contact.role = contact.role, role
    contact.save(update_fields=["role"])
    audit.record(
        actor=actor, at=now, verb="set role", subject=contact, before={"role": before}, after={"role": str(role)}
    )
    mark_changed([contact.account_id])
    return contact
