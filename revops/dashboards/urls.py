from django.urls import path

from revops.dashboards import gallery

app_name = "dashboards"
urlpatterns = [
    path("ui/components/", gallery.gallery, name="gallery"),
]
