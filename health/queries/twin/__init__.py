"""The spreadsheet twin: the scores of chosen accounts as a workbook that works them out again by live formulas."""

from health.queries.twin.collect import MOST, Twin, TwinAccount, TwinModel, first_scored, twin_of
from health.queries.twin.workbook import workbook

__all__ = ["MOST", "Twin", "TwinAccount", "TwinModel", "first_scored", "twin_of", "workbook"]
