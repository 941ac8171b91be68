"""Addresses of the endpoints of health; `health.urls` includes them under its own names."""

from django.urls import path

from health.api import alerts, judgement, models, proof, scores, trying

urlpatterns = [
    path("scores/", scores.ScoreList.as_view(), name="api_scores"),
    path("scores/recompute/", scores.Recompute.as_view(), name="api_recompute"),
    path("accounts/<int:account_id>/scores/", scores.ScoreHistoryList.as_view(), name="api_score_history"),
    path("accounts/<int:account_id>/explanation/", scores.ExplanationDetail.as_view(), name="api_explanation"),
    path("accounts/<int:account_id>/override/", judgement.OverridePost.as_view(), name="api_override"),
    path("accounts/<int:account_id>/override/clear/", judgement.OverrideClear.as_view(), name="api_override_clear"),
    path("accounts/<int:account_id>/doubts/", judgement.DoubtPost.as_view(), name="api_doubt"),
    path("score-models/", models.ModelList.as_view(), name="api_score_models"),
    path("score-models/<int:model_id>/", models.ModelDetail.as_view(), name="api_score_model"),
    path("score-models/<int:model_id>/publish/", models.ModelPublish.as_view(), name="api_publish"),
    path("score-models/<int:model_id>/discard/", models.ModelDiscard.as_view(), name="api_discard"),
    path("score-models/<int:model_id>/validate/", models.ModelValidate.as_view(), name="api_validate"),
    path("score-models/<int:model_id>/calibrate/", models.ModelCalibrate.as_view(), name="api_calibrate"),
    path("score-models/<int:model_id>/impact/", trying.ModelImpact.as_view(), name="api_impact"),
    path("score-models/<int:model_id>/replay/", trying.ModelReplay.as_view(), name="api_replay"),
    path("score-models/<int:model_id>/shadow/", trying.ModelShadow.as_view(), name="api_shadow"),
    path("score-models/<int:model_id>/shadow/stop/", trying.ModelShadowStop.as_view(), name="api_shadow_stop"),
    path("score-models/<int:model_id>/roll-back/", trying.ModelRollback.as_view(), name="api_roll_back"),
    path("validation-reports/", proof.ReportList.as_view(), name="api_reports"),
    path("validation-reports/<int:report_id>/", proof.ReportDetail.as_view(), name="api_report"),
    path("calibrations/", proof.CalibrationList.as_view(), name="api_calibrations"),
    path("calibrations/<int:calibration_id>/", proof.CalibrationDetail.as_view(), name="api_calibration"),
    path("alerts/", alerts.AlertList.as_view(), name="api_alerts"),
    path("alerts/why/", judgement.AlertWhy.as_view(), name="api_alert_why"),
    path("alerts/<int:alert_id>/", alerts.AlertDetail.as_view(), name="api_alert"),
    path("alerts/<int:alert_id>/verdict/", alerts.AlertVerdictPost.as_view(), name="api_alert_verdict"),
]
