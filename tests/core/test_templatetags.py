"""The small parts that stand on every row."""

from datetime import date
from typing import Any

import pytest
from django import forms
from django.template import Context, Template, TemplateSyntaxError
from django.test import RequestFactory

TODAY = date(2026, 11, 23)


def draw(source: str, **context: Any) -> str:
    return Template("{% load ui drawings %}" + source).render(Context({"today": TODAY, **context}))


@pytest.mark.parametrize(
    ("key", "tone", "word"),
    [
        ("green", "ok", "Healthy"),
        ("watch", "warn", "Watch"),
        ("at_risk", "risk", "At risk"),
        (None, "none", "No score"),
    ],
)
def test_a_band_has_a_shape_and_a_word(key: str | None, tone: str, word: str) -> None:
    html = draw("{% band key 49.6 %}", key=key)
    assert f'href="#g-{tone}"' in html
    assert f'<span class="band-word {tone}">{word}</span>' in html


def test_a_band_without_room_keeps_its_word_for_screen_readers() -> None:
    assert '<span class="visually-hidden">Healthy</span>' in draw('{% band "green" 82 word=False %}')


def test_a_band_shows_the_score_inside_its_band() -> None:
    assert "<b>49</b>" in draw('{% band "red" 49.6 %}')
    assert "<b>" not in draw('{% band "" 49.6 %}')


def test_a_change_has_a_direction_and_a_tone() -> None:
    assert 'class="change bad"' in draw("{% change -19 %}")
    assert 'href="#g-down"' in draw("{% change -19 %}")
    assert 'class="change bad"' in draw('{% change 2 good="down" %}')
    assert draw("{% change 0 %}") == '<span class="change same">–</span>'
    assert draw("{% change missing %}", missing=None) == '<span class="change same">–</span>'
    assert "+2.4\u00a0pt" in draw('{% change 0.024 1 unit="pt" %}')


def test_a_bar_stays_inside_its_track() -> None:
    assert 'width="70%"' in draw("{% bar 70 %}")
    assert 'width="100%" height="100%"' in draw("{% bar 170 %}")
    assert 'width="0%"' in draw("{% bar nothing %}", nothing=None)
    assert 'width="25%"' in draw("{% bar loss 10 %}", loss=-2.5)
    assert 'x="90%" width="10%"' in draw('{% bar 10 100 align="end" %}')


def test_a_sparkline_is_red_only_after_a_loss_of_five() -> None:
    assert 'class="spark fall"' in draw("{% sparkline values %}", values=[67, 60, 62])
    assert 'class="spark"' in draw("{% sparkline values %}", values=[64, 62, 60])
    assert 'aria-label="from 67 to 62"' in draw("{% sparkline values %}", values=[67, 60, 62])
    assert "<svg" not in draw("{% sparkline values %}", values=[67])


def test_a_due_date_says_how_late_it_is() -> None:
    html = draw("{% due target today %}", target=date(2026, 11, 14))
    assert '<span class="small num risk strong">9 days late</span>' in html


def test_a_name_cannot_bring_markup_into_the_page() -> None:
    evil = '"><script>alert(1)</script>'
    tags = ("tile name", "avatar name named=True", "stamp name url=name", "sparkline v label=name", "kbd name")
    html = draw("".join(f"{{% {tag} %}}" for tag in tags), name=evil, v=[1, 2, 3])
    assert "<script" not in html


def test_the_same_name_always_has_the_same_tile() -> None:
    assert draw('{% tile "Brightwater Energy" %}') == draw('{% tile "Brightwater Energy" %}')


def test_an_unknown_icon_is_an_error_while_developing() -> None:
    with pytest.raises(TemplateSyntaxError, match="no-such-icon"):
        draw('{% icon "no-such-icon" %}')


def test_query_keeps_the_filters_and_drops_what_is_empty() -> None:
    request = RequestFactory().get("/accounts/?owner=7&q=x&page=2")
    html = draw('{% query q="" page=3 %}', request=request)
    assert html == "?owner=7&amp;page=3"


def test_a_field_with_an_error_is_tied_to_it() -> None:
    class Form(forms.Form):
        name = forms.CharField(help_text="As written.")

    html = draw("{% input form.name %}", form=Form({"name": ""}))
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_name-help id_name-error"' in html


def test_a_waterfall_shows_every_step_with_its_sign() -> None:
    rows = [
        {"name": "1 Nov", "value": 67.0, "tone": "total"},
        {"name": "Product usage", "value": -19.5, "tone": "value"},
        {"name": "Today", "value": 47.5, "tone": "total"},
    ]
    html = draw('{% waterfall rows "From 67.0 to 47.5" edge=50 %}', rows=rows)
    assert [shown in html for shown in (">67.0<", ">−19.5<", ">47.5<", ">Product<", ">usage<")] == [True] * 5


def test_a_renewal_strip_places_today_between_start_and_end() -> None:
    html = draw(
        "{% renewal_strip steps start end today notice %}",
        steps=[{"on": date(2026, 8, 1), "title": "180 days", "text": "Plan agreed", "state": "done"}],
        start=date(2026, 8, 1),
        end=date(2027, 1, 28),
        notice=date(2026, 11, 29),
    )
    assert 'class="today" x1="62.17%"' in html or 'class="today" x1="62.1' in html
    assert "Notice deadline 29\u00a0Nov, in 6 days" in html
