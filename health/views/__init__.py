"""Doors of health, by what they show."""
