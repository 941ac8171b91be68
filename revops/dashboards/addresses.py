"""Addresses of rows: hundreds stand on one page, and a pattern is resolved once."""

from functools import cache

from django.urls import NoReverseMatch, reverse


@cache
def _pattern(url_name: str) -> str:
    try:
        return reverse(url_name, args=[0])
    except NoReverseMatch:
        return ""


def address(url_name: str, row_id: int) -> str:
    """The address of one row's page, or "" where this installation has no such page."""
    return _pattern(url_name).replace("/0/", f"/{row_id}/", 1)


def page_address(url_name: str) -> str:
    """The address of a page without an argument, or ""."""
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""
