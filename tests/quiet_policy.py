"""A policy under which nothing is diagnosed by itself at a declaration: for tests that are about something else."""

from __future__ import annotations

from pathlib import Path

import yaml


def keep_quiet(path: Path) -> Path:
    """Change the policy file so, and return it."""
    text = yaml.safe_load(path.read_text(encoding="utf-8"))
    for severity in text["severities"].values():
        severity["diagnose_at_declare"] = False
    path.write_text(yaml.safe_dump(text, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path
