from typing import Final

from django.db import models

# The owner under which the roll-up keeps the sum over all owners.
EVERYBODY: Final = -1


class Band(models.TextChoices):
    """Where a score lies. Below the model's minimum coverage there is no band to speak of."""

    GREEN = "green", "Healthy"
    YELLOW = "yellow", "Watch"
    RED = "red", "At risk"
    NONE = "none", "No score"


class Verdict(models.TextChoices):
    """What a validation found. All three are answers."""

    PREDICTIVE = "predictive", "Predictive"
    NOT_PREDICTIVE = "not_predictive", "Not predictive"
    NOT_ENOUGH_DATA = "not_enough_data", "Not enough data"


class AlertVerdict(models.TextChoices):
    """What the person who worked an alert says about it."""

    USEFUL = "useful", "Useful"
    NOT_USEFUL = "not_useful", "Not useful"
    TOO_EARLY = "too_early", "Too early"
    DUPLICATE = "duplicate", "Duplicate"
