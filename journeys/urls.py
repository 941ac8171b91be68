from django.urls import include, path

from journeys.views import analysis, expectations, handoffs, journey, opportunities, people

app_name = "journeys"
urlpatterns = [
    path("opportunities/", opportunities.opportunities, name="opportunities"),
    path("opportunities/stages/<int:stage_id>/", opportunities.stage_deals, name="stage_deals"),
    path("journey/", journey.journey, name="journey"),
    path("pipeline/", analysis.analysis, name="analysis"),
    path("pipeline/deals/", analysis.analysis_deals, name="analysis_deals"),
    path("pipeline/recurring/", analysis.recurring, name="recurring"),
    path("pipeline/recurring/cases/", analysis.recurring_cases, name="recurring_cases"),
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
    path("people/absences/", people.absences, name="absences"),
    path("people/absences/<int:absence_id>/end/", people.absence_end, name="absence_end"),
    path("people/books/", people.book_list, name="books"),
    path("people/<int:person_id>/book/", people.book_handover, name="book_handover"),
    path("people/book/lines/<int:line_id>/", people.book_line, name="book_line"),
    path("people/<int:person_id>/book/spread/", people.book_act, {"act": "spread"}, name="book_spread"),
    path("people/<int:person_id>/book/drop/", people.book_act, {"act": "drop"}, name="book_drop"),
    path("people/<int:person_id>/book/start/", people.book_act, {"act": "start"}, name="book_start"),
    path("api/v1/", include("journeys.api.urls")),
]
