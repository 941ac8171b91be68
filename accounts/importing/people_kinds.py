"""Who: accounts, contacts, our own people, products."""

from typing import Final

from accounts.importing.churn_sources import warn_churn_sources
from accounts.importing.kinds import Column, Field, ImportKind, Target
from accounts.importing.references import add_keys
from accounts.importing.stage import Stage

SEGMENT_WORDS: Final = {
    "enterprise": "enterprise", "large": "enterprise", "key account": "enterprise", "strategic": "enterprise",
    "mid market": "mid_market", "mid": "mid_market", "medium": "mid_market", "commercial": "mid_market",
    "small business": "small", "small": "small", "smb": "small", "startup": "small", "self serve": "small",
}  # fmt: skip
STATUS_WORDS: Final = {
    "prospect": "prospect", "lead": "prospect", "trial": "prospect", "opportunity": "prospect",
    "subscriber": "prospect", "marketing qualified lead": "prospect", "sales qualified lead": "prospect",
    "customer": "customer", "active": "customer", "live": "customer", "evangelist": "customer", "current": "customer",
    "churned": "churned", "former": "churned", "former customer": "churned", "cancelled": "churned",
    "canceled": "churned", "lost": "churned", "inactive": "churned",
}  # fmt: skip
ROLE_WORDS: Final = {
    "champion": "champion", "decision maker": "decision_maker", "economic buyer": "decision_maker",
    "buyer": "decision_maker", "sponsor": "sponsor", "executive sponsor": "sponsor", "admin": "admin",
    "administrator": "admin", "user": "user", "end user": "user", "other": "",
}  # fmt: skip


def _prepare_accounts(stage: Stage) -> None:
    stage.execute("ALTER TABLE import_row ADD COLUMN name_key text, ADD COLUMN domain_key text")
    add_keys(stage, "import_row", "name", "name_key", "state IS NULL")
    stage.execute(
        "UPDATE import_row SET domain_key = left(split_part(regexp_replace(lower(domain), "
        "'^\\s*(https?://)?(www\\.)?', ''), '/', 1), 200) WHERE domain IS NOT NULL"
    )
    _status_by_lifecycle(stage)


def _pass_over_merged(stage: Stage) -> None:
    """Rows of accounts that went into another one change nothing: the other one has a row of its own."""
    names = "NOT EXISTS (SELECT FROM accounts_account AS k WHERE k.tenant_id = t.tenant_id AND k.status <> 'merged' "
    names += "AND k.name_key = t.name_key)"
    by_id = "r.external_id IS NOT NULL AND t.external_id = r.external_id"
    stage.execute(
        "UPDATE import_row AS r SET state = 'same', target_id = t.merged_into_id FROM accounts_account AS t "
        "WHERE r.state IS NULL AND t.tenant_id = %(tenant)s AND t.merged_into_id IS NOT NULL "
        f"AND ({by_id} OR r.external_id IS NULL AND t.name_key = r.name_key AND {names})"
    )
    count = stage.scalar(
        "SELECT count(*) FROM import_row AS r JOIN accounts_account AS t ON t.tenant_id = %(tenant)s "
        "AND t.id = r.target_id WHERE r.state = 'same'"
    )
    stage.warn("merged_account", int(count or 0), f"{count} rows are of accounts that were merged into another one.")


def _status_by_lifecycle(stage: Stage) -> None:
    """A file that says where a company stands, and not what it is: HubSpot's. The word is kept beside the account.

    A word that says nothing of it, such as Other, leaves the status as it is; a new company is a prospect then. No
    word makes a prospect of a customer: that would be a step back.
    """
    if stage.has("status") or not stage.has("lifecycle_stage"):
        return
    words = {word.replace(" ", ""): status for word, status in STATUS_WORDS.items()}
    stage.execute(
        "UPDATE import_row AS r SET status = CASE "
        "WHEN COALESCE(known.status, named.status) = 'customer' AND said.status = 'prospect' THEN 'customer' "
        "ELSE COALESCE(said.status, known.status, named.status, "
        "CASE WHEN mine.lifecycle_stage IS NULL THEN 'customer' ELSE 'prospect' END) END, "
        "extra = COALESCE(mine.extra, '{}') "
        "|| jsonb_strip_nulls(jsonb_build_object('lifecycle_stage', mine.lifecycle_stage)) "
        "FROM import_row AS mine LEFT JOIN unnest(%(words)s::text[], %(means)s::text[]) AS said (word, status) "
        "ON said.word = regexp_replace(lower(mine.lifecycle_stage), '[^a-z]', '', 'g') "
        "LEFT JOIN accounts_account AS known ON known.tenant_id = %(tenant)s AND known.external_id = mine.external_id "
        "AND mine.external_id <> '' "
        "LEFT JOIN accounts_account AS named ON named.tenant_id = %(tenant)s AND named.name_key = mine.name_key "
        "AND mine.external_id IS NULL AND named.merged_into_id IS NULL "
        "WHERE mine.line = r.line AND r.state IS NULL",
        words=list(words),
        means=list(words.values()),
    )


def _check_accounts(stage: Stage) -> None:
    _pass_over_merged(stage)
    flag = next((c for c in stage.plan.columns if c.use == "extra" and c.target in {"churn_flag", "churned"}), None)
    if flag is not None:
        warn_churn_sources(
            stage,
            source="flags",
            count=stage.count("lower(r.extra ->> %(flag)s) IN ('true', 'yes', '1')", flag=flag.target),
        )
    future = stage.count("r.customer_since > %(today)s")
    stage.warn("customer_in_future", future, f"{future:,} accounts become customers after today.")


def _remember_accounts(stage: Stage) -> None:
    stage.execute(
        "INSERT INTO import_touched SELECT id FROM accounts_account "
        "WHERE tenant_id = %(tenant)s AND updated_at = %(now)s"
    )


ACCOUNTS: Final = ImportKind(
    key="accounts",
    label="Accounts",
    order=10,
    hints=("account", "companies", "company", "customers"),
    signature=("name",),
    fields=(
        Field("external_id", "Account id", "text", max_length=120, aliases=(
            "account id", "company id", "customer id", "record id", "client id", "organization id", "organisation id",
            "account number", "acc id", "org id", "external id", "ext id", "crm id", "id")),
        Field("name", "Account name", "text", required=True, max_length=200, aliases=(
            "account name", "company name", "customer name", "client name", "organization name", "organisation name",
            "account", "company", "customer", "client", "organization", "organisation", "name")),
        Field("domain", "Web domain", "text", max_length=300, aliases=(
            "domain", "company domain name", "website url", "website", "web site", "url")),
        Field("industry", "Industry", "text", max_length=80, aliases=("industry", "sector", "vertical", "branch")),
        Field("country", "Country", "text", max_length=80, aliases=(
            "country", "billing country", "country region", "office location", "location")),
        Field("segment", "Segment", "choice", choices=SEGMENT_WORDS, aliases=(
            "segment", "account segment", "customer segment", "company segment")),
        Field("plan", "Plan", "text", max_length=80, aliases=(
            "plan", "plan tier", "plan name", "subscription plan", "tier")),
        Field("employees", "Employees", "integer", aliases=(
            "employees", "number of employees", "employee count", "headcount", "company size")),
        Field("seats", "Seats", "integer", aliases=("seats", "licences", "licenses", "seat count")),
        Field("customer_since", "Customer since", "date", aliases=(
            "customer since", "signup date", "sign up date", "signed up at", "create date", "created date",
            "created at", "onboarding date", "start date")),
        Field("status", "Status", "choice", choices=STATUS_WORDS, aliases=(
            "status", "account status", "customer status")),
        Field("lifecycle_stage", "Lifecycle stage", "text", max_length=80, aliases=(
            "lifecycle stage", "lifecyclestage", "lifecycle")),
        Field("owner", "Owner", "person", aliases=(
            "owner", "account owner", "company owner", "csm", "customer success manager", "account manager",
            "owner name", "csm name", "owner email", "csm email")),
        Field("deputy", "Deputy", "person", aliases=("deputy", "backup csm", "deputy csm")),
    ),
    row_key=(("external_id",), ("name_key",)),
    prepare=_prepare_accounts,
    check=_check_accounts,
    after=_remember_accounts,
    keeps_extra=True,
    target=Target(
        table="accounts_account",
        key=("external_id",),
        key_where="external_id <> ''",
        key_fields=("external_id",),
        other_key=("name_key",),
        other_where="t.external_id = ''",
        alive="t.status <> 'merged'",
        merge="attributes",
        touch="updated_at",
        columns=(
            Column("external_id", "COALESCE(r.external_id, '')", ("external_id",), "''"),
            Column("name", "r.name", ("name",)),
            Column("name_key", "r.name_key", ("name",)),
            Column("domain_key", "COALESCE(r.domain_key, '')", ("domain",), "''"),
            Column("industry", "COALESCE(r.industry, '')", ("industry",), "''"),
            Column("country", "COALESCE(r.country, '')", ("country",), "''"),
            Column("segment", "COALESCE(r.segment, '')", ("segment",), "''"),
            Column("plan", "COALESCE(r.plan, '')", ("plan",), "''"),
            Column("employees", "r.employees", ("employees",)),
            Column("seats", "r.seats", ("seats",)),
            Column("customer_since", "r.customer_since", ("customer_since",)),
            Column("status", "COALESCE(r.status, 'customer')", ("status", "lifecycle_stage"), "'customer'"),
            Column("owner_id", "r.owner_id", ("owner",)),
            Column("deputy_id", "r.deputy_id", ("deputy",)),
            Column("arr_minor", "0", insert_only=True),
            Column("created_at", "%(now)s", insert_only=True),
        ),
    ),
)  # fmt: skip


def _prepare_contacts(stage: Stage) -> None:
    stage.execute("ALTER TABLE import_row ADD COLUMN email_key text, ADD COLUMN full_name text")
    stage.execute(
        "UPDATE import_row SET email_key = lower(email), full_name = left(COALESCE(name, "
        "NULLIF(concat_ws(' ', first_name, last_name), ''), email), 160)"
    )
    stage.reject(
        "r.full_name IS NULL", code="missing_name", message="'the row has neither a name nor an e-mail address'"
    )


CONTACTS: Final = ImportKind(
    key="contacts",
    label="Contacts",
    order=20,
    hints=("contact",),
    signature=("email", "first_name"),
    needs_one_of=(("name", "first_name", "last_name", "email"),),
    fields=(
        Field("external_id", "Contact id", "text", max_length=120, aliases=("contact id", "record id", "id")),
        Field("account", "Account", "account", required=True, aliases=(
            "account id", "associated company ids", "associated company id", "company id", "customer id",
            "account", "account name", "company name", "company", "associated company", "customer", "organization")),
        Field("name", "Name", "text", max_length=160, aliases=("full name", "contact name", "name", "contact")),
        Field("first_name", "First name", "text", max_length=80, aliases=("first name", "firstname", "given name")),
        Field("last_name", "Last name", "text", max_length=80, aliases=(
            "last name", "lastname", "surname", "family name")),
        Field("email", "E-mail", "text", max_length=254, aliases=("email", "e mail", "email address", "work email")),
        Field("title", "Job title", "text", max_length=120, cuts=True, aliases=("title", "job title", "position")),
        Field("role", "Role", "choice", choices=ROLE_WORDS, aliases=("role", "buying role", "contact role")),
        Field("lifecycle_stage", "Lifecycle stage", "text", max_length=40, aliases=(
            "lifecycle stage", "lifecyclestage", "lifecycle")),
        Field("last_touch_on", "Last touch", "date", aliases=("last touch", "last activity date", "last contacted")),
        Field("left_on", "Left on", "date", aliases=("left on", "left the company")),
    ),
    row_key=(("external_id",), ("account_id", "email_key"), ("account_id", "full_name")),
    prepare=_prepare_contacts,
    keeps_extra=True,
    target=Target(
        table="accounts_contact",
        key=("external_id",),
        key_where="external_id <> ''",
        key_fields=("external_id",),
        other_key=("account_id", "email_key", "name"),
        other_where="t.external_id = ''",
        merge="attributes",
        columns=(
            Column("external_id", "COALESCE(r.external_id, '')", ("external_id",), "''"),
            Column("account_id", "r.account_id", ("account",)),
            Column("name", "r.full_name"),
            Column("email_key", "COALESCE(r.email_key, '')", ("email",), "''"),
            Column("title", "COALESCE(r.title, '')", ("title",), "''"),
            Column("role", "COALESCE(r.role, '')", ("role",), "''"),
            Column("lifecycle_stage", "COALESCE(r.lifecycle_stage, '')", ("lifecycle_stage",), "''"),
            Column("last_touch_on", "r.last_touch_on", ("last_touch_on",)),
            Column("left_on", "r.left_on", ("left_on",)),
        ),
    ),
)  # fmt: skip


def _prepare_names(stage: Stage) -> None:
    stage.execute("ALTER TABLE import_row ADD COLUMN name_key text")
    add_keys(stage, "import_row", "name", "name_key", "state IS NULL")


PRODUCTS: Final = ImportKind(
    key="products",
    label="Products",
    order=5,
    hints=("product",),
    signature=("list_price", "family"),
    fields=(
        Field("external_id", "Product id", "text", max_length=120, aliases=("product id", "sku", "product code", "id")),
        Field("name", "Product", "text", required=True, max_length=160, aliases=("product", "product name", "name")),
        Field("family", "Family", "text", max_length=80, aliases=(
            "family", "series", "category", "product family", "line")),
        Field("list_price", "List price", "money", aliases=("sales price", "list price", "price", "unit price")),
    ),
    row_key=(("name_key",),),
    prepare=_prepare_names,
    target=Target(
        table="accounts_product",
        key=("name_key",),
        columns=(
            Column("external_id", "COALESCE(r.external_id, '')", ("external_id",), "''"),
            Column("name", "r.name", ("name",)),
            Column("name_key", "r.name_key"),
            Column("family", "COALESCE(r.family, '')", ("family",), "''"),
            Column("list_price_minor", "r.list_price", ("list_price",)),
        ),
    ),
)  # fmt: skip


def _prepare_people(stage: Stage) -> None:
    _prepare_names(stage)
    stage.execute("ALTER TABLE import_row ADD COLUMN email_key text")
    stage.execute("UPDATE import_row SET email_key = COALESCE(lower(email), '')")


PEOPLE: Final = ImportKind(
    key="people",
    label="Our people",
    order=6,
    hints=("team", "agents", "staff", "users", "people"),
    signature=("manager",),
    fields=(
        Field("name", "Name", "text", required=True, max_length=160, aliases=(
            "sales agent", "agent", "sales rep", "rep", "full name", "employee", "name", "owner", "csm")),
        Field("email", "E-mail", "text", max_length=254, aliases=("email", "e mail", "email address")),
        Field("manager", "Manager", "person", aliases=("manager", "team lead", "reports to")),
    ),
    row_key=(("name_key",),),
    prepare=_prepare_people,
    target=Target(
        table="accounts_person",
        key=(),
        other_key=("name_key",),
        columns=(
            Column("name", "r.name", ("name",)),
            Column("name_key", "r.name_key"),
            Column("email_key", "r.email_key", ("email",), "''"),
            Column("is_active", "true", insert_only=True),
        ),
    ),
)  # fmt: skip
