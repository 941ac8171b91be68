"""What they did: tickets, activities, outcomes."""

from typing import Final

from accounts.importing.churn_sources import warn_churn_sources
from accounts.importing.kinds import Column, Field, ImportKind, Target
from accounts.importing.stage import Stage

ACCOUNT_ALIASES: Final = (
    "account id", "customer id", "company id", "client id", "organization id", "organisation id", "account",
    "customer", "account name", "customer name", "company name", "company", "client", "organization", "acc id",
)  # fmt: skip
ACTIVITY_WORDS: Final = {
    "call": "call", "phone": "call", "phone call": "call", "meeting": "meeting", "demo": "meeting", "visit": "meeting",
    "qbr": "meeting", "workshop": "meeting", "email": "email", "e mail": "email", "mail": "email", "note": "note",
    "comment": "note", "task": "note",
}  # fmt: skip
OUTCOME_WORDS: Final = {
    "renewed": "renewed", "renewal": "renewed", "retained": "renewed", "won": "renewed", "churned": "churned",
    "churn": "churned", "lost": "churned", "cancelled": "churned", "canceled": "churned", "non renewal": "churned",
    "contracted": "contracted", "contraction": "contracted", "downgrade": "contracted", "downgraded": "contracted",
}  # fmt: skip
_SIGNED_UP: Final = (
    "SELECT count(*) FROM import_row AS r JOIN accounts_account AS a ON a.tenant_id = %(tenant)s "
    "AND a.id = r.account_id WHERE {when} < a.customer_since"
)


def _made_up_key(stage: Stage, *parts: str) -> None:
    """The external id, or for files without one a key made from what names the row."""
    stage.execute("ALTER TABLE import_row ADD COLUMN row_id text")
    listed = ", ".join(f"r.{part}::text" for part in parts)
    stage.execute(
        f"UPDATE import_row AS r SET row_id = COALESCE(r.external_id, 'row|' || md5(concat_ws('|', {listed}))) "
        "WHERE r.state IS NULL"
    )


def _prepare_tickets(stage: Stage) -> None:
    _made_up_key(stage, "account_id", "opened_at", "subject")


def _check_tickets(stage: Stage) -> None:
    stage.reject(
        "r.closed_at < r.opened_at",
        code="closed_before_opened",
        message="'it is closed on ' || r.closed_at || ', before it is opened on ' || r.opened_at",
    )
    early = int(stage.scalar(_SIGNED_UP.format(when="(r.opened_at AT TIME ZONE %(zone)s)::date"), zone=stage.zone))
    stage.warn("ticket_before_signup", early, f"{early:,} tickets were opened before their account signed up.")
    if stage.has("satisfaction"):
        header = next(c.header for c in stage.plan.columns if c.target == "satisfaction")
        empty = stage.count("r.satisfaction IS NULL")
        stage.warn("satisfaction_missing", empty, f"{empty:,} tickets have no {header}; they do not count as bad.")
    negative = stage.count("r.resolution_hours < 0 OR r.first_response_minutes < 0")
    stage.warn("negative_duration", negative, f"{negative:,} tickets have a negative duration.")


TICKETS: Final = ImportKind(
    key="tickets",
    label="Support tickets",
    order=60,
    hints=("ticket", "conversation", "case"),
    signature=("satisfaction", "first_response_minutes", "resolution_hours", "priority", "is_escalated"),
    fields=(
        Field("external_id", "Ticket id", "text", max_length=120, aliases=(
            "ticket id", "ticket number", "case number", "case id", "conversation id", "id")),
        Field("account", "Account", "account", required=True, aliases=ACCOUNT_ALIASES),
        Field("subject", "Subject", "text", max_length=200, cuts=True, aliases=("subject", "title", "summary")),
        Field("status", "Status", "text", max_length=40, aliases=("status", "state", "ticket status")),
        Field("priority", "Priority", "text", max_length=40, aliases=("priority", "severity", "urgency")),
        Field("opened_at", "Opened", "datetime", required=True, aliases=(
            "submitted at", "opened at", "created at", "created", "created date", "date created", "date opened",
            "opened", "submitted", "requested", "date", "open date")),
        Field("closed_at", "Closed", "datetime", open_end=True, aliases=(
            "closed at", "solved at", "resolved at", "closed", "closed date", "date closed", "resolved")),
        Field("first_response_minutes", "First response (minutes)", "number", aliases=(
            "first response time minutes", "first response minutes", "first reply time", "first response time")),
        Field("resolution_hours", "Resolution (hours)", "number", aliases=(
            "resolution time hours", "resolution hours", "resolution time", "full resolution time")),
        Field("satisfaction", "Satisfaction", "number", aliases=(
            "satisfaction score", "satisfaction", "csat", "csat score", "satisfaction rating", "rating")),
        Field("is_escalated", "Escalated", "boolean", aliases=("escalation flag", "escalated", "is escalated")),
    ),
    row_key=(("row_id",),),
    prepare=_prepare_tickets,
    check=_check_tickets,
    keeps_extra=True,
    target=Target(
        table="accounts_ticket",
        key=("external_id",),
        key_where="external_id <> ''",
        merge="attributes",
        columns=(
            Column("external_id", "r.row_id"),
            Column("account_id", "r.account_id", ("account",)),
            Column("subject", "COALESCE(r.subject, '')", ("subject",), "''"),
            Column("status", "COALESCE(r.status, '')", ("status",), "''"),
            Column("priority", "COALESCE(r.priority, '')", ("priority",), "''"),
            Column("opened_at", "r.opened_at", ("opened_at",)),
            Column("closed_at", "r.closed_at", ("closed_at",)),
            Column("first_response_minutes", "r.first_response_minutes", ("first_response_minutes",)),
            Column("resolution_hours", "r.resolution_hours", ("resolution_hours",)),
            Column("satisfaction", "r.satisfaction", ("satisfaction",)),
            Column("is_escalated", "COALESCE(r.is_escalated, false)", ("is_escalated",), "false"),
        ),
    ),
)  # fmt: skip


def _prepare_activities(stage: Stage) -> None:
    _made_up_key(stage, "account_id", "kind", "occurred_at", "subject")


def touch_accounts(stage: Stage) -> None:
    """The last contact of every account with new activities: never earlier than it was."""
    stage.execute(
        "UPDATE accounts_account AS a SET last_contact_on = n.day FROM (SELECT r.account_id, "
        "max((r.occurred_at AT TIME ZONE %(zone)s)::date) AS day FROM import_row AS r "
        "WHERE r.state IN ('create', 'update') AND (r.occurred_at AT TIME ZONE %(zone)s)::date <= %(today)s "
        "GROUP BY r.account_id) AS n WHERE a.tenant_id = %(tenant)s AND a.id = n.account_id "
        "AND (a.last_contact_on IS NULL OR a.last_contact_on < n.day)",
        zone=stage.zone,
    )


ACTIVITIES: Final = ImportKind(
    key="activities",
    label="Activities",
    order=70,
    hints=("activit", "call", "meeting", "engagement"),
    signature=("kind", "subject"),
    fields=(
        Field("external_id", "Activity id", "text", max_length=120, aliases=("activity id", "engagement id", "id")),
        Field("account", "Account", "account", required=True, aliases=ACCOUNT_ALIASES),
        Field("person", "By", "person", aliases=("person", "owner", "by", "logged by", "assigned to", "csm", "user")),
        Field("kind", "Kind", "choice", choices=ACTIVITY_WORDS, aliases=("kind", "activity type", "type", "channel")),
        Field("occurred_at", "When", "datetime", required=True, aliases=(
            "occurred at", "date", "activity date", "timestamp", "when", "start time", "created at", "held on")),
        Field("subject", "Subject", "text", max_length=200, cuts=True, aliases=("subject", "title", "summary")),
        Field("body", "Text", "text", aliases=("body", "notes", "note", "description", "details", "comments")),
    ),
    row_key=(("row_id",),),
    prepare=_prepare_activities,
    after=touch_accounts,
    target=Target(
        table="accounts_activity",
        key=("external_id",),
        key_where="external_id <> ''",
        columns=(
            Column("external_id", "r.row_id"),
            Column("account_id", "r.account_id", ("account",)),
            Column("person_id", "r.person_id", ("person",)),
            Column("kind", "COALESCE(r.kind, 'note')", ("kind",), "'note'"),
            Column("occurred_at", "r.occurred_at", ("occurred_at",)),
            Column("subject", "COALESCE(r.subject, initcap(COALESCE(r.kind, 'note')))"),
            Column("body", "COALESCE(r.body, '')", ("body",), "''"),
        ),
    ),
)  # fmt: skip


def _prepare_outcomes(stage: Stage) -> None:
    stage.execute("UPDATE import_row SET kind = COALESCE(kind, 'churned') WHERE state IS NULL")


def _check_outcomes(stage: Stage) -> None:
    early = int(stage.scalar(_SIGNED_UP.format(when="r.day")))
    stage.warn("outcome_before_signup", early, f"{early:,} outcomes lie before their account signed up.")
    future = stage.count("r.day > %(today)s")
    stage.warn("outcome_in_future", future, f"{future:,} outcomes lie after today.")
    accounts = int(stage.scalar("SELECT count(DISTINCT account_id) FROM import_row WHERE kind = 'churned'"))
    if accounts:
        warn_churn_sources(stage, source="events", count=accounts)


OUTCOMES: Final = ImportKind(
    key="outcomes",
    label="Outcomes",
    order=80,
    hints=("churn", "outcome", "renewal"),
    signature=("reason", "kind"),
    fields=(
        Field("external_id", "Outcome id", "text", max_length=120, aliases=(
            "churn event id", "outcome id", "event id", "churn id", "id")),
        Field("account", "Account", "account", required=True, aliases=ACCOUNT_ALIASES),
        Field("day", "Date", "date", required=True, aliases=(
            "churn date", "outcome date", "date", "event date", "churned at", "churned on", "day", "effective date",
            "cancelled at", "canceled at")),
        Field("kind", "Outcome", "choice", choices=OUTCOME_WORDS, aliases=("outcome", "result", "event type", "type")),
        Field("reason", "Reason", "text", max_length=120, cuts=True, aliases=("reason code", "reason", "churn reason")),
        Field("amount", "Amount", "money", aliases=("amount", "arr", "arr lost", "value")),
        Field("note", "Note", "text", aliases=("feedback text", "feedback", "note", "notes", "comment", "comments")),
    ),
    row_key=(("external_id",), ("account_id", "day", "kind")),
    prepare=_prepare_outcomes,
    check=_check_outcomes,
    target=Target(
        table="accounts_outcome",
        key=("external_id",),
        key_where="external_id <> ''",
        key_fields=("external_id",),
        other_key=("account_id", "day", "kind"),
        other_where="t.external_id = ''",
        columns=(
            Column("external_id", "COALESCE(r.external_id, '')", ("external_id",), "''"),
            Column("account_id", "r.account_id", ("account",)),
            Column("day", "r.day", ("day",)),
            Column("kind", "r.kind"),
            Column("reason", "COALESCE(r.reason, '')", ("reason",), "''"),
            Column("amount_minor", "r.amount", ("amount",)),
            Column("note", "COALESCE(r.note, '')", ("note",), "''"),
        ),
    ),
)  # fmt: skip
