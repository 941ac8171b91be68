from django.urls import path

from core import views

app_name = "core"
urlpatterns = [
    path("workspaces/<int:membership_id>/switch/", views.switch_workspace, name="switch_workspace"),
    path("jobs/<int:job_id>/", views.job_progress, name="job"),
    path("jobs/<int:job_id>/cancel/", views.cancel_job, name="cancel_job"),
    path("help/", views.help_page, name="help"),
    path("livez", views.livez, name="livez"),
    path("readyz", views.readyz, name="readyz"),
]
