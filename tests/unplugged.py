"""Stores that do not wait for the disk: kill -9 takes nothing back, and nobody pulls the plug of a test."""

from __future__ import annotations

from bot.store import database


def trust_the_power() -> None:
    """For every SQLite store that this process, and what it forks, opens from now on."""
    database.SYNCHRONOUS = "OFF"
