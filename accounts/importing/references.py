"""Names and ids in a file → rows of the workspace: accounts, persons, products, contracts.

A dry run creates nothing: what the import would create has a negative id, the same for the same name.
"""

import difflib
from typing import Any

from accounts.importing.kinds import Field
from accounts.importing.maps import ImportMap
from accounts.importing.stage import Stage
from accounts.importing.staging import copy_in
from accounts.rules.headers import compact
from accounts.rules.names import name_key

SUGGESTIONS = 20


def resolve(stage: Stage, import_map: ImportMap) -> None:
    """Fills the `<name>_id` column of every reference field that the file has; refuses rows with unknown accounts."""
    for field in stage.kind.fields:
        if field.name not in stage.mapped:
            continue
        if field.type == "account":
            _accounts(stage, field, import_map)
        elif field.type == "person":
            _persons(stage, field)
        elif field.type == "product":
            _products(stage, field)
        elif field.type == "contract":
            _contracts(stage, field)


def _collect(stage: Stage, field: Field) -> None:
    """The distinct texts of a reference in `import_ref`, each with the key under which names are looked up."""
    stage.execute("DROP TABLE IF EXISTS import_ref")
    stage.execute(
        f"CREATE TEMP TABLE import_ref ON COMMIT DROP AS SELECT row_number() OVER () AS n, raw, NULL::text AS key, "
        f"NULL::bigint AS id, NULL::text AS problem FROM (SELECT DISTINCT {field.name} AS raw FROM import_row "
        f"WHERE state IS NULL AND {field.name} IS NOT NULL) AS d"
    )
    stage.execute("ANALYZE import_ref")


def add_keys(stage: Stage, table: str, text: str, key: str, condition: str) -> None:
    """Fills the column `key` of a temporary table with the lookup form of its column `text`, by the one pure rule."""
    stage.execute("DROP TABLE IF EXISTS import_key")
    stage.execute("CREATE TEMP TABLE import_key (raw text, key text) ON COMMIT DROP")
    last: str | None = None
    while True:
        found = stage.rows(
            f"SELECT DISTINCT {text} FROM {table} WHERE {text} IS NOT NULL AND ({condition}) "
            f"AND (%(last)s::text IS NULL OR {text} > %(last)s) ORDER BY 1 LIMIT 50000",
            last=last,
        )
        if not found:
            break
        last = found[-1][0]
        copy_in("import_key", ([raw, name_key(raw)] for (raw,) in found))
    stage.execute("ANALYZE import_key")
    stage.execute(f"UPDATE {table} AS x SET {key} = k.key FROM import_key AS k WHERE k.raw = x.{text}")


def _back(stage: Stage, field: Field) -> None:
    stage.execute(
        f"UPDATE import_row AS r SET {field.name}_id = f.id FROM import_ref AS f "
        f"WHERE r.state IS NULL AND r.{field.name} = f.raw AND f.id IS NOT NULL"
    )


def _accounts(stage: Stage, field: Field, import_map: ImportMap) -> None:
    _collect(stage, field)
    _by_external_id(stage, "accounts_account")
    _first_of_several(stage)
    add_keys(stage, "import_ref", "raw", "key", "id IS NULL")
    stage.execute(
        "UPDATE import_ref AS f SET id = CASE WHEN t.n = 1 THEN t.id END, "
        "problem = CASE WHEN t.n > 1 THEN 'ambiguous' END FROM (SELECT name_key, "
        "min(COALESCE(merged_into_id, id)) AS id, count(DISTINCT COALESCE(merged_into_id, id)) AS n "
        "FROM accounts_account WHERE tenant_id = %(tenant)s GROUP BY name_key) AS t "
        "WHERE f.id IS NULL AND t.name_key = f.key"
    )
    stage.execute(
        "UPDATE import_ref AS f SET id = t.id, problem = NULL FROM (SELECT domain_key, "
        "min(COALESCE(merged_into_id, id)) AS id "
        "FROM accounts_account WHERE tenant_id = %(tenant)s AND domain_key <> '' GROUP BY domain_key "
        "HAVING count(DISTINCT COALESCE(merged_into_id, id)) = 1) AS t WHERE f.id IS NULL AND t.domain_key = f.key"
    )
    _follow_merges(stage)
    if import_map.create_accounts:
        _create_accounts(stage)
    name = field.name
    stage.execute(
        f"UPDATE import_row AS r SET state = 'reject', refusal = 'ambiguous_account', detail = "
        f"'several accounts are called “' || r.{name} || '”: use the account''s id' FROM import_ref AS f "
        f"WHERE r.state IS NULL AND r.{name} = f.raw AND f.problem = 'ambiguous' AND f.id IS NULL"
    )
    _back(stage, field)
    unknown = f"r.{name} IS NOT NULL AND r.{name}_id IS NULL"
    stage.reject(
        unknown,
        code="unknown_account",
        message=f"'there is no account “' || r.{name} || '”: import the accounts first, or set create_accounts'",
    )


def _follow_merges(stage: Stage) -> None:
    """An account that went into another one is the other one from then on, whatever a file calls it."""
    stage.execute(
        "UPDATE import_ref AS f SET id = t.merged_into_id FROM accounts_account AS t "
        "WHERE t.tenant_id = %(tenant)s AND t.id = f.id AND t.merged_into_id IS NOT NULL"
    )


def _by_external_id(stage: Stage, table: str) -> None:
    stage.execute(
        f"UPDATE import_ref AS f SET id = t.id FROM {table} AS t "
        "WHERE f.id IS NULL AND t.tenant_id = %(tenant)s AND t.external_id = f.raw AND t.external_id <> ''"
    )


def _first_of_several(stage: Stage) -> None:
    """`101;102` names the first known account: exports list all associated companies in one cell."""
    stage.execute(
        "UPDATE import_ref AS f SET id = t.id FROM accounts_account AS t WHERE f.id IS NULL AND f.raw LIKE '%%;%%' "
        "AND t.tenant_id = %(tenant)s AND t.external_id <> '' AND t.external_id = btrim(split_part(f.raw, ';', 1))"
    )


def _create_accounts(stage: Stage) -> None:
    """Accounts for the names that are not known, once per name, each with the printed text as its external id."""
    wanted = "f.id IS NULL AND f.problem IS NULL AND f.key IS NOT NULL AND length(f.raw) <= 120"
    count = stage.scalar(f"SELECT count(DISTINCT f.key) FROM import_ref AS f WHERE {wanted}")
    if stage.writes:
        stage.execute(
            "INSERT INTO accounts_account (tenant_id, external_id, name, name_key, domain_key, industry, country, "
            "segment, plan, status, arr_minor, attributes, created_at, updated_at) "
            "SELECT %(tenant)s, min(f.raw), min(f.raw), f.key, '', '', '', '', '', 'customer', 0, '{}', %(now)s, "
            f"%(now)s FROM import_ref AS f WHERE {wanted} GROUP BY f.key"
        )
        stage.execute(
            "UPDATE import_ref AS f SET id = t.id FROM accounts_account AS t WHERE f.id IS NULL AND f.problem IS NULL "
            "AND t.tenant_id = %(tenant)s AND t.name_key = f.key"
        )
    else:
        _placeholders(stage)
    stage.warn("accounts_created", int(count or 0), f"{count} accounts are not known yet and are created by name.")


def _placeholders(stage: Stage) -> None:
    stage.execute(
        "UPDATE import_ref AS f SET id = -g.n FROM (SELECT key, min(n) AS n FROM import_ref WHERE id IS NULL "
        "GROUP BY key) AS g WHERE f.id IS NULL AND f.problem IS NULL AND f.key = g.key"
    )


def _persons(stage: Stage, field: Field) -> None:
    """By e-mail or name. Unknown persons are created; they need no sign-in."""
    _collect(stage, field)
    add_keys(stage, "import_ref", "raw", "key", "true")
    stage.execute(
        "UPDATE import_ref AS f SET id = p.id FROM accounts_person AS p "
        "WHERE p.tenant_id = %(tenant)s AND p.email_key = f.key AND p.email_key <> ''"
    )
    stage.execute(
        "UPDATE import_ref AS f SET id = p.id FROM (SELECT name_key, min(id) AS id FROM accounts_person "
        "WHERE tenant_id = %(tenant)s GROUP BY name_key) AS p WHERE f.id IS NULL AND p.name_key = f.key"
    )
    if stage.writes:
        stage.execute(
            "INSERT INTO accounts_person (tenant_id, name, name_key, email_key, is_active) "
            "SELECT %(tenant)s, left(min(raw), 160), left(key, 160), CASE WHEN key LIKE '%%@%%' THEN left(key, 254) "
            "ELSE '' END, true FROM import_ref WHERE id IS NULL AND key <> '' GROUP BY key ON CONFLICT DO NOTHING"
        )
        stage.execute(
            "UPDATE import_ref AS f SET id = p.id FROM accounts_person AS p "
            "WHERE f.id IS NULL AND p.tenant_id = %(tenant)s AND p.name_key = left(f.key, 160)"
        )
    else:
        _placeholders(stage)
    _back(stage, field)


def _products(stage: Stage, field: Field) -> None:
    """By name or id. An unknown product becomes one of its own, with a "did you mean" when one looks alike."""
    _collect(stage, field)
    _by_external_id(stage, "accounts_product")
    add_keys(stage, "import_ref", "raw", "key", "id IS NULL")
    stage.execute(
        "UPDATE import_ref AS f SET id = p.id FROM accounts_product AS p "
        "WHERE f.id IS NULL AND p.tenant_id = %(tenant)s AND p.name_key = f.key"
    )
    _suggest_products(stage, field)
    if stage.writes:
        stage.execute(
            "INSERT INTO accounts_product (tenant_id, external_id, name, name_key, family) "
            "SELECT %(tenant)s, '', left(min(raw), 160), left(key, 160), '' FROM import_ref "
            "WHERE id IS NULL AND key <> '' GROUP BY key ON CONFLICT DO NOTHING"
        )
        stage.execute(
            "UPDATE import_ref AS f SET id = p.id FROM accounts_product AS p "
            "WHERE f.id IS NULL AND p.tenant_id = %(tenant)s AND p.name_key = left(f.key, 160)"
        )
    else:
        _placeholders(stage)
    _back(stage, field)


def _suggest_products(stage: Stage, field: Field) -> None:
    names = stage.rows("SELECT name, name_key FROM accounts_product WHERE tenant_id = %(tenant)s ORDER BY name")
    if not names:
        return
    found = stage.rows(
        f"SELECT f.raw, f.id, count(*) FROM import_ref AS f JOIN import_row AS r ON r.{field.name} = f.raw "
        f"GROUP BY f.raw, f.id ORDER BY 3 DESC, 1 LIMIT 200"
    )
    told = 0
    for raw, known_id, count in found:
        others = [str(name) for name, key in names if key != name_key(str(raw))]
        guess = closest(str(raw), others, exact=known_id is not None)
        if told >= SUGGESTIONS or (known_id is not None and not guess):
            continue
        told += 1
        if known_id is not None:
            _warn_of_twin(stage, field, str(raw), guess, int(count))
            continue
        remedy = (
            f' Did you mean “{guess}”? Map it: `values: {{{field.name}: {{"{raw}": "{guess}"}}}}`.' if guess else ""
        )
        stage.warn("unknown_product", int(count), f"{count:,} rows name “{raw}”, which is no known product.{remedy}")
        choice: dict[str, Any] = {"field": field.name, "word": raw, "count": int(count), "suggestion": guess}
        stage.choices.append({"code": "unknown_product", **choice})


def _warn_of_twin(stage: Stage, field: Field, word: str, guess: str, count: int) -> None:
    stage.warn(
        "similar_product",
        count,
        f"{count:,} rows name the product “{word}”, which differs from “{guess}” in spelling only. To count them as "
        f'one: `values: {{{field.name}: {{"{word}": "{guess}"}}}}`.',
    )
    stage.choices.append(
        {"code": "similar_product", "field": field.name, "word": word, "count": count, "suggestion": guess}
    )


def closest(word: str, known: list[str], *, exact: bool = False) -> str:
    """The known name that a person most likely meant, or nothing. `exact`: the same letters and digits only."""
    by_letters = {compact(name): name for name in known}
    if compact(word) in by_letters:
        return by_letters[compact(word)]
    if exact:
        return ""
    near = difflib.get_close_matches(compact(word), list(by_letters), n=1, cutoff=0.86)
    return by_letters[near[0]] if near else ""


def _contracts(stage: Stage, field: Field) -> None:
    """By the external id of a line or of a contract. Unknown ones refuse the row."""
    _collect(stage, field)
    _by_external_id(stage, "accounts_contract")
    stage.execute(
        "UPDATE import_ref AS f SET id = t.contract_id FROM accounts_contractline AS t "
        "WHERE f.id IS NULL AND t.tenant_id = %(tenant)s AND t.external_id = f.raw AND t.external_id <> ''"
    )
    _back(stage, field)
    stage.reject(
        f"r.{field.name} IS NOT NULL AND r.{field.name}_id IS NULL",
        code="unknown_contract",
        message=f"'there is no contract “' || r.{field.name} || '”: import the contracts first'",
    )
