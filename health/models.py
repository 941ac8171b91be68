"""Scores: the current one, the history that cannot be rewritten, and the roll-up that trends read."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Account
from core.fields import TenantForeignKey
from core.models import ProcessVersion, TenantModel
from health.choices import Band


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
