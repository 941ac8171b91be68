"""Addresses of the endpoints of the process; `journeys.urls` includes them under its own names."""

from django.urls import path

from journeys.api import handoffs

urlpatterns = [
    path("handoffs/", handoffs.HandoffList.as_view(), name="api_handoffs"),
    path("handoffs/figures/", handoffs.HandoffFiguresDetail.as_view(), name="api_handoff_figures"),
    path("handoffs/<int:handoff_id>/", handoffs.HandoffDetail.as_view(), name="api_handoff"),
    path("handoffs/<int:handoff_id>/tick/", handoffs.HandoffTick.as_view(), name="api_handoff_tick"),
    path("handoffs/<int:handoff_id>/accept/", handoffs.HandoffAccept.as_view(), name="api_handoff_accept"),
    path("handoffs/<int:handoff_id>/return/", handoffs.HandoffReturn.as_view(), name="api_handoff_return"),
    path("handoffs/<int:handoff_id>/again/", handoffs.HandoffAgain.as_view(), name="api_handoff_again"),
    path("accounts/<int:account_id>/expectations/", handoffs.ExpectationList.as_view(), name="api_expectations"),
]
