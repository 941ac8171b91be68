"""What every page's frame shows: the workspace, the places this person may go to, and what waits there."""

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from core import clock
from core.permissions import Permission, may
from core.queries import memberships_of
from revops.dashboards.counts import WaitingCounts, waiting_counts

THEMES: Final = frozenset({"light", "dark"})


@dataclass(frozen=True)
class Place:
    """An entry of the sidebar. Left out without the permission; `key` is also the name of its count."""

    key: str
    label: str
    url_name: str
    icon: str
    permission: Permission
    go: str = ""
    on_phone: bool = False
    also: str = ""  # the beginning of further addresses of the place


# The order is fixed: daily work, then insight, then set up.
PLACES: Final[tuple[tuple[str, tuple[Place, ...]], ...]] = (
    (
        "",
        (
            Place("day", "My day", "dashboards:my_day", "sun", Permission.VIEW_ACCOUNTS, "d", on_phone=True),
            Place("accounts", "Accounts", "dashboards:portfolio", "building-2", Permission.VIEW_ACCOUNTS, "a", True),
            Place("renewals", "Renewals", "renewals:list", "calendar-clock", Permission.VIEW_RENEWALS, "r", True),
            Place("escalations", "Escalations", "escalations:list", "siren", Permission.VIEW_ESCALATIONS, "e", True),
            Place("alerts", "Alerts", "health:alerts", "bell", Permission.VIEW_HEALTH),
            Place("qbrs", "QBRs", "qbr:list", "presentation", Permission.VIEW_QBRS, "q"),
            Place("leads", "Leads", "journeys:leads", "target", Permission.VIEW_ACCOUNTS),
            Place(
                "pipeline",
                "Opportunities",
                "journeys:opportunities",
                "kanban",
                Permission.VIEW_OPPORTUNITIES,
                "o",
                also="/pipeline/",
            ),
            Place("journey", "Journey", "journeys:journey", "route", Permission.VIEW_ACCOUNTS, "j", also="/handoffs/"),
        ),
    ),
    (
        "Insight",
        (
            Place("trend", "Health trend", "dashboards:trend", "chart-line", Permission.VIEW_TRENDS, "t"),
            Place("metrics", "Metrics", "dashboards:metrics", "sigma", Permission.VIEW_TRENDS),
        ),
    ),
    (
        "Set up",
        (
            Place("models", "Score models", "health:models", "sliders-horizontal", Permission.VIEW_HEALTH),
            Place("playbooks", "Playbooks", "journeys:playbooks", "list-checks", Permission.VIEW_ACCOUNTS),
            Place("stages", "Stages and gates", "journeys:stages", "signpost", Permission.VIEW_OPPORTUNITIES),
            Place("processes", "Processes", "core:process_versions", "git-commit-horizontal", Permission.VIEW_HEALTH),
            Place("imports", "Imports", "accounts:imports", "upload", Permission.IMPORT_DATA),
            Place("absences", "Absences", "journeys:absences", "calendar-x", Permission.WORK_TASKS),
            Place("members", "Members", "core:members", "users", Permission.MANAGE_MEMBERS),
            Place("api_keys", "API keys", "core:api_keys", "lock", Permission.MANAGE_API_KEYS),
        ),
    ),
)


@dataclass(frozen=True)
class NavItem:
    key: str
    label: str
    url: str
    icon: str
    go: str
    on_phone: bool
    count: int = 0
    alert: bool = False
    current: bool = False


@dataclass(frozen=True)
class NavGroup:
    label: str
    items: list[NavItem] = field(default_factory=list)


@dataclass(frozen=True)
class Workspace:
    name: str
    url: str
    current: bool


def _address(url_name: str) -> str:
    """The address of a place, or "" while no page of that name exists: then the frame leaves the entry out."""
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""


class Shell:
    """The frame of one request. Everything is worked out on first use, so a fragment for htmx costs nothing."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._membership = getattr(request, "membership", None)

    @property
    def theme(self) -> str:
        """What the person chose, or "" to follow the system."""
        chosen = self._request.COOKIES.get("theme", "")
        return chosen if chosen in THEMES else ""

    @property
    def keys_off(self) -> bool:
        return self._request.COOKIES.get("keys") == "off"

    @cached_property
    def now(self) -> datetime:
        return clock.now()

    @cached_property
    def today(self) -> date:
        """The business date of the workspace."""
        return self._membership.tenant.today(self.now) if self._membership else self.now.date()

    @property
    def workspace_name(self) -> str:
        return self._membership.tenant.name if self._membership else "RevOps"

    @property
    def currency(self) -> str:
        return self._membership.tenant.currency if self._membership else ""

    @property
    def user_name(self) -> str:
        return str(self._membership.user) if self._membership else ""

    @property
    def user_email(self) -> str:
        return self._membership.user.email if self._membership else ""

    @property
    def role_label(self) -> str:
        return str(self._membership.get_role_display()) if self._membership else ""

    @cached_property
    def help_url(self) -> str:
        return _address("core:help")

    @cached_property
    def search_url(self) -> str:
        return _address("dashboards:search")

    @cached_property
    def _counts(self) -> WaitingCounts:
        if self._membership is None:
            return WaitingCounts()
        return waiting_counts(membership=self._membership, today=self.today)

    @cached_property
    def bell_url(self) -> str:
        return _address("core:notifications") if self._membership else ""

    @property
    def unread(self) -> int:
        return self._counts.unread

    @property
    def has_more_workspaces(self) -> bool:
        return self._counts.workspaces > 1

    @cached_property
    def workspaces(self) -> list[Workspace]:
        """Where this user may switch to; asked for only when there is more than one."""
        if self._membership is None:
            return []
        return [
            Workspace(
                name=row.tenant.name,
                url=reverse("core:switch_workspace", args=[row.pk]),
                current=row.pk == self._membership.pk,
            )
            for row in memberships_of(self._membership.user_id)
        ]

    @cached_property
    def nav(self) -> list[NavGroup]:
        """The places that the role may enter and that exist, with what waits in each."""
        if self._membership is None:
            return []
        role = self._membership.role
        groups = [
            NavGroup(label, [self._item(place, url) for place in places
                             if may(role, place.permission) and (url := _address(place.url_name))])
            for label, places in PLACES
        ]  # fmt: skip
        return [group for group in groups if group.items]

    @cached_property
    def phone(self) -> list[NavItem]:
        """The four places of the phone's bottom bar; the fifth, More, opens the sidebar."""
        return [item for group in self.nav for item in group.items if item.on_phone][:4]

    @property
    def phone_more(self) -> bool:
        return not any(item.current for item in self.phone)

    def _item(self, place: Place, url: str) -> NavItem:
        path = self._request.path
        return NavItem(
            key=place.key,
            label=place.label,
            url=url,
            icon=place.icon,
            go=place.go,
            on_phone=place.on_phone,
            count=self._counts.waiting.get(place.key, 0),
            alert=place.key in self._counts.alerts,
            current=path == url if url == "/" else path.startswith(tuple(filter(None, (url, place.also)))),
        )


def shell(request: HttpRequest) -> dict[str, Any]:
    """Gives every template `shell`: see `Shell` for what it holds."""
    return {"shell": Shell(request)}
