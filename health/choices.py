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
