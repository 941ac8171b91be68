"""Renewals go over with their contracts when two accounts become one: each contract keeps its own."""

from typing import Final

from accounts.rules.merging import MergePart

PARTS: Final = (MergePart("renewals_renewal", "Renewals", 60),)
