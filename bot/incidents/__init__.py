"""Incidents: declaring them, changing them, and their timeline."""

from bot.incidents.desk import STATUSES, Desk

__all__ = ["STATUSES", "Desk"]
