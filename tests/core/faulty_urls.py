"""Addresses of a product that goes wrong, for the test of the middleware."""

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import path

from accounts.models import Account
from revops.urls import urlpatterns as ours


def half_done(request: HttpRequest) -> HttpResponse:
    Account.objects.create(name="Half", name_key="half")
    raise ZeroDivisionError


def too_long(request: HttpRequest) -> HttpResponse:
    cause = Exception()
    cause.pgcode = "57014"  # type: ignore[attr-defined]  # -- as psycopg2 sets it on a cancelled statement
    raise OperationalError from cause


urlpatterns = [*ours, path("half-done/", half_done), path("too-long/", too_long)]
