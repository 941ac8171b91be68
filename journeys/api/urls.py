"""Addresses of the endpoints of the process; `journeys.urls` includes them under its own names."""

from django.urls import path

from journeys.api import analysis, gates, handoffs, journey, leads, opportunities, plays

urlpatterns = [
    path("opportunities/", opportunities.OpportunityList.as_view(), name="api_opportunities"),
    path("opportunities/<int:opportunity_id>/", opportunities.OpportunityDetail.as_view(), name="api_opportunity"),
    path(
        "opportunities/<int:opportunity_id>/answers/",
        opportunities.OpportunityAnswers.as_view(),
        name="api_opportunity_answers",
    ),
    path("opportunities/moves/", gates.DealMoves.as_view(), name="api_deal_moves"),
    path("opportunities/<int:opportunity_id>/gate/", gates.DealGate.as_view(), name="api_deal_gate"),
    path("opportunities/<int:opportunity_id>/move/", gates.DealMove.as_view(), name="api_deal_move"),
    path("opportunities/<int:opportunity_id>/evidence/", gates.DealEvidence.as_view(), name="api_deal_evidence"),
    path("evidence/<int:evidence_id>/take-back/", gates.EvidenceBack.as_view(), name="api_evidence_back"),
    path("accounts/<int:account_id>/gate/", gates.AccountGate.as_view(), name="api_account_gate"),
    path("accounts/<int:account_id>/stage/", gates.AccountMove.as_view(), name="api_account_stage"),
    path("accounts/<int:account_id>/stage/leave/", journey.AccountLeave.as_view(), name="api_account_leave"),
    path("accounts/stages/", journey.AccountMoves.as_view(), name="api_account_moves"),
    path("accounts/stages/leave/", journey.AccountsLeave.as_view(), name="api_accounts_leave"),
    path("accounts/<int:account_id>/evidence/", gates.AccountEvidence.as_view(), name="api_account_evidence"),
    path("leads/", leads.LeadList.as_view(), name="api_leads"),
    path("pipelines/<str:key>/analysis/", analysis.PipelineAnalysis.as_view(), name="api_pipeline_analysis"),
    path("recurring-problems/", analysis.RecurringProblems.as_view(), name="api_recurring"),
    path("playbooks/", plays.PlaybookList.as_view(), name="api_playbooks"),
    path("plays/", plays.PlayList.as_view(), name="api_plays"),
    path("plays/start/", plays.PlayStartMany.as_view(), name="api_play_start_many"),
    path("plays/why/", plays.PlayWhy.as_view(), name="api_play_why"),
    path("plays/<int:play_id>/", plays.PlayDetail.as_view(), name="api_play"),
    path("plays/<int:play_id>/stop/", plays.PlayStop.as_view(), name="api_play_stop"),
    path("plays/steps/<int:step_id>/finish/", plays.StepFinish.as_view(), name="api_step_finish"),
    path("plays/steps/<int:step_id>/skip/", plays.StepSkip.as_view(), name="api_step_skip"),
    path("accounts/<int:account_id>/plays/", plays.PlayStart.as_view(), name="api_play_start"),
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
