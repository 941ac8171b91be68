"""What no endpoint answers. Stands behind all other addresses."""

from django.urls import path

from core.api import views

app_name = "api"
urlpatterns = [path("<path:rest>", views.nothing, name="nothing")]
