from django.urls import path

from qbr import views

app_name = "qbr"
urlpatterns = [
    path("qbrs/", views.qbr_list, name="list"),
    path("qbrs/<int:qbr_id>/", views.qbr_detail, name="detail"),
    path("qbrs/<int:qbr_id>/renew/", views.renew, name="renew"),
    path("qbrs/<int:qbr_id>/move/", views.move, name="move"),
    path("qbrs/<int:qbr_id>/hold/", views.hold, name="hold"),
    path("qbrs/<int:qbr_id>/cancel/", views.cancel, name="cancel"),
    path("accounts/<int:account_id>/qbr/", views.prepare, name="prepare"),
]
