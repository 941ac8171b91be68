from django.urls import path

from accounts import views

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
]
