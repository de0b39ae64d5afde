"""The text of an SQL statement as it may be shown: without the values in it, which may be personal or secret.

What separates values from the rest is PostgreSQL's lexical structure (manual, section 4.1).
"""

from __future__ import annotations

import re

# The server cuts long statements off (track_activity_query_size), so everything may end without its end.
TOKEN = re.compile(
    r"""
    (?P<kept>   (?:[uU]&)?"(?:[^"]|"")*(?:"|\Z)                        # a quoted identifier
              | (?![eEbBxXnN]'|[uU]&['"])[a-zA-Z_\x80-\U0010ffff][a-zA-Z_\x80-\U0010ffff0-9$]*
              | \$[0-9]+                                               # a parameter
    )
  | (?P<value>  [eE]'(?:[^'\\]|\\.|'')*(?:'|\\?\Z)
              | (?:[bBxXnN]|[uU]&)?'(?:[^']|'')*(?:'|\Z)
              | \$(?P<tag>(?:[a-zA-Z_\x80-\U0010ffff][a-zA-Z_\x80-\U0010ffff0-9]*)?)\$.*?(?:\$(?P=tag)\$|\Z)
              | (?:[0-9]|\.[0-9])[\w.]*(?:(?<=[eE])[+-][0-9]+)?
    )
  | (?P<comment> --[^\n]* | /\*(?:(?!/\*|\*/).)*\*/ )
  | (?P<nested> /\*.* )
    """,
    re.VERBOSE | re.DOTALL,
)
HIDDEN = "?"


def hide_values(statement: str) -> str:
    """The statement on one line with `?` for every string and number, and without comments.

    Where it cannot be told for sure where a value ends, everything from there on is left out.
    """
    shown, position = "", 0
    for match in TOKEN.finditer(statement):
        shown += statement[position : match.start()]
        position = match.end()
        if match["nested"] or _may_go_on(match["value"] or ""):
            return _squeeze(f"{shown}{HIDDEN} …")
        shown += match["kept"] or (HIDDEN if match["value"] else " ")
    return _squeeze(shown + statement[position:])


def _may_go_on(value: str) -> bool:
    """A backslash before a quote escapes it or not, by a setting of the session (standard_conforming_strings)."""
    return "\\'" in value and value[0] not in "eE$"


def _squeeze(text: str) -> str:
    return " ".join(text.split())
