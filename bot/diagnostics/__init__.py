"""Diagnostics: read-only questions to real systems, and their findings."""
