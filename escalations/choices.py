from django.db import models


class EscalationState(models.TextChoices):
    OPEN = "open", "Open"
    CLOSED = "closed", "Closed"


class Tier(models.IntegerChoices):
    CSM = 1, "CSM"
    CS_MANAGER = 2, "CS manager"
    CS_DIRECTOR = 3, "CS director"
    EXECUTIVE_SPONSOR = 4, "Executive sponsor"
