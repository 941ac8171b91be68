"""Reads that cross the apps, one module per page."""
