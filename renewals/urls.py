from django.urls import path

from renewals import views

app_name = "renewals"
urlpatterns = [
    path("renewals/", views.renewal_list, name="list"),
    path("renewals/<int:renewal_id>/", views.renewal_detail, name="detail"),
    path("renewals/<int:renewal_id>/forecast/", views.forecast, name="forecast"),
    path("renewals/<int:renewal_id>/decide/", views.decide, name="decide"),
]
