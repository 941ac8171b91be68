from django.db import models


class StageKind(models.TextChoices):
    OPEN = "open", "Open"
    WON = "won", "Won"
    LOST = "lost", "Lost"


class OpportunityKind(models.TextChoices):
    NEW = "new", "New business"
    RENEWAL = "renewal", "Renewal"
    EXPANSION = "expansion", "Expansion"


class ForecastCategory(models.TextChoices):
    NOT_YET = "not_yet", "Not yet"
    BEST_CASE = "best_case", "Best case"
    COMMIT = "commit", "Commit"
    AT_RISK = "at_risk", "At risk"
    WON = "won", "Won"
    LOST = "lost", "Lost"


class TaskKind(models.TextChoices):
    TODO = "todo", "Task"
    RENEWAL = "renewal", "Renewal"
    QBR = "qbr", "QBR"
    ESCALATION = "escalation", "Escalation"
    ALERT = "alert", "Alert"
    HANDOFF = "handoff", "Hand-off"
    PLAY = "play", "Playbook step"


class TaskState(models.TextChoices):
    OPEN = "open", "Open"
    DONE = "done", "Done"
    SKIPPED = "skipped", "Skipped"
    OBSOLETE = "obsolete", "No longer needed"
