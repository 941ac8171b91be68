"""Addresses of the endpoints of the process; `journeys.urls` includes them under its own names."""

from django.urls import path

from journeys.api import gates, handoffs

urlpatterns = [
    path("opportunities/moves/", gates.DealMoves.as_view(), name="api_deal_moves"),
    path("opportunities/<int:opportunity_id>/gate/", gates.DealGate.as_view(), name="api_deal_gate"),
    path("opportunities/<int:opportunity_id>/move/", gates.DealMove.as_view(), name="api_deal_move"),
    path("opportunities/<int:opportunity_id>/evidence/", gates.DealEvidence.as_view(), name="api_deal_evidence"),
    path("accounts/<int:account_id>/gate/", gates.AccountGate.as_view(), name="api_account_gate"),
    path("accounts/<int:account_id>/stage/", gates.AccountMove.as_view(), name="api_account_stage"),
    path("accounts/<int:account_id>/evidence/", gates.AccountEvidence.as_view(), name="api_account_evidence"),
    path("waivers/", gates.WaiverList.as_view(), name="api_waivers"),
    path("waivers/<int:waiver_id>/answer/", gates.WaiverAnswer.as_view(), name="api_waiver_answer"),
    path("handoffs/", handoffs.HandoffList.as_view(), name="api_handoffs"),
    path("handoffs/figures/", handoffs.HandoffFiguresDetail.as_view(), name="api_handoff_figures"),
    path("handoffs/<int:handoff_id>/", handoffs.HandoffDetail.as_view(), name="api_handoff"),
    path("handoffs/<int:handoff_id>/tick/", handoffs.HandoffTick.as_view(), name="api_handoff_tick"),
    path("handoffs/<int:handoff_id>/accept/", handoffs.HandoffAccept.as_view(), name="api_handoff_accept"),
    path("handoffs/<int:handoff_id>/return/", handoffs.HandoffReturn.as_view(), name="api_handoff_return"),
    path("handoffs/<int:handoff_id>/again/", handoffs.HandoffAgain.as_view(), name="api_handoff_again"),
    path("accounts/<int:account_id>/expectations/", handoffs.ExpectationList.as_view(), name="api_expectations"),
]
