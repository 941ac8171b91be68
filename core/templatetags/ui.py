"""The small parts of a page that stand on every row: icons, bands, changes, amounts, dates, bars, sparklines.

They are written in Python, not as included templates, because a list of 50 rows draws several hundred of them.
What each one takes and gives is shown on the gallery page and in docs/ui.md.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from django import template
from django.forms import BoundField
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from core import formatting as f

register = template.Library()

_SYMBOL: Final = re.compile(r'<symbol id="([a-z0-9-]+)">(.*?)</symbol>')
ICONS: Final[dict[str, str]] = dict(_SYMBOL.findall(Path(__file__).with_name("icons.svg").read_text(encoding="utf-8")))

# Every name under which an app may know a band, and the tone and word that a person sees.
_BANDS: Final[dict[str, tuple[str, str]]] = {
    "green": ("ok", "Healthy"), "healthy": ("ok", "Healthy"), "ok": ("ok", "Healthy"),
    "yellow": ("warn", "Watch"), "watch": ("warn", "Watch"), "warn": ("warn", "Watch"),
    "red": ("risk", "At risk"), "at_risk": ("risk", "At risk"), "risk": ("risk", "At risk"),
}  # fmt: skip
_NO_BAND: Final = ("none", "No score")


def band_of(key: object) -> tuple[str, str]:
    """The tone (ok, warn, risk, none) and the word of a band; anything unknown has no score."""
    return _BANDS.get(str(key or ""), _NO_BAND)


@cache
def _icon(name: str, css: str) -> SafeString:
    body = ICONS.get(name)
    if body is None:
        raise template.TemplateSyntaxError(f"No icon named {name!r}: add it to core/templatetags/icons.svg.")
    return mark_safe(  # noqa: S308 -- the body comes from our own icon file, the class is escaped
        f'<svg class="icon{" " + escape(css) if css else ""}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        f'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{body}</svg>'
    )


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """A decorative icon; `css` may be a size class: s12 s13 s14 s20 s22. The word beside it carries the meaning."""
    return _icon(name, css)


@cache
def _glyph(tone: str, size: str) -> SafeString:
    return format_html(
        '<svg class="glyph{}" viewBox="0 0 14 14" aria-hidden="true"><use href="#g-{}"/></svg>',
        " tiny" if size == "tiny" else "",
        tone,
    )


@register.simple_tag
def glyph(key: object, size: str = "") -> SafeString:
    """The shape of a band or state: tick, triangle, diamond or dashed ring. Needs a word beside it."""
    tone = _BANDS.get(str(key or ""), _NO_BAND)[0]
    return _glyph(tone, size)


@register.simple_tag
def band(
    key: object,
    score: float | Decimal | None = None,
    *,
    word: bool = True,
    decimals: int = 0,
    override: float | Decimal | None = None,
) -> SafeString:
    """Glyph, score and word of a health band. Without `word` the word stays for screen readers.

    `override`: a person's own score, which stands beside the computed one.
    """
    tone, text = band_of(key)
    shown = format_html("<b>{}</b>", f.score(score, decimals)) if score is not None and tone != "none" else ""
    css = f"band-word {tone}" if word or tone == "none" else "visually-hidden"
    beside = _by_hand(f.score(override, decimals)) if override is not None else ""
    return format_html(
        '<span class="band">{}{}<span class="{}">{}</span>{}</span>', _glyph(tone, ""), shown, css, text, beside
    )


@cache
def _by_hand(score: str) -> SafeString:
    return format_html(
        '<span class="by-hand" title="Override {0}">{1}<span class="visually-hidden">override </span>{0}</span>',
        score,
        _icon("pencil", "s12"),
    )


@register.simple_tag
def pill(key: object, text: str = "") -> SafeString:
    """The band as a soft pill, for heads: `At risk · 48`."""
    tone, word = band_of(key)
    return format_html('<span class="pill {0} ">{1}<span class="{0}">{2}</span></span>', tone, _glyph(tone, ""),
                       f"{word} · {text}" if text else word)  # fmt: skip


@register.simple_tag
def change(value: float | Decimal | None, decimals: int = 0, *, unit: str = "", good: str = "up") -> SafeString:
    """A signed change with its triangle. `unit="pt"` takes a fraction; `good` is "up", "down" or "none"."""
    text = f.points(value, decimals) if unit == "pt" else f.number(value, decimals, plus=True)
    return signed(value, text, good=good)


@register.simple_tag
def signed(value: float | Decimal | None, text: str, *, good: str = "up") -> SafeString:
    """Any signed text with the triangle and tone of `value`: `{% signed 41200000 '+€412k this week' good='down' %}`."""
    if value is None or not re.search(r"[1-9]", text):
        return mark_safe('<span class="change same">–</span>')
    up = value > 0
    tone = "" if good == "none" else "good" if up == (good == "up") else "bad"
    return format_html(
        '<span class="change {}"><svg viewBox="0 0 8 8" aria-hidden="true"><use href="#g-{}"/></svg>{}</span>',
        tone,
        "up" if up else "down",
        text,
    )


@register.simple_tag
def bar(value: float | Decimal | None, top: float | Decimal = 100, css: str = "", *, align: str = "") -> SafeString:
    """A track filled by the size of a value, which stands beside it. `css`: ok warn risk quiet, thin w28 w44 w64."""
    share = 0.0 if not value or not top else min(100.0, abs(float(value) / float(top)) * 100)
    start = 100 - share if align == "end" else 0
    return format_html(
        '<svg class="bar {}" aria-hidden="true"><rect x="{}%" width="{}%" height="100%" rx="3"/></svg>',
        css,
        f"{start:.4g}",
        f"{share:.4g}",
    )


@register.simple_tag
def sparkline(
    values: Sequence[float | Decimal | None],
    label: str = "",
    *,
    width: int = 72,
    height: int = 20,
    fall: bool | None = None,
) -> SafeString:
    """A small line of the last values. Red if it lost 5 or more, or as `fall` says; never green."""
    known = [float(value) for value in values if value is not None]
    if len(known) < 2:
        return mark_safe('<span class="small muted">from 4 weeks on</span>')
    low, high = min(known), max(known)
    span = max(high - low, 6.0)
    scale, middle = (height - 6) / span, (low + high) / 2
    xs = _spread(len(known), width)
    ys = [round(height / 2 - (value - middle) * scale) for value in known]
    steps = "".join([f"l{xs[i] - xs[i - 1]} {ys[i] - ys[i - 1]}" for i in range(1, len(known))])
    falls = known[-1] - known[0] <= -5 if fall is None else fall
    text = escape(label) if label else f"from {f.score(known[0])} to {f.score(known[-1])}"
    return mark_safe(  # noqa: S308 -- numbers of our own and an escaped label; a list draws fifty of these
        f'<svg class="spark{" fall" if falls else ""}" width="{width:d}" height="{height:d}" role="img" '
        f'aria-label="{text}"><path d="M{xs[0]} {ys[0]}{steps}"/><circle cx="{xs[-1]}" cy="{ys[-1]}" r="2"/></svg>'
    )


@cache
def _spread(points: int, width: int) -> list[int]:
    """Where the points of a sparkline lie, evenly, three pixels inside its edges."""
    return [round(3 + (width - 6) * index / (points - 1)) for index in range(points)]


@register.simple_tag
def tile(name: str, css: str = "") -> SafeString:
    """The initials of an account on one of six grounds, always the same for the same name; `css="large"` for heads."""
    ground = crc32(name.encode()) % 6 + 1
    return format_html('<span class="tile t{} {}" aria-hidden="true">{}</span>', ground, css, f.initials(name))


@register.simple_tag
def avatar(name: str, css: str = "", *, named: bool = False) -> SafeString:
    """The initials of a person. `named` adds the full name for screen readers, where it is not written beside it."""
    face = format_html('<span class="avatar {}" aria-hidden="true">{}</span>', css, f.initials(name))
    return format_html('{}<span class="visually-hidden">{}</span>', face, name) if named else face


@register.simple_tag
def due(target: date | None, today: date) -> SafeString:
    """A date with its distance: `28 Jan 2027  66 d`, amber under 30 days, red in words when late."""
    if target is None:
        return mark_safe('<span class="muted">–</span>')
    tone = f.days_tone(target, today)
    return format_html(
        '<span class="num">{}</span> <span class="small num {}">{}</span>',
        f.day(target),
        f"{tone} strong" if tone else "muted",
        f.days_left(target, today),
    )


@register.simple_tag
def kbd(keys: str) -> SafeString:
    """One or more keys: `{% kbd "Ctrl K" %}`."""
    return mark_safe(" ".join(f'<kbd class="kbd">{escape(key)}</kbd>' for key in keys.split()))  # noqa: S308 -- escaped


@register.simple_tag
def stamp(text: str, *, late: bool = False, url: str = "") -> SafeString:
    """The freshness of derived data. A late source turns the dot amber and must be said in `text`."""
    css = "stamp late" if late else "stamp"
    if url:
        return format_html('<a class="{}" href="{}">{}</a>', css, url, text)
    return format_html('<span class="{}">{}</span>', css, text)


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: object) -> str:
    """The current address with some parameters changed; an empty value drops one. Keeps filters, sort and columns."""
    params = context["request"].GET.copy()
    for key, value in changes.items():
        if value in (None, ""):
            params.pop(key, None)
        else:
            params[key] = str(value)
    text = params.urlencode()
    return f"?{text}" if text else "?"


@register.filter
def money(minor: int | None, currency: str) -> str:
    return f.money(minor, currency)


@register.filter
def money_exact(minor: int | None, currency: str) -> str:
    return f.money(minor, currency, cents=True)


@register.filter
def money_short(minor: int | None, currency: str) -> str:
    return f.money_short(minor, currency)


@register.filter
def money_signed(minor: int | None, currency: str) -> str:
    return f.money_short(minor, currency, plus=True)


@register.filter
def number(value: float | Decimal | None, decimals: int = 0) -> str:
    return f.number(value, decimals)


@register.filter
def plus(value: float | Decimal | None, decimals: int = 1) -> str:
    return f.number(value, decimals, plus=True)


@register.filter
def percent(fraction: float | Decimal | None, decimals: int = 1) -> str:
    return f.percent(fraction, decimals)


@register.filter
def score(value: float | Decimal | None, decimals: int = 0) -> str:
    return f.score(value, decimals)


@register.filter
def count(value: int, limit: int = 10_000) -> str:
    return f.count(value, limit)


@register.filter
def initials(name: str) -> str:
    return f.initials(name)


@register.filter
def day(value: date | None, today: date | None = None) -> str:
    """`28 Jan 2027`; with `today` the weekday stands in front within a week."""
    return f.day(_local(value), today)


@register.filter
def day_short(value: date | None, today: date) -> str:
    return f.day_short(_local(value), today)


@register.filter
def long_day(value: date) -> str:
    return f.long_day(value)


@register.filter
def clock(value: datetime | None) -> str:
    """`06:00` in the zone of the workspace."""
    return f.DASH if value is None else f"{timezone.localtime(value):%H:%M}"


@register.filter
def days_left(target: date, today: date) -> str:
    return f.days_left(target, today)


@register.filter
def days_tone(target: date, today: date) -> str:
    return f.days_tone(target, today)


@register.filter
def age(seconds: float | None) -> str:
    return f.age(seconds)


@register.filter
def file_size(size: int) -> str:
    return f.file_size(size)


@register.filter
def plural(value: int, words: str) -> str:
    """`{{ n|plural:"account" }}` or `{{ n|plural:"entry,entries" }}`."""
    one, _, many = words.partition(",")
    return f.plural(value, one, many)


def _local(value: date | None) -> date | None:
    """A moment counts as the day it is in the workspace, not as the day in UTC."""
    if isinstance(value, datetime):
        return timezone.localtime(value).date()
    return value


@register.simple_tag
def input(field: BoundField, css: str = "") -> SafeString:  # noqa: A001 -- the name of the tag
    """The widget of a bound field with the classes and the aria links of its help and errors."""
    own = "check" if getattr(field.field.widget, "input_type", "") in {"checkbox", "radio"} else "input"
    attrs: dict[str, str | bool] = {"class": f"{own} {css}".strip()}
    described = []
    if field.help_text:
        described.append(f"{field.id_for_label}-help")
    if field.errors:
        attrs["aria-invalid"] = "true"
        described.append(f"{field.id_for_label}-error")
    if described:
        attrs["aria-describedby"] = " ".join(described)
    return field.as_widget(attrs=attrs)


@register.simple_tag
def job_left(job: Any, now: datetime) -> str:
    """What a running job still needs, at the pace it had so far; nothing before its first tenth second."""
    if not (job.started_at and job.total and job.done):
        return ""
    passed = (now - job.started_at).total_seconds()
    return f.duration_left(passed / job.done * (job.total - job.done)) if passed > 2 else ""
