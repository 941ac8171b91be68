from django.urls import path

from core import member_views, views
from core.api import key_pages
from core.api import views as api
from core.documents import views as documents
from core.processes import review_views
from core.processes import views as processes

app_name = "core"
urlpatterns = [
    path("workspaces/<int:membership_id>/switch/", views.switch_workspace, name="switch_workspace"),
    path("jobs/<int:job_id>/", views.job_progress, name="job"),
    path("jobs/<int:job_id>/cancel/", views.cancel_job, name="cancel_job"),
    path("notifications/", views.notification_list, name="notifications"),
    path("notifications/<int:notification_id>/read/", views.read_notification, name="notification_read"),
    path("notifications/read/", views.read_all_notifications, name="notifications_read"),
    path("notifications/choices/", views.notification_choices, name="notification_choices"),
    path("notifications/slack/", views.chat_webhook, name="chat_webhook"),
    path("processes/", processes.processes, name="process_versions"),
    path("processes/upload/", processes.process_upload, name="process_upload"),
    path("processes/documents/", documents.process_documents, name="process_documents"),
    path("processes/documents/<slug:key>/", documents.portfolio, name="portfolio_document"),
    path("processes/<str:kind>/<str:key>/", processes.process, name="process"),
    path("processes/<str:kind>/<str:key>/document/", documents.process_document, name="process_document"),
    path("processes/<str:kind>/<str:key>/file/", processes.process_file, name="process_file"),
    path("processes/<str:kind>/<str:key>/publish/", processes.process_publish, name="process_publish"),
    path("processes/<str:kind>/<str:key>/rollback/", processes.process_rollback, name="process_rollback"),
    path("processes/<str:kind>/<str:key>/discard/", processes.process_discard, name="process_discard"),
    path("processes/<str:kind>/<str:key>/review/", review_views.process_review, name="process_review"),
    path("processes/<str:kind>/<str:key>/owner/", review_views.process_owner, name="process_owner"),
    path("settings/members/", member_views.members, name="members"),
    path("settings/members/<int:membership_id>/", member_views.change_member, name="change_member"),
    path("settings/approval/", review_views.approval_setting, name="approval_setting"),
    path("help/", views.help_page, name="help"),
    path("livez", views.livez, name="livez"),
    path("readyz", views.readyz, name="readyz"),
    path("settings/api-keys/", key_pages.api_keys, name="api_keys"),
    path("settings/api-keys/<int:key_id>/revoke/", key_pages.revoke_api_key, name="revoke_api_key"),
    path("api/schema/", api.schema, name="api_schema"),
    path("api/docs/", api.docs, name="api_docs"),
    path("api/v1/me/", api.MeView.as_view(), name="api_me"),
    path("api/v1/jobs/", api.JobList.as_view(), name="api_jobs"),
    path("api/v1/jobs/<int:job_id>/", api.JobDetail.as_view(), name="api_job"),
]
