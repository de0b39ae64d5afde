"""Taking what is of a row out of what PostgreSQL says: its errors quote values, and those are other people's.

What went wrong and where stays: the constraint, the table, the line, the type.
"""

from __future__ import annotations

import re

import psycopg

VALUE = "[value]"
# What a message goes on with, of the server, of its programs and of Python; until there a value may have lines.
_NEXT = (
    r"(?=^(?:DETAIL|HINT|CONTEXT|QUERY|STATEMENT|LOCATION|LINE \d+): |^(?:pg_\w+|psql): |^Command was: |"
    r"^Traceback |^The above exception |^During handling |\Z)"
)
# LINE 1: SELECT '…'::int
STATEMENT = re.compile(r"^LINE \d+: .*$", re.MULTILINE)
LITERAL = re.compile(r"'[^'\n]*(?:'|$)")
SHAPES = [
    # DETAIL:  Key (id)=(7) already exists. Failing row contains (7, …). Token "…" is invalid.
    (
        re.compile(
            r"^(DETAIL:\s+(?:Key \(|Failing row contains |Partition key of the failing row contains |Token ))"
            rf".*?(\n?){_NEXT}",
            re.MULTILINE | re.DOTALL,
        ),
        rf"\g<1>{VALUE}\g<2>",
    ),
    # CONTEXT:  COPY bag, line 3, column id: "…"
    (re.compile(r"^((?:CONTEXT:\s+)?COPY .{1,300}?, line \d+(?:, column [^:\n]+)?): .*$", re.MULTILINE), r"\g<1>"),
    (re.compile(r"(JSON data, line \d+): .*"), r"\g<1>"),
    # invalid input syntax for type integer: "…"
    (
        re.compile(r"((?:invalid|malformed|out of range)[^\"\n]{0,200}: )\".*?\"[ \t]*$", re.MULTILINE | re.DOTALL),
        rf"\g<1>{VALUE}",
    ),
    (re.compile(r"(^|: +|value )\"[^\n]*\"( is out of range)", re.MULTILINE), rf"\g<1>{VALUE}\g<2>"),
]  # fmt: skip


def hide_rows(text: str) -> str:
    """The text without values of rows, as far as PostgreSQL's messages are known to quote them."""
    text = STATEMENT.sub(lambda line: LITERAL.sub(VALUE, line[0]), text)
    for shape, replacement in SHAPES:
        text = shape.sub(replacement, text)
    return text


def explain(error: psycopg.Error) -> str:
    """What the server said first, without what it adds about the place, which may quote the row, and without values."""
    return hide_rows(error.diag.message_primary or str(error))
