"""Figures and long texts in words, the same on every surface."""

from __future__ import annotations

from datetime import timedelta


def cut(text: str, limit: int) -> str:
    """At most `limit` characters; what was cut is said."""
    if len(text) <= limit:
        return text
    notice = f"… (cut, {len(text):,} characters)"
    return text[: max(0, limit - len(notice))] + notice if limit > len(notice) else text[: limit - 1] + "…"


def show_duration(seconds: float | timedelta) -> str:
    """`95 s` as `1 min 35 s`, `0.07` as `70 ms`; at most two units."""
    total = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
    if total < 0.9995:
        return f"{round(total * 1000)} ms"
    if total < 9.95:
        return f"{total:.1f} s"
    parts = []
    rest = round(total)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        amount, rest = divmod(rest, size)
        if amount:
            parts.append(f"{amount} {unit}")
    return " ".join(parts[:2])


def show_count(number: int, one: str, many: str = "") -> str:
    """`1 error`, `1,200 errors`; `many` where it is not `one` with an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def show_size(size_bytes: int) -> str:
    size = float(size_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 999.95:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
