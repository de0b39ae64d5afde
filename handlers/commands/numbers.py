"""Numbers as people type them."""

from __future__ import annotations

from bot.outcome import Refused

LONGEST = 9


def read_number(text: str, what: str, example: str) -> int:
    """`12` or `#12`. Raises `Refused` with the example."""
    if not text.strip():
        raise Refused(f"The number of {what} is missing.", f"Example: `{example}`.")
    digits = text.strip().removeprefix("#")
    if not digits.isascii() or not digits.isdigit() or len(digits) > LONGEST:
        raise Refused(f"{text[:40]!r} is not the number of {what}.", f"Example: `{example}`.")
    return int(digits)
