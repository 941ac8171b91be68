from django.db import models


class Role(models.TextChoices):
    CSM = "csm", "CSM"
    CS_MANAGER = "cs_manager", "CS manager"
    CS_DIRECTOR = "cs_director", "CS director"
    EXECUTIVE_SPONSOR = "executive_sponsor", "Executive sponsor"
    SALES_REP = "sales_rep", "Sales rep"
    SUPPORT_AGENT = "support_agent", "Support agent"
    REVOPS_ADMIN = "revops_admin", "RevOps admin"
    LEADER = "leader", "Leader"


class JobState(models.TextChoices):
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class VersionState(models.TextChoices):
    DRAFT = "draft", "Draft"
    IN_REVIEW = "in_review", "In review"
    PUBLISHED = "published", "Live"
    RETIRED = "retired", "Retired"

    @classmethod
    def drafts(cls) -> "tuple[VersionState, ...]":
        """The states of what people still work on: live never, edited or discarded at any time."""
        return (cls.DRAFT, cls.IN_REVIEW)


class Channel(models.TextChoices):
    """Ways beside the bell by which a notification travels."""

    EMAIL = "email", "E-mail"
    SLACK = "slack", "Slack"
