"""Alerts: what monitoring tells us becomes one card, and at most one incident."""
