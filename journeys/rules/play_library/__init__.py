"""The playbooks that a new workspace comes with: key, name, document. Pure; own wording, to be made one's own."""

from typing import Final

from journeys.rules.play_library.beginning import FIRST_100_DAYS, ONBOARDING
from journeys.rules.play_library.growing import EXPANSION
from journeys.rules.play_library.keeping import LOW_USAGE, PRICING, PRODUCT_GAP, RENEWAL, SPONSOR_LEFT, SUPPORT_FAILURE
from journeys.rules.play_library.parts import Document

# Before the key of one, where a live playbook could be meant as well.
STARTER: Final = "starter:"
LIBRARY: Final[tuple[tuple[str, str, Document], ...]] = (
    ("renewal", "Renewal", RENEWAL),
    ("onboarding", "Onboarding", ONBOARDING),
    ("first_100_days", "First 100 days", FIRST_100_DAYS),
    ("low_usage", "Low usage", LOW_USAGE),
    ("sponsor_left", "A sponsor left", SPONSOR_LEFT),
    ("pricing", "Price objection", PRICING),
    ("product_gap", "Product gap", PRODUCT_GAP),
    ("support_failure", "Trouble with support", SUPPORT_FAILURE),
    ("expansion", "Expansion", EXPANSION),
)
