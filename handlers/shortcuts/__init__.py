"""Shortcuts: from anywhere in Slack, or from a message; one a file with a `SHORTCUT`."""
