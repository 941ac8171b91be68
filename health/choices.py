from django.db import models


class Band(models.TextChoices):
    """Where a score lies. Below the model's minimum coverage there is no band to speak of."""

    GREEN = "green", "Healthy"
    YELLOW = "yellow", "Watch"
    RED = "red", "At risk"
    NONE = "none", "No score"
