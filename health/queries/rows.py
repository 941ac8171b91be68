"""The rows behind a value: what was observed in its window, with totals from which the value follows."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection

from accounts.models import Account
from core import registry
from core.facts import annotate_facts, fact_column
from core.formatting import day, number
from core.models import Tenant
from core.money import digits
from core.tenancy import require_tenant_id
from health.engine import SOURCES
from health.engine.sources import AS_OF, NUMBER_OF_DAY, SIGNALS, Table
from health.models import Score
from health.queries.live import model_of
from health.queries.scores import stored_on
from health.queries.wording import in_words, is_money, source_name, value_in_words
from health.rules import Aggregate, Categories, Input, Missing, Reading

PAGE: Final = 50


@dataclass(frozen=True)
class Observation:
    """One row that counts, the newest first. `part` says to which side of a comparison it belongs."""

    day: date
    what: str
    value: float | None
    part: str = ""


@dataclass(frozen=True)
class Behind:
    """The rows of one input of one score. `value` follows from them; `stored` is what the score used."""

    account: Account
    input: Input
    reading: Reading
    as_of: date
    first_day: date
    stored: float | None
    value: float | None
    how: str
    rows: list[Observation] = field(default_factory=list)
    total: int = 0
    page: int = 1

    @property
    def pages(self) -> int:
        return max(-(-self.total // PAGE), 1)

    @property
    def agrees(self) -> bool:
        """Whether the rows give what was stored. Rows that came in or were corrected later make the difference."""
        if self.stored is None or self.value is None:
            return self.stored is self.value
        return abs(self.stored - self.value) <= 1e-4 * max(abs(self.stored), 1)

    @property
    def shown_stored(self) -> str:
        return value_in_words(self.reading, self.stored)

    @property
    def shown_value(self) -> str:
        return value_in_words(self.reading, self.value)

    @property
    def source(self) -> str:
        return source_name(self.reading)

    @property
    def reads(self) -> str:
        return in_words(self.reading)

    @property
    def is_money(self) -> bool:
        return is_money(self.reading)


def rows_behind(account_id: int, key: str, *, on: date | None = None, page: int = 1) -> Behind | None:
    """The rows behind an input of the current score, or of the one stored on a day; None where there is none."""
    facts = (
        Score.objects.filter(account_id=account_id).select_related("model_version", "account").first()
        if on is None
        else stored_on(account_id, on)
    )
    if facts is None:
        return None
    inputs = model_of(facts.model_version).inputs
    at = next((place for place, one in enumerate(inputs) if one.key == key), None)
    if at is None:
        return None
    answered = facts.readings[at] if at < len(facts.readings) else None
    reading = inputs[at].readings[answered or 0]
    age = facts.ages[at] if at < len(facts.ages) else None
    found = Behind(
        account=facts.account,
        input=inputs[at],
        reading=reading,
        as_of=facts.as_of,
        first_day=facts.as_of - timedelta(days=_look_back(inputs[at], reading, age) - 1),
        stored=facts.values[at] if at < len(facts.values) else None,
        value=None,
        how="",
        page=max(page, 1),
    )
    source = SOURCES.get(reading.measure)
    if source is not None and source.table is None:
        return _contracts(found)
    return _fact(found) if reading.measure in registry.facts() else _observed(found)


def _look_back(one: Input, reading: Reading, age: int | None) -> int:
    """How many days count: the window, what it is compared with, and the days that a value is carried on."""
    if reading.aggregate is Aggregate.TREND and reading.measure != "contracts.arr":
        return reading.window_days + reading.baseline_days
    carried = one.missing is Missing.CARRY and age is not None and age >= reading.window_days
    return reading.window_days + (one.carry_days if carried else 0)


@dataclass(frozen=True)
class _Query:
    """The rows that count, as SQL."""

    day: str
    order: str
    value: str
    what: str
    source: str
    params: dict[str, Any]


def _query(found: Behind) -> _Query:
    reading = found.reading
    source = SOURCES.get(reading.measure)
    table: Table = source.table if source and source.table else SIGNALS
    value, what, where, params = _columns(reading)
    span = (found.as_of - found.first_day).days + 1
    clauses = [
        f"{table.alias}.tenant_id = %(tenant)s",
        f"{table.alias}.account_id = %(account)s",
        table.since(span),
        table.until(),
        *where,
    ]
    tenant = Tenant.objects.get(pk=require_tenant_id())
    params |= {
        "tenant": tenant.pk,
        "account": found.account.pk,
        "as_of": found.as_of,
        "zone": tenant.timezone,
        "limit": PAGE,
        "offset": (found.page - 1) * PAGE,
        "window": reading.window_days,
    }
    of = f"FROM {table.name} {table.alias} WHERE {' AND '.join(clauses)}"
    return _Query(table.business_day, table.day, f"({value})::float8", what, of, params)


def _observed(found: Behind) -> Behind:
    """Signals, tickets and activities: rows in a table, aggregated as the score aggregates them."""
    ask = _query(found)
    sums = _sums(ask)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {ask.day}, {ask.what}, {ask.value} {ask.source} "
            f"ORDER BY {ask.order} DESC LIMIT %(limit)s OFFSET %(offset)s",
            ask.params,
        )
        edge = found.as_of - timedelta(days=found.reading.window_days)
        is_trend = found.reading.aggregate is Aggregate.TREND
        rows = [
            Observation(on, text, amount, ("before" if on <= edge else "window") if is_trend else "")
            for on, text, amount in cursor.fetchall()
        ]
    source = SOURCES.get(found.reading.measure)
    got, how = _value(found, sums, silence=bool(source and source.silence_counts))
    return _with(found, value=got, how=how, rows=rows, total=sums["rows"])


def _with(found: Behind, **values: Any) -> Behind:
    return Behind(**{**found.__dict__, **values})


def _columns(reading: Reading) -> tuple[str, str, list[str], dict[str, Any]]:
    """The value, the words and the conditions of the rows that a reading counts."""
    source = SOURCES.get(reading.measure)
    if source is not None:
        words = {"t": "COALESCE(NULLIF(t.subject, ''), 'Ticket')", "y": "initcap(y.kind) || ': ' || y.subject"}
        alias = source.table.alias if source.table else ""
        known = [] if source.value == "1" else [f"{source.value} IS NOT NULL"]
        return source.value, words.get(alias, "''"), [part for part in (source.where, *known) if part], {}
    params: dict[str, Any] = {"measure": reading.measure}
    of_measure = (
        "s.measure_id = (SELECT m.id FROM accounts_measure m WHERE m.tenant_id = %(tenant)s AND m.key = %(measure)s)"
    )
    if not isinstance(reading.mapping, Categories):
        return "s.value", "s.category", [of_measure, "s.value IS NOT NULL"], params
    cases = []
    for at, (name, _) in enumerate(reading.mapping.points):
        params[f"name_{at}"] = name
        cases.append(f"WHEN s.category = %(name_{at})s THEN {at}")
    return f"(CASE {' '.join(cases)} END)", "s.category", [of_measure], params


_NAMES: Final = ("rows", "known", "sum", "mean", "max", "distinct_days", "last", "first", "seen", "recent", "base")


def _sums(ask: _Query) -> dict[str, Any]:
    """All that a reading may be made of, over all rows and not only those of one page."""
    sql = (
        "SELECT count(*), count(v), sum(v), avg(v), max(v), "  # noqa: S608 -- text of ours, values are parameters
        "count(DISTINCT day) FILTER (WHERE v > 0), "
        f"(max(ARRAY[(day - {NUMBER_OF_DAY})::float8, v]) FILTER (WHERE v IS NOT NULL))[2], min(day), max(day), "
        f"sum(v) FILTER (WHERE day > {AS_OF} - %(window)s), sum(v) FILTER (WHERE day <= {AS_OF} - %(window)s) "
        f"FROM (SELECT {ask.day} AS day, {ask.value} AS v {ask.source}) AS inside"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, ask.params)
        return dict(zip(_NAMES, cursor.fetchone(), strict=True))


def _value(found: Behind, sums: dict[str, Any], *, silence: bool) -> tuple[float | None, str]:
    """What the rows amount to, as the score makes it, and how in words."""
    reading, kind = found.reading, found.reading.aggregate
    rows = f"{number(sums['known'])} row{'' if sums['known'] == 1 else 's'}"
    if kind is Aggregate.TREND:
        return _trend(found, sums)
    if kind is Aggregate.DAYS_SINCE:
        if sums["seen"] is None:
            return (float(reading.window_days) if silence else None), f"None in {reading.window_days} days."
        return float((found.as_of - sums["seen"]).days), "Days since the newest row."
    if not sums["known"]:
        counts = {Aggregate.COUNT, Aggregate.DISTINCT_DAYS, Aggregate.SUM}
        return (0.0, "No rows in the window, which counts as 0.") if silence and kind in counts else (None, "No rows.")
    how = {
        Aggregate.SUM: f"Sum of {rows}.",
        Aggregate.MEAN: f"{number(sums['sum'], 1)} in {rows}, mean {number(sums['mean'], 2)}.",
        Aggregate.MAX: f"Highest of {rows}.",
        Aggregate.LAST: "The newest row.",
        Aggregate.COUNT: f"{rows}.",
        Aggregate.DISTINCT_DAYS: "Days with a value above 0.",
    }[kind]
    return float({Aggregate.COUNT: sums["known"]}.get(kind, sums.get(kind.value)) or 0), how


def _trend(found: Behind, sums: dict[str, Any]) -> tuple[float | None, str]:
    reading = found.reading
    if sums["first"] is None:
        return None, "No rows."
    days = (found.as_of - timedelta(days=reading.window_days) - sums["first"]).days + 1
    base = sums["base"] or 0
    if days < 7 or base <= 0:
        return None, "Fewer than 7 days, or nothing, to compare with."
    recent = sums["recent"] or 0
    how = (
        f"{number(recent / reading.window_days, 2)} a day in the {reading.window_days} days of the window, "
        f"{number(base / days, 2)} a day in the {days} days before."
    )
    return (recent / reading.window_days) / (base / days) - 1, how


def _fact(found: Behind) -> Behind:
    """A fact that the product knows about the account: one row, which is the value."""
    fact = registry.facts()[found.reading.measure]
    accounts = annotate_facts(Account.objects.filter(pk=found.account.pk), [fact.key], found.as_of)
    raw = accounts.values_list(fact_column(fact.key), flat=True).first()
    value = found.stored
    if fact.type == "money" and raw is not None:
        value = float(raw) / 10 ** digits(Tenant.objects.get(pk=require_tenant_id()).currency)
    elif fact.type in {"number", "boolean"}:
        value = None if raw is None else float(raw)
    rows = [Observation(found.as_of, fact.label, value)] if raw is not None else []
    how = "Known for now only, not as of a past day." if fact.now_only else fact.help
    return _with(found, value=value, how=how, rows=rows, total=len(rows))


_LINES: Final = """
SELECT l.starts_on, l.ends_on, l.arr_minor, COALESCE(NULLIF(c.name, ''), NULLIF(c.external_id, ''), 'Contract')
FROM accounts_contractline l
JOIN accounts_contract c ON c.tenant_id = l.tenant_id AND c.id = l.contract_id
WHERE l.tenant_id = %(tenant)s AND l.account_id = %(account)s AND l.kind = 'recurring'
  AND l.starts_on <= %(as_of)s AND (l.ends_on IS NULL OR l.ends_on > %(from)s)
ORDER BY l.starts_on DESC, l.id"""
_RUNNING: Final = """
SELECT c.starts_on, c.ends_on, c.auto_renew, COALESCE(NULLIF(c.name, ''), NULLIF(c.external_id, ''), 'Contract')
FROM accounts_contract c
WHERE c.tenant_id = %(tenant)s AND c.account_id = %(account)s AND c.starts_on <= %(as_of)s AND c.ends_on > %(as_of)s
ORDER BY c.ends_on"""


def _contracts(found: Behind) -> Behind:
    """The state of the account's contracts on the day; few enough to show and add up as they are."""
    reading = found.reading
    is_arr = reading.measure == "contracts.arr"
    is_trend = is_arr and reading.aggregate is Aggregate.TREND
    back = timedelta(days=reading.window_days) if is_trend else timedelta()
    tenant_id = require_tenant_id()
    with connection.cursor() as cursor:
        params: dict[str, Any] = {
            "tenant": tenant_id,
            "account": found.account.pk,
            "as_of": found.as_of,
            "from": found.as_of - back,
        }
        cursor.execute(_LINES if is_arr else _RUNNING, params)
        lines = cursor.fetchall()
    if is_arr:
        unit = 10 ** digits(Tenant.objects.get(pk=tenant_id).currency)
        return _arr(found, [(start, end, minor / unit, name) for start, end, minor, name in lines], back)
    days_left = reading.measure == "contracts.days_to_end"
    values = [float((end - found.as_of).days) if days_left else float(auto) for _, end, auto, _ in lines]
    rows = [
        Observation(start, f"{name}, until {day(end)}", value)
        for (start, end, _, name), value in zip(lines, values, strict=True)
    ]
    how = "The lowest of the running contracts." if rows else "No running contract with an end date."
    return _with(found, value=min(values) if values else None, how=how, rows=rows, total=len(rows))


def _arr(found: Behind, lines: list[tuple[date, date | None, float, str]], back: timedelta) -> Behind:
    def running(at: date) -> list[float]:
        return [amount for start, end, amount, _ in lines if start <= at and (end is None or end > at)]

    now, then = running(found.as_of), running(found.as_of - back)
    rows = [
        Observation(
            start, f"{name}{f', until {day(end)}' if end else ''}", amount, _part(found.as_of, back, start, end)
        )
        for start, end, amount, name in lines
    ]
    if not back:
        value, how = (sum(now) if now else None), "Sum of the running lines." if now else "No running line."
    elif not sum(then):
        value, how = None, "Nothing was paid at the start of the window."
    else:
        value = sum(now) / sum(then) - 1
        how = f"{number(sum(now))} on {day(found.as_of)} against {number(sum(then))} on {day(found.as_of - back)}."
    return _with(found, value=value, how=how, rows=rows, total=len(rows))


def _part(as_of: date, back: timedelta, start: date, end: date | None) -> str:
    if not back:
        return ""
    now = end is None or end > as_of
    then = start <= as_of - back
    return "both" if now and then else "now" if now else "before"
