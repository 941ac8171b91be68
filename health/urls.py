from django.urls import path

from health.views import explained, models

app_name = "health"
urlpatterns = [
    path("accounts/<int:account_id>/health/", explained.explained, name="explained"),
    path("health/models/", models.models, name="models"),
    path("health/history/offer/", explained.history_offer, name="history_offer"),
    path("health/history/", explained.work_out_history, name="work_out_history"),
    path("accounts/<int:account_id>/health/panel/", explained.panel, name="panel"),
]
