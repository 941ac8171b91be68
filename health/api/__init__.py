"""Endpoints of health, by what they show."""
