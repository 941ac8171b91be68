"""Scores: the current one, the history that cannot be rewritten, and the roll-up that trends read."""

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from accounts.models import Account, Person
from core.fields import TenantForeignKey
from core.models import ProcessVersion, TenantModel
from health.choices import AlertVerdict, Band, Verdict


class ScoreFacts(TenantModel):
    """What a score consists of. The arrays follow the order of the inputs in the model version.

    `values`: the observed value or NULL; `sub_scores`: 0 to 100 or NULL where the input is left out; `ages`: days
    since the last observation. Effective weights and contributions follow from them and the version, exactly.
    """

    account = TenantForeignKey(Account, models.CASCADE, related_name="+")
    model_version = TenantForeignKey(ProcessVersion, models.PROTECT, related_name="+")
    as_of = models.DateField(help_text="The business date that the windows end on.")
    computed_at = models.DateTimeField()
    score = models.FloatField(null=True)
    band = models.CharField(max_length=6, choices=Band.choices)
    coverage = models.FloatField(help_text="Share of weight with fresh data, 0 to 1.")
    values = ArrayField(models.FloatField(null=True))
    sub_scores = ArrayField(models.FloatField(null=True))
    ages = ArrayField(models.IntegerField(null=True))
    readings = ArrayField(
        models.SmallIntegerField(null=True), default=list, help_text="Which of an input's readings answered, from 0."
    )

    class Meta(TenantModel.Meta):
        abstract = True


class Score(ScoreFacts):
    """The current score, one row per account. `counted_*` say in which cell of the roll-up the account stands."""

    pk = models.CompositePrimaryKey("tenant_id", "account_id")
    counted_owner_id = models.BigIntegerField(default=0, help_text="0 = nobody")
    counted_segment = models.CharField(max_length=40, blank=True)
    counted_arr_minor = models.BigIntegerField(default=0)
    counted_on = models.DateField(null=True)

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "score", "account"], name="score_worst_first"),
            models.Index(fields=["tenant", "counted_owner_id", "score", "account"], name="score_of_owner"),
            models.Index(fields=["tenant", "band", "score", "account"], name="score_in_band"),
        ]

    def __str__(self) -> str:
        return f"{self.score} ({self.band})"


class ScoreHistory(ScoreFacts):
    """What we knew then. Append-only; as of a day counts the last row with `as_of` at or before it."""

    pk = models.CompositePrimaryKey("tenant_id", "account_id", "computed_at")
    imported = models.BooleanField(default=False, help_text="Brought in from outside, not computed here.")

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(
                fields=["tenant", "account", "-as_of", "-computed_at"], include=["score"], name="history_as_of"
            )
        ]

    def __str__(self) -> str:
        return f"{self.score} on {self.as_of}"


class HealthDay(TenantModel):
    """Accounts, ARR and scores of one day by segment, owner and band: what trends read instead of accounts.

    Every cell stands twice: under its owner and under `EVERYBODY`, so that a page about all owners reads as many rows
    with five owners as with five hundred. A sum takes one kind or the other, never both.
    """

    day = models.DateField()
    segment = models.CharField(max_length=40, blank=True)
    owner_id = models.BigIntegerField(default=0, help_text="0 = nobody, -1 = everybody")
    band = models.CharField(max_length=6, choices=Band.choices)
    model_version = TenantForeignKey(ProcessVersion, models.PROTECT, related_name="+")
    accounts = models.BigIntegerField()
    arr_minor = models.BigIntegerField()
    score_hundredths = models.BigIntegerField(
        help_text="Sum of the scores × 100, a whole number so that sums are exact."
    )
    arr_score = models.DecimalField(
        max_digits=40, decimal_places=0, help_text="Sum of ARR × score × 100, for the ARR-weighted mean."
    )
    imported = models.BooleanField(default=False)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "day", "owner_id", "segment", "band", "model_version"],
                name="health_day_once_per_cell",
            )
        ]

    def __str__(self) -> str:
        return f"{self.band} on {self.day}: {self.accounts}"


class ScoringState(TenantModel):
    """Where scoring stands: one row per workspace, written in the transaction of the scores."""

    as_of = models.DateField(help_text="The business date that the current scores look back from.")
    rolled_on = models.DateField(help_text="The day whose cells of the roll-up agree with the current scores.")
    full_run_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(help_text="When a score was last written, by a full run or by a change.")

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant"], name="scoring_state_once")]

    def __str__(self) -> str:
        return f"scored as of {self.as_of}"


class Override(TenantModel):
    """A person's own judgement of an account, with reason and expiry. Stands beside the computed score, never in it."""

    account = TenantForeignKey(Account, models.CASCADE, related_name="+")
    score = models.FloatField(help_text="0 to 100")
    reason = models.TextField()
    from_day = models.DateField()
    until_day = models.DateField(help_text="The first day on which it no longer counts; at most 90 days later.")
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=200)
    cleared_at = models.DateTimeField(null=True, blank=True)
    cleared_on = models.DateField(null=True, blank=True, help_text="The business day of `cleared_at`.")
    cleared_by = models.CharField(max_length=200, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "account"], name="override_one_open", condition=models.Q(cleared_at=None)
            ),
            models.CheckConstraint(condition=models.Q(score__gte=0, score__lte=100), name="override_score_in_range"),
        ]
        indexes = [models.Index(fields=["tenant", "account", "-from_day"], name="override_of_account")]

    def __str__(self) -> str:
        return f"{self.score:g} until {self.until_day}"


class ValidationReport(TenantModel):
    """How well a version told the lost from the kept, at one lead time. Append-only; a new question is a new report."""

    model_version = TenantForeignKey(ProcessVersion, models.CASCADE, related_name="+")
    lead_days = models.PositiveSmallIntegerField()
    from_day = models.DateField(null=True, help_text="The first outcome day that was tested.")
    until_day = models.DateField(help_text="The first outcome day that was not.")
    verdict = models.CharField(max_length=16, choices=Verdict.choices)
    reconstructed = models.BooleanField()
    auc = models.FloatField(null=True)
    auc_low = models.FloatField(null=True)
    auc_high = models.FloatField(null=True)
    n = models.PositiveIntegerField()
    events = models.PositiveIntegerField()
    figures = models.JSONField(encoder=DjangoJSONEncoder, help_text="Everything else on the report, as it was found.")
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=200)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "model_version", "-made_at"], name="validation_of_version")]

    def __str__(self) -> str:
        return f"{self.verdict} at {self.lead_days} days"


class Calibration(TenantModel):
    """Weights proposed from outcomes, with the evidence. `draft`: the version made of the proposal, if any."""

    source = TenantForeignKey(ProcessVersion, models.CASCADE, related_name="+")
    draft = TenantForeignKey(ProcessVersion, models.SET_NULL, null=True, related_name="+")
    lead_days = models.PositiveSmallIntegerField()
    train_until = models.DateField(help_text="Outcomes before this day taught; the others tested.")
    verdict = models.CharField(max_length=16, choices=Verdict.choices)
    figures = models.JSONField(encoder=DjangoJSONEncoder)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=200)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "source", "-made_at"], name="calibration_of_version")]

    def __str__(self) -> str:
        return f"{self.verdict}, trained until {self.train_until}"


class ShadowScore(TenantModel):
    """What a draft says day by day while it runs beside the live model. Nothing follows from it."""

    pk = models.CompositePrimaryKey("tenant_id", "model_version_id", "account_id", "as_of")
    model_version = TenantForeignKey(ProcessVersion, models.CASCADE, related_name="+")
    account = TenantForeignKey(Account, models.CASCADE, related_name="+")
    as_of = models.DateField()
    score = models.FloatField(null=True)
    band = models.CharField(max_length=6, choices=Band.choices)
    coverage = models.FloatField()
    computed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.score} on {self.as_of}"


class ShadowRun(TenantModel):
    """A draft that runs beside the live model until a day."""

    model_version = TenantForeignKey(ProcessVersion, models.CASCADE, related_name="+")
    from_day = models.DateField()
    until_day = models.DateField()
    started_at = models.DateTimeField()
    started_by = models.CharField(max_length=200)
    stopped_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "model_version"], name="shadow_run_one_open", condition=models.Q(stopped_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"until {self.until_day}"


class Alert(TenantModel):
    """An episode: a rule held for an account from a day until it cleared. One open episode per rule and account."""

    rule = TenantForeignKey(ProcessVersion, models.PROTECT, related_name="+")
    rule_key = models.CharField(max_length=80)
    account = TenantForeignKey(Account, models.CASCADE, related_name="+")
    person = TenantForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="+")
    opened_on = models.DateField()
    opened_at = models.DateTimeField()
    why = models.JSONField(encoder=DjangoJSONEncoder, help_text="Each condition with its value when it fired.")
    is_held_back = models.BooleanField(default=False, help_text="Over the person's budget of the day: kept, not told.")
    told_at = models.DateTimeField(null=True, blank=True)
    closed_on = models.DateField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    verdict = models.CharField(max_length=12, choices=AlertVerdict.choices, blank=True)
    verdict_at = models.DateTimeField(null=True, blank=True)
    verdict_by = models.CharField(max_length=200, blank=True)
    note = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "rule_key", "account"], name="alert_one_open", condition=models.Q(closed_at=None)
            ),
            models.UniqueConstraint(fields=["tenant", "rule_key", "account", "opened_on"], name="alert_once_a_day"),
        ]
        indexes = [
            models.Index(fields=["tenant", "account", "-opened_on"], name="alert_of_account"),
            models.Index(fields=["tenant", "person", "-opened_on"], name="alert_of_person"),
            models.Index(fields=["tenant", "-opened_on", "id"], name="alert_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_key} since {self.opened_on}"


class Doubt(TenantModel):
    """Somebody says that a score looks wrong, and which input; read when the model is reviewed."""

    account = TenantForeignKey(Account, models.CASCADE, related_name="+")
    model_version = TenantForeignKey(ProcessVersion, models.CASCADE, related_name="+")
    input_key = models.CharField(max_length=80, blank=True)
    note = models.TextField()
    score = models.FloatField(null=True)
    said_at = models.DateTimeField()
    said_by = models.CharField(max_length=200)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "model_version", "-said_at"], name="doubt_of_version")]

    def __str__(self) -> str:
        return self.note[:60]
