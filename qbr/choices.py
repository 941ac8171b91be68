from django.db import models


class QBRState(models.TextChoices):
    DRAFT = "draft", "Draft"
    REVIEW = "review", "Review"
    SENT = "sent", "Sent"
    HELD = "held", "Held"
    CANCELLED = "cancelled", "Cancelled by customer"
