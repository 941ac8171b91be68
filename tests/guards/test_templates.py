"""What holds the pages together: nothing inline, colours in one place, short templates, all parts on the gallery."""

import re
from pathlib import Path

import brotli
import pytest
from django.conf import settings
from django.contrib.staticfiles.finders import find
from django.template.loader import get_template

from core.templatetags.ui import ICONS

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
MAILS = {"email"}
MAX_LINES = 240

INLINE = {
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>", re.IGNORECASE),
    "an inline style element": re.compile(r"<style\b", re.IGNORECASE),
    "a style attribute": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "an event attribute": re.compile(r"\son[a-z]+\s*=\s*[\"']", re.IGNORECASE),
    "a javascript: address": re.compile(r"javascript:", re.IGNORECASE),
    "htmx code": re.compile(r"\shx-on[:-]|hx-vals=[\"']js:|hx-headers=[\"']js:", re.IGNORECASE),
}
COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|rgba|hsl|hsla|oklch|oklab|lab|lch|hwb)\(")
CLASS = re.compile(r"class=\"([^\"]*)\"")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _pages() -> list[Path]:
    return [path for path in TEMPLATES if MAILS.isdisjoint(path.parts)]


@pytest.mark.parametrize("path", _pages(), ids=_name)
def test_a_template_holds_nothing_that_the_policy_refuses(path: Path) -> None:
    text = re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert [what for what, pattern in INLINE.items() if pattern.search(text)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_template_is_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_nothing_that_is_hidden_from_sight_takes_the_focus(path: Path) -> None:
    hidden = re.findall(r"<(?:button|a)\b[^>]*\bvisually-hidden\b[^>]*>", path.read_text(encoding="utf-8"))
    assert [one for one in hidden if 'tabindex="-1"' not in one] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_template_compiles(path: Path) -> None:
    assert get_template(str(path.relative_to(ROOT / "templates")))


@pytest.mark.parametrize("path", _pages(), ids=_name)
def test_a_template_names_no_colour(path: Path) -> None:
    text = re.sub(
        r"&#\w+;|href=\"[^\"]*\"|{%.*?%}|{{.*?}}|{#.*?#}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    assert COLOUR.findall(text) == []


@pytest.mark.parametrize("path", [path for path in STYLES if path.name != "tokens.css"], ids=_name)
def test_only_the_tokens_name_colours(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert COLOUR.findall(text) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_scripts_name_no_colour_and_run_no_text_as_code(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    transparent = text.replace("rgba(0,0,0,0)", "")
    assert re.findall(r"\"#[0-9a-fA-F]{3,8}\"|rgba?\(", transparent) == []
    assert (
        re.findall(r"\beval\(|new Function|insertAdjacentHTML|document\.write|outerHTML\s*=|innerHTML\s*=", text) == []
    )


def test_every_token_that_is_used_is_defined() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in STYLES)
    assert set(re.findall(r"var\((--[\w-]+)\)", text)) - set(re.findall(r"(--[\w-]+)\s*:", text)) == set()


def _classes_in_styles() -> set[str]:
    text = "".join(path.read_text(encoding="utf-8") for path in STYLES)
    return set(re.findall(r"\.([a-zA-Z][\w-]*)", re.sub(r"/\*.*?\*/|url\([^)]*\)", "", text, flags=re.DOTALL)))


def _classes_in(path: Path) -> set[str]:
    """The class names that stand in a template as they are; one that is put together from parts is left out."""
    values = CLASS.findall(path.read_text(encoding="utf-8"))
    words = {word for value in values for word in re.sub(r"{{.*?}}", "{}", re.sub(r"{%.*?%}", " ", value)).split()}
    return {word for word in words if "{}" not in word}


def test_every_class_in_a_template_exists_in_a_stylesheet() -> None:
    scripts = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    known = _classes_in_styles() | set(re.findall(r"classList\.\w+\(\"([\w-]+)\"", scripts))
    unknown = {f"{_name(path)}: {word}" for path in _pages() for word in _classes_in(path) - known}
    assert unknown == set()


def test_every_icon_in_a_template_exists() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
    assert set(re.findall(r"{% icon \"([a-z0-9-]+)\"", text)) - set(ICONS) == set()


def test_every_component_is_on_the_gallery() -> None:
    """Directly, or through the frame that the gallery itself stands in."""
    shown, waiting = set(), {"gallery/index.html"}
    while waiting:
        name = waiting.pop()
        shown.add(name)
        text = (ROOT / "templates" / name).read_text(encoding="utf-8")
        waiting |= set(re.findall(r"{% (?:include|extends) \"([\w./-]+)\"", text)) - shown
    parts = {f"components/{path.name}" for path in (ROOT / "templates" / "components").glob("*.html")}
    assert parts - shown == set()


def test_vendored_files_point_at_no_source_map_and_carry_their_licence() -> None:
    vendor = ROOT / "static" / "vendor"
    files = sorted(vendor.glob("*.js"))
    assert [path.name for path in files if b"sourceMappingURL" in path.read_bytes()] == []
    readme = (vendor / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in files if path.name not in readme] == []


def test_every_static_file_named_by_a_template_is_there() -> None:
    named = {
        name for path in TEMPLATES for name in re.findall(r"{% static '([^']+)'", path.read_text(encoding="utf-8"))
    }
    assert {name for name in named if find(name) is None} == set()


def test_the_first_view_fits_into_sixty_kilobytes() -> None:
    """Styles, scripts and htmx, compressed; leaves 20 kB for the page, which is measured with its queries."""
    base = (ROOT / "templates" / "base.html").read_text(encoding="utf-8")
    files = re.findall(r"(?:href|src)=\"{% static '([^']+\.(?:css|js))'", base)
    size = sum(len(brotli.compress((ROOT / "static" / name).read_bytes())) for name in files)
    assert size <= 40_000
