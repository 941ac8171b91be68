from django.urls import path

from revops.dashboards import gallery
from revops.dashboards.views import (
    account,
    data_quality,
    day_bulk,
    day_tasks,
    metrics,
    my_day,
    portfolio,
    task_why,
    trend,
    trend_lists,
    trend_over_time,
)

app_name = "dashboards"
urlpatterns = [
    path("", my_day.my_day, name="my_day"),
    path("day/tasks/<int:task_id>/", my_day.day_task, name="day_task"),
    path("day/tasks/new/", day_tasks.task_new, name="task_new"),
    path("day/tasks/<int:task_id>/done/", day_tasks.task_done, name="task_done"),
    path("day/tasks/<int:task_id>/undo/", day_tasks.task_undo, name="task_undo"),
    path("day/tasks/<int:task_id>/snooze/", day_tasks.task_snooze, name="task_snooze"),
    path("day/tasks/<int:task_id>/why/", task_why.task_why, name="task_why"),
    path("day/tasks/bulk/", day_bulk.tasks_bulk, name="tasks_bulk"),
    path("day/tasks/bulk/<int:token>/undo/", day_bulk.tasks_undo, name="tasks_undo"),
    path("accounts/", portfolio.portfolio, name="portfolio"),
    path("accounts/totals/", portfolio.portfolio_totals, name="portfolio_totals"),
    path("accounts/assign/", portfolio.assign, name="assign"),
    path("accounts/export/", portfolio.export, name="export"),
    path("accounts/start-plays/", portfolio.start_plays, name="start_plays"),
    path("accounts/score-sheet/", portfolio.score_sheet, name="score_sheet"),
    path("accounts/<int:account_id>/", account.account, name="account"),
    path("trend/", trend.trend, name="trend"),
    path("trend/portfolio/", trend_over_time.portfolio_trend_page, name="portfolio_trend"),
    path("trend/movements/", trend_lists.movements, name="movements"),
    path("trend/accounts/", trend_lists.trend_accounts, name="trend_accounts"),
    path("trend/accounts/export/", trend_lists.trend_export, name="trend_export"),
    path("trend/gaps/", data_quality.gaps, name="gaps"),
    path("trend/gaps/export/", data_quality.gaps_export, name="gaps_export"),
    path("trend/sources/", data_quality.sources_page, name="sources"),
    path("metrics/", metrics.metrics, name="metrics"),
    path("people/", portfolio.people, name="people"),
    path("ui/components/", gallery.gallery, name="gallery"),
]
