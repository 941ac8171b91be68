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
   'create' | 'update' | 'same' | 'reject'), `refusal` (code), `detail`, `extra` (jsonb of columns that nobody mapped).
   Cells that cannot be read, empty required fields, unknown accounts and repeated keys are rejected by then.
3. References: unknown persons and products are created by the import (never by a dry run, where they have a negative
   id that stays the same for one name). Unknown accounts refuse the row, or leave NULL when the field is not required;
   with `create_accounts: true` in the map they are created too.
   `prepare(stage)` may then compute further columns of `import_row`, before repeated keys are looked for.
4. `check(stage)` looks for contradictions and rejects what makes no sense. It may read all tables; it writes none.
5. `target` says where a row goes: the engine tells new from changed from same by comparing every mapped column, and
   upserts the new and changed ones. A kind with several targets or rows of its own gives `write` instead: it must set
   `state` of the changed and the same rows (NULL then counts as new), and write only when `stage.writes` is true.
6. `after(stage)` runs once after the writing of a real import, in the same transaction.

The account of every row (`account_id`, if the kind has such a field) is marked as changed by the engine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    A text longer than `max_length` refuses the row, or with `cuts` is shortened. `open_end`: the year 9999 is empty.

    `at_once`: a column of this very name is the field as soon as one of its words is known, and rows with other words
    are refused; any other field needs most values of a column to be readable. `unread` says what rows count as whose
    column cannot be read.
    """

    name: str
    label: str
    type: FieldType
    aliases: tuple[str, ...] = ()
    required: bool = False
    choices: Mapping[str, str] | None = None
    open_choice: bool = False
    max_length: int = 0
    cuts: bool = False
    open_end: bool = False
    at_once: bool = False
    unread: str = ""
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

    `key` are names of `columns`; they count when `key_fields` are in the file. `other_key` is a second way to find the
    row, for files without the first and for rows that it does not find; only rows with `other_where` (SQL over `t`) are
    found by it when the file has the first key, and only rows with `alive`. `merge` names a jsonb column into which
    `r.extra` is merged.
    `touch` is a timestamptz column set to the import's time when a row is new or changed.
    """

    table: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    key_where: str = ""
    key_fields: tuple[str, ...] = ()
    other_key: tuple[str, ...] = ()
    other_where: str = ""
    alive: str = ""
    merge: str = ""
    touch: str = ""


@dataclass(frozen=True)
class ImportKind:
    """`key` is the word in the command; `row_key` are fields that name a row: when a file repeats them, the last row
    wins. Several tuples: the first whose fields are all in the file counts (columns that `prepare` made always do).

    `needs_one_of` are groups of fields of which the file must have at least one each. `signature` are fields that only
    this kind has: one of them, or one of `header_words` in a header, must be found for the kind to be recognised by
    itself. `hints` are words in a file's name that speak for it. `keeps_extra`: columns that nobody mapped go into
    `r.extra`. `spreads_extra`: each of them is a measure of its own.
    """

    key: str
    label: str
    fields: tuple[Field, ...]
    row_key: tuple[tuple[str, ...], ...]
    target: Target | None = None
    prepare: "Callable[[Stage], None] | None" = None
    check: "Callable[[Stage], None] | None" = None
    write: "Callable[[Stage], None] | None" = None
    after: "Callable[[Stage], None] | None" = None
    keeps_extra: bool = False
    spreads_extra: bool = False
    needs_one_of: tuple[tuple[str, ...], ...] = ()
    hints: tuple[str, ...] = ()
    signature: tuple[str, ...] = ()
    header_words: tuple[str, ...] = ()
    order: int = 50
    options: tuple[str, ...] = ()

    def field(self, name: str) -> Field:
        """The field of that name; `KeyError` when the kind has none."""
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(name)


@dataclass(frozen=True)
class ImportExtension:
    """What an upper app does beside a kind that belongs to a lower one: `core.registry.add_import_extension`.

    `prepare(stage)` runs after the kind's own, in dry runs and imports alike: it may change staged values and warn.
    `after(stage)` runs once after the writing of a real import, in the same transaction.
    """

    kind: str
    prepare: "Callable[[Stage], None] | None" = None
    after: "Callable[[Stage], None] | None" = None
