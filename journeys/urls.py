from django.urls import path

from journeys.views import journey, opportunities

app_name = "journeys"
urlpatterns = [
    path("opportunities/", opportunities.opportunities, name="opportunities"),
    path("opportunities/stages/<int:stage_id>/", opportunities.stage_deals, name="stage_deals"),
    path("journey/", journey.journey, name="journey"),
]
