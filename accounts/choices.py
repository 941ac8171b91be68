from django.db import models


class AccountStatus(models.TextChoices):
    PROSPECT = "prospect", "Prospect"
    CUSTOMER = "customer", "Customer"
    CHURNED = "churned", "Churned"
    MERGED = "merged", "Merged into another"


class Segment(models.TextChoices):
    """The starter segments. Rule-based segments come with their own table."""

    ENTERPRISE = "enterprise", "Enterprise"
    MID_MARKET = "mid_market", "Mid-market"
    SMALL = "small", "Small business"
    NONE = "", "No segment"


class EndDateIs(models.TextChoices):
    """What a printed end date means. Stored dates are always the first day without service."""

    FIRST_DAY_WITHOUT = "first_day_without", "First day without service"
    LAST_DAY = "last_day", "Last day of service"


class LineKind(models.TextChoices):
    RECURRING = "recurring", "Recurring"
    TRIAL = "trial", "Trial"
    ONE_OFF = "one_off", "One-off"


class MovementKind(models.TextChoices):
    NEW = "new", "New"
    EXPANSION = "expansion", "Expansion"
    CONTRACTION = "contraction", "Contraction"
    CHURN = "churn", "Churn"
    REACTIVATION = "reactivation", "Reactivation"
    PRICE = "price", "Price"
    FX = "fx", "Currency"


class ActivityKind(models.TextChoices):
    CALL = "call", "Call"
    MEETING = "meeting", "Meeting"
    EMAIL = "email", "E-mail"
    NOTE = "note", "Note"


class OutcomeKind(models.TextChoices):
    RENEWED = "renewed", "Renewed"
    CHURNED = "churned", "Churned"
    CONTRACTED = "contracted", "Contracted"


class MeasureKind(models.TextChoices):
    NUMBER = "number", "Number"
    CATEGORY = "category", "Category"


class MeasureSource(models.TextChoices):
    USAGE = "usage", "Usage"
    SIGNAL = "signal", "Signal"
    SURVEY = "survey", "Survey"
    SUPPORT = "support", "Support"


class ContactRole(models.TextChoices):
    CHAMPION = "champion", "Champion"
    DECISION_MAKER = "decision_maker", "Decision maker"
    SPONSOR = "sponsor", "Executive sponsor"
    ADMIN = "admin", "Administrator"
    USER = "user", "User"
    OTHER = "", "Other"


class ImportState(models.TextChoices):
    UPLOADED = "uploaded", "Uploaded"
    CHECKING = "checking", "Dry run under way"
    CHECKED = "checked", "Dry run done"
    APPLYING = "applying", "Importing"
    APPLIED = "applied", "Imported"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
