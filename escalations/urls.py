from django.urls import path

from escalations import views

app_name = "escalations"
urlpatterns = [
    path("escalations/", views.escalation_list, name="list"),
    path("escalations/<int:escalation_id>/", views.escalation_detail, name="detail"),
    path("escalations/<int:escalation_id>/close/", views.close, name="close"),
]
