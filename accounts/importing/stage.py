"""The staged rows of one file, as a kind sees them: read, reject, warn, and (in a real import) write."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection

from accounts.importing.cells import Reading
from accounts.importing.kinds import ImportKind
from accounts.importing.recognise import Plan


@dataclass(frozen=True)
class Finding:
    """A contradiction or a choice that a person should know of. `count` is in rows read."""

    code: str
    count: int
    message: str


@dataclass(frozen=True)
class Change:
    """One value that an import changes, for the page."""

    line: int
    name: str
    field: str
    before: str
    after: str


@dataclass
class Stage:
    """Handle on the temporary table `import_row` inside the import's transaction.

    All SQL runs with the named parameters `tenant`, `now`, `today` and `currency` beside those given.
    """

    kind: ImportKind
    tenant_id: int
    currency: str
    zone: str
    now: datetime
    today: date
    writes: bool
    mapped: frozenset[str]
    options: dict[str, Any]
    plan: Plan
    reading: Reading
    warnings: list[Finding] = field(default_factory=list)
    choices: list[dict[str, Any]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def extra_headers(self) -> tuple[str, ...]:
        """The columns that `r.extra` holds."""
        return tuple(column.header for column in self.plan.columns if column.use == "extra")

    def has(self, *names: str) -> bool:
        """Whether the file has all of these fields."""
        return all(name in self.mapped for name in names)

    def execute(self, sql: str, **params: Any) -> int:
        """Runs a statement; returns the number of rows that it touched."""
        with connection.cursor() as cursor:
            cursor.execute(sql, self._params(params))
            return int(cursor.rowcount)

    def rows(self, sql: str, **params: Any) -> list[tuple[Any, ...]]:
        """The rows of a query. For summaries only: never as many as the file has."""
        with connection.cursor() as cursor:
            cursor.execute(sql, self._params(params))
            return list(cursor.fetchall())

    def scalar(self, sql: str, **params: Any) -> Any:
        """The single value of a query."""
        found = self.rows(sql, **params)
        return found[0][0] if found else None

    def reject(self, where: str, *, code: str, message: str, **params: Any) -> int:
        """Refuses the rows still in for which `where` (SQL over `r`) holds.

        `message` is an SQL text expression over `r` for the person who repairs the file.
        """
        return self.execute(
            f"UPDATE import_row AS r SET state = 'reject', refusal = %(code)s, detail = {message} "
            f"WHERE r.state IS NULL AND ({where})",
            code=code,
            **params,
        )

    def warn(self, code: str, count: int, message: str) -> None:
        """Reports a contradiction unless its count is zero."""
        if count:
            self.warnings.append(Finding(code, count, message))

    def count(self, where: str, **params: Any) -> int:
        """The number of rows read, rejected ones included, for which `where` holds."""
        return int(self.scalar(f"SELECT count(*) FROM import_row AS r WHERE {where}", **params))

    def _params(self, params: dict[str, Any]) -> dict[str, Any]:
        base = {"tenant": self.tenant_id, "now": self.now, "today": self.today, "currency": self.currency}
        return base | params


def rejected_rows() -> list[tuple[int, str, str]]:
    """Line, code and reason of every refused row of the import that has just run in this transaction, by line.

    For small imports: it gives as many as there are.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT line, refusal, COALESCE(detail, '') FROM import_row WHERE state = 'reject' ORDER BY line"
        )
        return [(int(line), str(code), str(reason)) for line, code, reason in cursor.fetchall()]
