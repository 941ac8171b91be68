"""From printed cells to typed values: each distinct text of a column is read once, by the pure rules."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Final

from accounts.importing.errors import ImportRefused
from accounts.importing.kinds import Field
from accounts.importing.maps import ImportMap
from accounts.rules.dates import (
    DateOrder,
    OrderEvidence,
    is_open_end,
    order_evidence,
    order_of_format,
    parse_moment,
)
from accounts.rules.headers import normal_header
from accounts.rules.numbers import (
    DecimalEvidence,
    Decimals,
    OtherCurrency,
    Unreadable,
    decimal_evidence,
    is_blank,
    parse_amount,
    parse_integer,
    parse_number,
)
from accounts.rules.words import parse_boolean
from core.money import digits, to_minor

DATES: Final = frozenset({"date", "datetime"})
NUMBERS: Final = frozenset({"number", "integer", "money"})
OTHER_CURRENCY: Final = "other_currency"
TYPED: Final = DATES | NUMBERS | {"boolean", "choice"}


@dataclass
class Reading:
    """How the columns of one file are read: what a person decided and what the columns themselves prove."""

    import_map: ImportMap
    delimiter: str
    zone: tzinfo
    currency: str
    orders: dict[str, OrderEvidence] = field(default_factory=dict)
    decimals: dict[str, DecimalEvidence] = field(default_factory=dict)

    def learn(self, wanted: Field, header: str, values: Iterable[str]) -> None:
        """Takes the distinct values of a column as evidence. All columns are learned before the first is read."""
        if wanted.type in DATES and not self._format(wanted.name, header):
            self.orders[header] = order_evidence(values)
        elif wanted.type in NUMBERS and not self._chosen_decimal(wanted.name, header):
            self.decimals[header] = decimal_evidence(values)

    def parser(self, wanted: Field, header: str) -> Callable[[str], str | None]:
        """Text → canonical text for a cast in SQL, None for "no value"; raises `Unreadable` for the row's reject.

        Raises `ImportRefused` when the column cannot be decided and must be asked.
        """
        if wanted.type in DATES:
            return self._date_parser(wanted, header)
        if wanted.type in NUMBERS:
            return self._number_parser(wanted, header)
        if wanted.type == "boolean":
            return lambda text: None if is_blank(text) else str(parse_boolean(text)).lower()
        return _choice_parser(wanted)

    def order(self, header: str) -> DateOrder:
        """Day or month first, in this column or, where it leaves that open, in the others of the file."""
        own = self.orders[header].decide()
        if own is DateOrder.UNDECIDED:
            others = {evidence.decide() for evidence in self.orders.values()}
            decided = others & {DateOrder.DAY_FIRST, DateOrder.MONTH_FIRST}
            if len(decided) == 1:
                return decided.pop()
        return own

    def decimal(self, header: str, wanted: Field) -> Decimals:
        """Point or comma, in this column or as the rest of the file suggests."""
        evidence = self.decimals[header]
        own = evidence.decide()
        if own is not Decimals.UNDECIDED:
            return own
        others = {other.decide() for other in self.decimals.values()} - {Decimals.UNDECIDED}
        proven = {other.decide() for other in self.decimals.values() if other.point or other.comma}
        if len(proven) == 1:
            return proven.pop()
        if wanted.type != "number":  # counts and amounts have no three decimals, so the sign groups thousands
            return Decimals.COMMA if evidence.open_point and not evidence.open_comma else Decimals.POINT
        if self.delimiter == "," and others <= {Decimals.POINT}:
            return Decimals.POINT
        return Decimals.UNDECIDED

    def _format(self, name: str, header: str) -> str:
        formats = self.import_map.date_format
        return formats.get(name) or formats.get(header) or formats.get("", "")

    def _chosen_decimal(self, name: str, header: str) -> str:
        chosen = self.import_map.decimal
        return chosen.get(name) or chosen.get(header) or chosen.get("", "")

    def _date_parser(self, wanted: Field, header: str) -> Callable[[str], str | None]:
        date_format = self._format(wanted.name, header)
        order = order_of_format(date_format) if date_format else self.order(header)
        if order in {DateOrder.UNDECIDED, DateOrder.MIXED} and not date_format:
            raise ImportRefused("ambiguous_dates", _date_question(wanted, header, order))

        def parse(text: str) -> str | None:
            if is_blank(text) or (wanted.open_end and is_open_end(text)):
                return None
            moment = parse_moment(text, order, date_format)
            return (moment.on(self.zone) if wanted.type == "date" else moment.at(self.zone)).isoformat()

        return parse

    def _number_parser(self, wanted: Field, header: str) -> Callable[[str], str | None]:
        chosen = self._chosen_decimal(wanted.name, header)
        decimals = Decimals(chosen) if chosen else self.decimal(header, wanted)
        if decimals is Decimals.UNDECIDED:
            raise ImportRefused(
                "ambiguous_numbers",
                f"Column “{header}” has numbers such as 1,234 that read two ways. Say which sign is the decimal one: "
                f"`decimal: {{{wanted.name}: point}}` or `decimal: {{{wanted.name}: comma}}`.",
            )
        in_minor = wanted.type == "money" and self.import_map.options.get("amounts_in") == "minor_units"
        scale = -digits(self.currency) if in_minor else 0

        def parse(text: str) -> str | None:
            if is_blank(text):
                return None
            if wanted.type == "integer":
                return str(parse_integer(text, decimals))
            if wanted.type == "money":
                return str(to_minor(parse_amount(text, decimals, self.currency).scaleb(scale), self.currency))
            return repr(float(parse_number(text, decimals)))

        return parse


def _date_question(wanted: Field, header: str, order: DateOrder) -> str:
    why = (
        "holds dates with the day first and dates with the month first"
        if order is DateOrder.MIXED
        else "has dates that read two ways, such as 3/4/2025"
    )
    return (
        f'Column “{header}” {why}. Say which it is: `date_format: {{{wanted.name}: "%d/%m/%Y"}}` for day first, '
        f'`date_format: {{{wanted.name}: "%m/%d/%Y"}}` for month first.'
    )


def _choice_parser(wanted: Field) -> Callable[[str], str | None]:
    choices = {normal_header(word): stored for word, stored in (wanted.choices or {}).items()}
    choices |= {normal_header(stored): stored for stored in (wanted.choices or {}).values()}

    def parse(text: str) -> str | None:
        word = normal_header(text)
        if word in choices:
            return choices[word]
        if not word or is_blank(text):
            return None
        if wanted.open_choice:
            return text.strip()
        known = ", ".join(sorted(set(choices.values())))
        raise Unreadable(f"“{text[:40]}” is none of {known}")

    return parse


def read_value(parse: Callable[[str], str | None], text: str) -> tuple[str | None, str, str]:
    """The value, why there is none, and the code of the refusal where it has one of its own."""
    try:
        return parse(text), "", ""
    except OtherCurrency as error:
        return None, str(error), OTHER_CURRENCY
    except Unreadable as error:
        return None, str(error), ""
