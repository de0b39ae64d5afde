"""Logical backups of one database: taken, read back, described by a manifest, and restored beside the original."""
