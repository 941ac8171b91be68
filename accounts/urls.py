from django.urls import path

from accounts import views
from accounts.api import accounts, facts, goals, merging

app_name = "accounts"
urlpatterns = [
    path("imports/", views.imports, name="imports"),
    path("imports/new/", views.import_new, name="import_new"),
    path("imports/<int:batch_id>/", views.import_detail, name="import_detail"),
    path("imports/<int:batch_id>/check/", views.import_check, name="import_check"),
    path("imports/<int:batch_id>/value/", views.import_value, name="import_value"),
    path("imports/<int:batch_id>/import/", views.import_apply, name="import_apply"),
    path("imports/<int:batch_id>/rejects/", views.import_rejects, name="import_rejects"),
    path("accounts/<int:account_id>/activities/", views.log_activity, name="log_activity"),
    path("accounts/<int:account_id>/goals/", views.goal_new, name="goal_new"),
    path("accounts/duplicates/", views.duplicates, name="duplicates"),
    path("accounts/<int:account_id>/merge/", views.merge, name="merge"),
    path("accounts/<int:account_id>/merges/", views.merged, name="merged"),
    path("api/v1/accounts/<int:account_id>/merge/", merging.Merge.as_view(), name="api_merge"),
    path("api/v1/accounts/", accounts.AccountList.as_view(), name="api_accounts"),
    path("api/v1/accounts/<int:account_id>/", accounts.AccountDetail.as_view(), name="api_account"),
    path("api/v1/accounts/<int:account_id>/goals/", goals.GoalList.as_view(), name="api_goals"),
    path("api/v1/accounts/by-id/<str:external_id>/", accounts.AccountByExternalId.as_view(), name="api_account_by_id"),
    path("api/v1/signals/", facts.Signals.as_view(), name="api_signals"),
    path("api/v1/usage/", facts.Usage.as_view(), name="api_usage"),
    path("api/v1/tickets/", facts.Tickets.as_view(), name="api_tickets"),
    path("api/v1/activities/", facts.Activities.as_view(), name="api_activities"),
    path("api/v1/outcomes/", facts.Outcomes.as_view(), name="api_outcomes"),
]
