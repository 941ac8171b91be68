"""A person's decisions about a file, as a YAML map for the command or as choices on the page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import yaml

from accounts.importing.errors import ImportRefused

KEYS: Final = frozenset(
    {
        "kind",
        "columns",
        "create_accounts",
        "date_format",
        "decimal",
        "defaults",
        "values",
        "end_date_is",
        "amounts_in",
        "sheet",
    }
)
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "end_date_is": ("first_day_without", "last_day"),
    "amounts_in": ("units", "minor_units"),
}


@dataclass(frozen=True)
class ImportMap:
    """What a person decided; everything left out is recognised from the file.

    `columns` is field → header. `measures` is header → measure. `ignored` are headers to leave out, `attributes`
    headers to keep with the row as printed.
    `sheet` is the name or number of a workbook's sheet, "" the first visible one.
    `date_format` and `decimal` are by field, "" for all. `values` is field → {word in the file: word meant}.
    """

    kind: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    measures: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    create_accounts: bool = False
    date_format: Mapping[str, str] = field(default_factory=dict)
    decimal: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    sheet: str = ""


def parse_map(document: Any) -> ImportMap:
    """Checks a map; raises `ImportRefused` with the key that is wrong and the words that would be right."""
    if document is None:
        return ImportMap()
    if not isinstance(document, dict):
        raise _wrong("the map", "a list of keys, such as `kind: signals`")
    unknown = sorted(str(key) for key in document if key not in KEYS)
    if unknown:
        raise ImportRefused("bad_map", f"The map's key “{unknown[0]}” is unknown. Known are {', '.join(sorted(KEYS))}.")
    columns, measures, ignored, attributes = _columns(_mapping(document, "columns"))
    return ImportMap(
        kind=str(document.get("kind") or ""),
        columns=columns,
        measures=measures,
        ignored=ignored,
        attributes=attributes,
        create_accounts=_flag(document, "create_accounts"),
        date_format=_by_field(document, "date_format"),
        decimal=_decimal(document),
        defaults={str(key): _text(value) for key, value in _mapping(document, "defaults").items()},
        values=_values(_mapping(document, "values")),
        options=_options(document),
        sheet=_text(document.get("sheet")),
    )


def read_map(text: str) -> ImportMap:
    """A map from YAML text."""
    try:
        return parse_map(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise ImportRefused("bad_map", f"The map is not YAML: {' '.join(str(error).split())}") from error


def _wrong(what: str, right: str) -> ImportRefused:
    return ImportRefused("bad_map", f"In the map, {what} must be {right}.")


def _mapping(document: dict[Any, Any], key: str) -> dict[str, Any]:
    value = document.get(key) or {}
    if not isinstance(value, dict):
        raise _wrong(f"`{key}`", "keys with values")
    return {str(name): item for name, item in value.items()}


def _flag(document: dict[Any, Any], key: str) -> bool:
    value = document.get(key, False)
    if not isinstance(value, bool):
        raise _wrong(f"`{key}`", "true or false")
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)


def _by_field(document: dict[Any, Any], key: str) -> dict[str, str]:
    value = document.get(key)
    if value is None:
        return {}
    if isinstance(value, dict):
        return {str(name): _text(item) for name, item in value.items()}
    return {"": _text(value)}


def _decimal(document: dict[Any, Any]) -> dict[str, str]:
    found = _by_field(document, "decimal")
    if any(word not in {"point", "comma"} for word in found.values()):
        raise _wrong("`decimal`", "point (1,234.50) or comma (1.234,50)")
    return found


def _columns(
    written: dict[str, Any],
) -> tuple[dict[str, str], dict[str, str], frozenset[str], frozenset[str]]:
    columns: dict[str, str] = {}
    measures: dict[str, str] = {}
    ignored: set[str] = set()
    attributes: set[str] = set()
    for key, value in written.items():
        if isinstance(value, dict) and value.get("measure"):
            measures[key] = str(value["measure"])
        elif isinstance(value, dict) and value.get("field"):
            columns[str(value["field"])] = key
        elif isinstance(value, dict) and value.get("attribute") is True:
            attributes.add(key)
        elif value is None or (isinstance(value, dict) and value.get("ignore") is True):
            ignored.add(key)
        elif isinstance(value, str | int | float):
            columns[key] = str(value)
        else:
            raise _wrong(f"column “{key}”", "a header, {measure: key}, {attribute: true} or {ignore: true}")
    return columns, measures, frozenset(ignored), frozenset(attributes)


def _values(written: dict[str, Any]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, words in written.items():
        if not isinstance(words, dict):
            raise _wrong(f"`values` of “{name}”", "pairs such as `GTXPro: GTX Pro`")
        found[name] = {_text(word): _text(meant) for word, meant in words.items()}
    return found


def _options(document: dict[Any, Any]) -> dict[str, str]:
    options: dict[str, str] = {}
    for key, allowed in CHOICES.items():
        value = document.get(key)
        if value is None:
            continue
        if value not in allowed:
            raise _wrong(f"`{key}`", " or ".join(allowed))
        options[key] = str(value)
    return options
