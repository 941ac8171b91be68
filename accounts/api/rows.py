"""Rows of one kind as a program sends them. Their values are read by the import engine, row by row."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

ROWS_MAX: Final = 1000
NAMES_MAX: Final = 200
TEXT_MAX: Final = 20_000
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.\- ]{0,79}")
_ENDS: Final = re.compile(r"[_.\- ]$")


@dataclass(frozen=True)
class Names:
    """What rows of a kind may hold: name in the row → field of the import; `open`: further names are measures."""

    kind: str
    fields: Mapping[str, str]
    open: bool = False

    @property
    def columns(self) -> dict[str, str]:
        """Field of the import → name in the rows."""
        return {field: name for name, field in self.fields.items()}


class RowList(serializers.Field[Any, Any, Any, Any]):
    """Up to 1,000 objects of plain values. A value that cannot be read refuses its row, not the request."""

    names: ClassVar[Names]

    def to_internal_value(self, data: Any) -> list[dict[str, Any]]:
        if not isinstance(data, list) or not 1 <= len(data) <= ROWS_MAX:
            raise serializers.ValidationError(f"Send a list of 1 to {ROWS_MAX:,} rows.")
        seen: set[str] = set()
        for place, row in enumerate(data):
            if not isinstance(row, dict):
                raise serializers.ValidationError(f"Row {place} is no object.")
            seen |= row.keys()
            for name, value in row.items():
                if isinstance(value, dict | list) or (isinstance(value, str) and len(value) > TEXT_MAX):
                    words = f"Row {place}: {name[:60]} must be a text of at most {TEXT_MAX:,} signs, a number, or null."
                    raise serializers.ValidationError(words)
        self._check_names(seen)
        return data

    def to_representation(self, value: Any) -> Any:
        return value

    def _check_names(self, seen: set[str]) -> None:
        known = self.names.fields
        for name in sorted(seen - known.keys()):
            if not self.names.open:
                words = f"Rows hold an unknown name, {name[:60]}. Known: {', '.join(known)}."
                raise serializers.ValidationError(words)
            if not _NAME.fullmatch(name) or _ENDS.search(name):
                words = f"{name[:60]!r} is no name of a measure: letters, digits and _ . - inside, 80 at most."
                raise serializers.ValidationError(words)
        if len({name.casefold() for name in seen}) != len(seen):
            raise serializers.ValidationError("Two names in the rows differ in case only. Use one of them.")
        if len(seen) > NAMES_MAX:
            raise serializers.ValidationError(f"Rows hold {len(seen)} names; {NAMES_MAX} are allowed. Split them.")


def row_list(names: Names, shape: type[serializers.Serializer[Any]]) -> RowList:
    """The field, described to the schema by the shape of a row."""
    made = type(f"{shape.__name__}List", (RowList,), {"names": names})
    described: type[RowList] = extend_schema_field(shape(many=True))(made)
    return described()


class RefusedRowShape(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="Its place in what was sent, from 0.")
    code = serializers.CharField()
    reason = serializers.CharField()


class WarningShape(serializers.Serializer[Any]):
    code = serializers.CharField()
    count = serializers.IntegerField(help_text="In rows sent.")
    message = serializers.CharField()


class TakenShape(serializers.Serializer[Any]):
    """What became of the rows: read = created + updated + unchanged + rejected."""

    read = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    rows = RefusedRowShape(many=True, help_text="The rejected rows, with their reasons.")
    warnings = WarningShape(many=True)
