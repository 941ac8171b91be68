"""Writes of renewals: the sweep that keeps the clock, and what a person decides."""

from renewals.actions.decisions import DecisionRefused, decide_renewal, set_forecast
from renewals.actions.sweep import RenewalSweep, sweep_renewals

__all__ = ["DecisionRefused", "RenewalSweep", "decide_renewal", "set_forecast", "sweep_renewals"]
