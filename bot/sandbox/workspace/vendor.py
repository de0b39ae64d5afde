"""Slack's own JSON as it crosses the border: the one place where `Any` is allowed in."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
