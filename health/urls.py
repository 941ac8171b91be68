from django.urls import path

from health import views

app_name = "health"
urlpatterns = [
    path("accounts/<int:account_id>/health/", views.explained, name="explained"),
    path("health/models/", views.models, name="models"),
    path("health/history/offer/", views.history_offer, name="history_offer"),
    path("health/history/", views.work_out_history, name="work_out_history"),
    path("accounts/<int:account_id>/health/panel/", views.panel, name="panel"),
]
