from django.urls import path

from revops.dashboards import gallery
from revops.dashboards.views import account, day_tasks, metrics, my_day, portfolio, trend

app_name = "dashboards"
urlpatterns = [
    path("", my_day.my_day, name="my_day"),
    path("day/tasks/<int:task_id>/", my_day.day_task, name="day_task"),
    path("day/tasks/new/", day_tasks.task_new, name="task_new"),
    path("day/tasks/<int:task_id>/done/", day_tasks.task_done, name="task_done"),
    path("day/tasks/<int:task_id>/undo/", day_tasks.task_undo, name="task_undo"),
    path("day/tasks/<int:task_id>/snooze/", day_tasks.task_snooze, name="task_snooze"),
    path("accounts/", portfolio.portfolio, name="portfolio"),
    path("accounts/totals/", portfolio.portfolio_totals, name="portfolio_totals"),
    path("accounts/assign/", portfolio.assign, name="assign"),
    path("accounts/export/", portfolio.export, name="export"),
    path("accounts/<int:account_id>/", account.account, name="account"),
    path("trend/", trend.trend, name="trend"),
    path("metrics/", metrics.metrics, name="metrics"),
    path("people/", portfolio.people, name="people"),
    path("ui/components/", gallery.gallery, name="gallery"),
]
