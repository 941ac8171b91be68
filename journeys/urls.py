from django.urls import path

from journeys import views

app_name = "journeys"
urlpatterns = [
    path("opportunities/", views.opportunities, name="opportunities"),
    path("opportunities/stages/<int:stage_id>/", views.stage_deals, name="stage_deals"),
    path("journey/", views.journey, name="journey"),
]
