"""Why a PostgreSQL server lets nobody in, from what it or the network says."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.outcome import Failed, Refused


@dataclass(frozen=True)
class Refusal:
    """In words, and as a sign of `causes`."""

    words: str
    sign: str


KNOWN: tuple[tuple[str, str, str], ...] = (
    (r"too many clients|remaining connection slots|too many connections for",
     "All connections that it allows are taken", "connections used up"),
    (r"password authentication failed|no password supplied",
     "It refuses the password, which was changed on one side only, or has run out", "password refused"),
    (r"not permitted to log in", "The role may not log in any more", "role locked out"),
    (r"role .* does not exist", "There is no such role any more", "role locked out"),
    (r"permission denied for database", "The role has lost the right to connect to this database", "role locked out"),
    (r"not currently accepting connections", "The database is closed to connections", "database closed"),
    (r"database .* does not exist|There is no database", "There is no database of that name", "database gone"),
    (r"starting up|in recovery mode|not yet accepting", "The server is starting or recovering", "database starting"),
    (r"shutting down", "The server is shutting down", "database down"),
    (r"no pg_hba\.conf entry|pg_hba\.conf rejects", "Its pg_hba.conf does not let us in", "role locked out"),
    (r"could not translate host name|Name or service not known|failed to resolve",
     "The name of the server does not resolve", "name lost"),
    (r"certificate|SSL|TLS", "The encrypted connection is refused", "certificate bad"),
    (r"Connection refused", "Nothing listens at that address: the server is down, or the address is wrong",
     "database down"),
    (r"timeout|timed out", "It does not answer", "database hangs"),
    (r"No space left|out of memory|could not fork", "The server lacks memory or disk", "disk full"),
    (r"closed the connection unexpectedly|reset by peer|terminat",
     "It broke the connection off: it is going down, or was overloaded", "database down"),
    (r"unreachable|No route", "There is no way through the network to it", "database hangs"),
)  # fmt: skip


def explain_refusal(error: Refused | Failed) -> Refusal:
    """The likeliest reason; with the server's own words where they are none that we know."""
    said = f"{error} {error.__cause__ or ''}"
    for pattern, words, sign in KNOWN:
        if re.search(pattern, said, re.IGNORECASE):
            return Refusal(words, sign)
    return Refusal("It cannot be reached", "database down")
