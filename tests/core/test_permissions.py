"""Roles and what they may do: one table that a reviewer can read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.choices import Role
from core.permissions import ROLE_PERMISSIONS, Permission, may, roles_with


def test_every_role_has_its_permissions_written_down() -> None:
    assert set(ROLE_PERMISSIONS) == set(Role)


def test_the_leader_only_reads() -> None:
    assert {p for p in ROLE_PERMISSIONS[Role.LEADER] if not p.startswith("view_")} == set()


def test_support_sees_health_but_no_money() -> None:
    assert may(Role.SUPPORT_AGENT, Permission.VIEW_HEALTH)
    assert not may(Role.SUPPORT_AGENT, Permission.VIEW_MONEY)


def test_only_the_revops_admin_imports_and_configures() -> None:
    assert roles_with(Permission.IMPORT_DATA) == ["RevOps admin"]
    assert roles_with(Permission.CONFIGURE_PROCESSES) == ["RevOps admin"]


@given(st.text())
def test_an_unknown_role_may_do_nothing(role: str) -> None:
    if role not in ROLE_PERMISSIONS:
        assert not any(may(role, permission) for permission in Permission)


@pytest.mark.parametrize("permission", list(Permission))
def test_every_permission_is_held_by_somebody(permission: Permission) -> None:
    assert roles_with(permission) != []
