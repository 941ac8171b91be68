from django.urls import include, path

from journeys.views import expectations, handoffs, journey, opportunities

app_name = "journeys"
urlpatterns = [
    path("opportunities/", opportunities.opportunities, name="opportunities"),
    path("opportunities/stages/<int:stage_id>/", opportunities.stage_deals, name="stage_deals"),
    path("journey/", journey.journey, name="journey"),
    path("handoffs/", handoffs.handoff_list, name="handoffs"),
    path("handoffs/<int:handoff_id>/", handoffs.handoff_page, name="handoff"),
    path("handoffs/<int:handoff_id>/tick/", handoffs.handoff_tick, name="handoff_tick"),
    path("handoffs/<int:handoff_id>/accept/", handoffs.handoff_accept, name="handoff_accept"),
    path("handoffs/<int:handoff_id>/return/", handoffs.handoff_return, name="handoff_return"),
    path("handoffs/<int:handoff_id>/again/", handoffs.handoff_again, name="handoff_again"),
    path("handoffs/<int:handoff_id>/give/", handoffs.handoff_give, name="handoff_give"),
    path("handoffs/<int:handoff_id>/cancel/", handoffs.handoff_cancel, name="handoff_cancel"),
    path("accounts/<int:account_id>/expectations/", expectations.expectation_new, name="expectation_new"),
    path("expectations/<int:expectation_id>/tag/", expectations.expectation_tag, name="expectation_tag"),
    path("expectations/<int:expectation_id>/met/", expectations.expectation_met, name="expectation_met"),
    path("api/v1/", include("journeys.api.urls")),
]
