"""The wall between workspaces, tried with rows that could leak."""

import pytest
from django.db import IntegrityError, connection

from accounts.models import Account, Contact
from core.models import Tenant
from core.tenancy import NestedTenant, NoTenant, current_tenant_id, tenant_context


def _raw_names() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM accounts_account ORDER BY name")
        return [row[0] for row in cursor.fetchall()]


@pytest.fixture
def two_books(kestrel: Tenant, heron: Tenant) -> tuple[int, int]:
    with tenant_context(kestrel.pk):
        ours = Account.objects.create(name="Brightwater", name_key="brightwater")
    with tenant_context(heron.pk):
        theirs = Account.objects.create(name="Larkfield", name_key="larkfield")
    return ours.pk, theirs.pk


def test_a_raw_statement_sees_only_the_rows_of_the_active_workspace(
    kestrel: Tenant, two_books: tuple[int, int]
) -> None:
    with tenant_context(kestrel.pk):
        assert _raw_names() == ["Brightwater"]


def test_a_raw_statement_outside_every_workspace_sees_nothing(two_books: tuple[int, int]) -> None:
    assert _raw_names() == []


def test_leaving_a_workspace_restores_the_setting_inside_an_outer_transaction(
    kestrel: Tenant, two_books: tuple[int, int]
) -> None:
    with tenant_context(kestrel.pk):
        assert current_tenant_id() == kestrel.pk
    assert current_tenant_id() is None
    assert _raw_names() == []


def test_a_workspace_cannot_be_entered_from_inside_another(kestrel: Tenant, heron: Tenant) -> None:
    with tenant_context(kestrel.pk), pytest.raises(NestedTenant), tenant_context(heron.pk):
        pass


def test_a_queryset_refuses_to_run_outside_a_workspace(two_books: tuple[int, int]) -> None:
    with pytest.raises(NoTenant):
        Account.objects.count()
    with pytest.raises(NoTenant):
        list(Account.objects.all())
    with pytest.raises(NoTenant):
        Account.objects.update(name="x")


def test_a_row_cannot_point_at_a_row_of_another_workspace(kestrel: Tenant, two_books: tuple[int, int]) -> None:
    _, theirs = two_books
    with pytest.raises(IntegrityError), tenant_context(kestrel.pk):
        Contact.objects.create(account_id=theirs, name="Elena Brandt")


def test_the_rows_of_another_workspace_cannot_be_changed_or_deleted(
    kestrel: Tenant, heron: Tenant, two_books: tuple[int, int]
) -> None:
    with tenant_context(kestrel.pk), connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_account SET name = 'taken' WHERE tenant_id = %s", [heron.pk])
        assert cursor.rowcount == 0
        cursor.execute("DELETE FROM accounts_account WHERE tenant_id = %s", [heron.pk])
        assert cursor.rowcount == 0
    with tenant_context(heron.pk):
        assert _raw_names() == ["Larkfield"]
