"""Every address of the product. Each app owns its own prefix; the roof owns the pages that cross the apps."""

from django.urls import include, path

urlpatterns = [
    path("", include("core.urls")),
    path("", include("revops.dashboards.urls")),
    path("", include("accounts.urls")),
    path("", include("journeys.urls")),
    path("", include("health.urls")),
    path("", include("renewals.urls")),
    path("", include("qbr.urls")),
    path("", include("escalations.urls")),
    path("sign-in/", include("allauth.urls")),
    path("api/", include("core.api.urls")),
]

handler500 = "core.views.server_error"
