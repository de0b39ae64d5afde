"""Holdfast: incident response and disaster recovery for Slack."""
