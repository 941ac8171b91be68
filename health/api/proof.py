"""Validation reports and calibrations: what was found, as it was found."""

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import serializers

from core.api.endpoints import Answer, ApiView, Call, endpoint
from core.api.pages import page_of
from core.permissions import Permission
from health.choices import Verdict
from health.models import Calibration, ValidationReport
from health.queries.wording import without_money


class _Of(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    lead_days = serializers.IntegerField()
    made_at = serializers.DateTimeField()
    made_by = serializers.CharField()


class ReportShape(_Of):
    """How well a version told the lost from the kept, so many days before."""

    model = serializers.CharField(source="model_version.key")
    model_id = serializers.IntegerField(source="model_version_id", help_text="Of the version.")
    version = serializers.IntegerField(source="model_version.number")
    from_day = serializers.DateField(allow_null=True)
    until_day = serializers.DateField(help_text="The first day that was not tested.")
    auc = serializers.FloatField(allow_null=True)
    auc_low = serializers.FloatField(allow_null=True)
    auc_high = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()
    events = serializers.IntegerField()
    reconstructed = serializers.BooleanField(help_text="Scores worked out from facts effective by then.")


class ReportDetailShape(ReportShape):
    figures = serializers.DictField(
        help_text="All of it: split, weights, baselines, flags, red, lift, bands, segments … Without amounts for roles "
        "that do not see money."
    )


class ReportQuery(serializers.Serializer[Any]):
    model = serializers.CharField(required=False, max_length=80, help_text="Key of the model.")
    model_id = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1, help_text="Of the version.")
    lead_days = serializers.IntegerField(required=False, min_value=0, max_value=730)


class ReportList(ApiView):
    @endpoint(Permission.VIEW_HEALTH, ReportShape, summary="Validation reports, the latest first", query=ReportQuery,
              pages=True, tag="proof")  # fmt: skip
    def get(self, call: Call) -> Answer:
        columns = {"model": "model_version__key", "model_id": "model_version_id", "lead_days": "lead_days"}
        wanted = {column: call.query[name] for name, column in columns.items() if name in call.query}
        found = ValidationReport.objects.filter(**wanted).select_related("model_version").defer("figures")
        return Answer(page_of(found, call.query, by="-id", within=call.within))


class ReportDetail(ApiView):
    @endpoint(Permission.VIEW_HEALTH, ReportDetailShape, summary="One validation report", tag="proof")
    def get(self, call: Call, report_id: int) -> Answer:
        found = get_object_or_404(ValidationReport.objects.select_related("model_version"), pk=report_id)
        if not call.may(Permission.VIEW_MONEY):
            found.figures = without_money(found.figures)
        return Answer(found)


class CalibrationShape(_Of):
    """Weights learned from outcomes before a day, tested on those after it."""

    model = serializers.CharField(source="source.key")
    model_id = serializers.IntegerField(source="source_id", help_text="Of the version that it began from.")
    version = serializers.IntegerField(source="source.number")
    draft_id = serializers.IntegerField(allow_null=True, help_text="The draft that it proposes; null: nothing.")
    train_until = serializers.DateField()


class CalibrationDetailShape(CalibrationShape):
    figures = serializers.DictField(help_text="auc, split, weights, exact_weights, baselines, flags …")


class CalibrationQuery(serializers.Serializer[Any]):
    model = serializers.CharField(required=False, max_length=80, help_text="Key of the model.")


class CalibrationList(ApiView):
    @endpoint(Permission.VIEW_HEALTH, CalibrationShape, summary="Calibrations, the latest first",
              query=CalibrationQuery, pages=True, tag="proof")  # fmt: skip
    def get(self, call: Call) -> Answer:
        found = Calibration.objects.select_related("source").defer("figures")
        if "model" in call.query:
            found = found.filter(source__key=call.query["model"])
        return Answer(page_of(found, call.query, by="-id", within=call.within))


class CalibrationDetail(ApiView):
    @endpoint(Permission.VIEW_HEALTH, CalibrationDetailShape, summary="One calibration", tag="proof")
    def get(self, call: Call, calibration_id: int) -> Answer:
        return Answer(get_object_or_404(Calibration.objects.select_related("source"), pk=calibration_id))
