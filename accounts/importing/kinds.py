"""What a kind of file means: the contract between the engine and the apps that can be imported into.

An app registers its kind in `contributions.py`: `core.registry.add_import_kind("opportunities", OPPORTUNITIES)`.

How the engine uses it, for a dry run and for an import alike:

1. The file's columns are mapped to `fields` (by their `aliases`, by values, or by a person's map).
2. Rows are staged in the temporary table `import_row` (alias `r` in all SQL of a kind), one typed column per field,
   NULL where the cell is empty or the file has no such column:
   text, choice → text · date → date · datetime → timestamptz · number → double precision · integer → bigint ·
   money → bigint in minor units of the workspace · boolean → boolean ·
   account, person, product, contract → `<name>` (text as printed) and `<name>_id` (bigint).
   Further columns: `line` (row number in the file as a person counts, header = 1), `state` (NULL = still in, else
   'create' | 'update' | 'same' | 'reject'), `reason`, `detail`, `extra` (jsonb of the columns that nobody mapped).
   Cells that cannot be read, empty required fields, unknown accounts and repeated keys are rejected by then.
3. References: unknown persons and products are created by the import (never by a dry run, where they have a negative
   id that stays the same for one name). Unknown accounts refuse the row, or leave NULL when the field is not required;
   with `create_accounts: true` in the map they are created too.
4. `check(stage)` looks for contradictions and rejects what makes no sense. It may read all tables; it writes none.
5. `target` says where a row goes: the engine tells new from changed from same by comparing every mapped column, and
   upserts the new and changed ones. A kind with several targets or rows of its own gives `write` instead: it must set
   `state` of every row that is still in, and write only when `stage.writes` is true.
6. `after(stage)` runs once after the writing of a real import, in the same transaction.

The account of every row (`account_id`, if the kind has such a field) is marked as changed by the engine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from accounts.importing.stage import Stage

FieldType = Literal[
    "text", "choice", "date", "datetime", "number", "integer", "money", "boolean",
    "account", "person", "product", "contract",
]  # fmt: skip

SQL_TYPES: Final[Mapping[str, str]] = {
    "text": "text",
    "choice": "text",
    "date": "date",
    "datetime": "timestamptz",
    "number": "double precision",
    "integer": "bigint",
    "money": "bigint",
    "boolean": "boolean",
    "account": "text",
    "person": "text",
    "product": "text",
    "contract": "text",
}
REFERENCES: Final = frozenset({"account", "person", "product", "contract"})


@dataclass(frozen=True)
class Field:
    """A value that a row may carry. `name` is the column of the staged table and the name used in a map.

    `aliases` are headers in lower case with single spaces between words ("close date" also finds `CloseDate` and
    `close_date`); the label and the name are aliases by themselves. `choices` maps words of the file (lower case) to
    stored values; a word that is not in it refuses the row, unless `open_choice`, which keeps it as printed.
    """

    name: str
    label: str
    type: FieldType
    aliases: tuple[str, ...] = ()
    required: bool = False
    choices: Mapping[str, str] | None = None
    open_choice: bool = False
    max_length: int = 0
    help: str = ""


@dataclass(frozen=True)
class Column:
    """A column that an import fills: `sql` is an expression over `r`. It is written when any of `fields` is mapped;
    otherwise a new row gets `default` (SQL, no reference to `r`) and an old row keeps what it has. No fields: always.
    """

    name: str
    sql: str
    fields: tuple[str, ...] = ()
    default: str = "NULL"
    insert_only: bool = False


@dataclass(frozen=True)
class Target:
    """Where rows go: `table` has a unique index on (tenant_id, *key) with the condition `key_where`.

    `key` are names of `columns`. `merge` names a jsonb column into which `r.extra` is merged rather than replaced.
    `touch` is a timestamptz column set to the import's time when a row is new or changed.
    """

    table: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    key_where: str = ""
    merge: str = ""
    touch: str = ""


@dataclass(frozen=True)
class ImportKind:
    """`key` is the word in the command; `row_key` are fields that name a row: when a file repeats them, the last row
    wins. Several tuples: the first whose fields are all in the file counts.

    `hints` are words in a file's name that speak for this kind. `min_fields`: at least one of these must be found
    for the kind to be recognised by itself.
    """

    key: str
    label: str
    fields: tuple[Field, ...]
    row_key: tuple[tuple[str, ...], ...]
    target: Target | None = None
    check: "Callable[[Stage], None] | None" = None
    write: "Callable[[Stage], None] | None" = None
    after: "Callable[[Stage], None] | None" = None
    keeps_extra: bool = False
    spreads_extra: bool = False
    hints: tuple[str, ...] = ()
    signature: tuple[str, ...] = ()
    order: int = 50
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def field(self, name: str) -> Field:
        """The field of that name; `KeyError` when the kind has none."""
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def column(self, name: str) -> str:
        """The SQL type of a field's staged column."""
        return SQL_TYPES[self.field(name).type]
