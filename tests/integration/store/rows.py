"""Rows for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bot.store.tables import Incident

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def make_incident(**changed: Any) -> Incident:
    facts: dict[str, Any] = {
        "title": "Bags are missing", "severity": "P1", "status": "investigating", "category": "database",
        "impact": "", "last_update": "", "declared_by": "mei", "declared_at": NOON, "detected_at": NOON, "drill": False,
    }  # fmt: skip
    return Incident(**{**facts, **changed})
