from django.db import models


class RenewalState(models.TextChoices):
    OPEN = "open", "Open"
    WON = "won", "Won"
    LOST = "lost", "Lost"
    DROPPED = "dropped", "Dropped"


class DueBasis(models.TextChoices):
    """Where the due date comes from."""

    END_DATE = "end_date", "End of the contract"
    ANNIVERSARY = "anniversary", "Anniversary, no end agreed"


class StepKind(models.TextChoices):
    STEP = "step", "Step"
    CATCH_UP = "catch_up", "Catch-up"
