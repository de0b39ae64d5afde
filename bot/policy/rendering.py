"""The policy as text to read in a terminal: tables, and lists of facts where a table would be too wide."""

import textwrap

from bot.policy.policy import Policy
from bot.policy.yaml_source import PlainValue

WIDTH = 110
NARROWEST_COLUMN = 14
WIDEST_WORD = 36
GAP = "  "
NAME = "key"
ACRONYMS = frozenset({"az", "dns", "os", "rds", "rpo", "rto", "s3", "sms", "url", "usd", "wal"})

Row = dict[str, str]


def render_policy(policy: Policy) -> str:
    """Everything that the policy says, section by section, as plain text at most 110 columns wide."""
    plain: dict[str, PlainValue] = policy.model_dump(mode="json")
    facts = {key: write_cell(value) for key, value in plain.items() if not isinstance(value, dict | list)}
    blocks = [render_facts(facts)]
    for key, value in plain.items():
        if isinstance(value, dict | list):
            title = write_label(key)
            blocks.append(f"{title}\n{'=' * len(title)}\n{render_section(value)}")
    return "\n\n".join(blocks) + "\n"


def render_section(value: dict[str, PlainValue] | list[PlainValue]) -> str:
    """One section: entries as a table where they fit, else the facts of each entry one below another."""
    rows = list_rows(value)
    if not rows:
        plain = {key: write_cell(item) for key, item in value.items()} if isinstance(value, dict) else {}
        return render_facts(plain) or write_cell(value)
    return render_table(rows) or "\n\n".join(render_facts(row) for row in rows)


def list_rows(value: dict[str, PlainValue] | list[PlainValue]) -> list[Row]:
    """The entries of a section that consists of entries, all cells written out; else nothing."""
    named = list(value.items()) if isinstance(value, dict) else [("", item) for item in value]
    rows = [write_row(name, item) for name, item in named if isinstance(item, dict)]
    return rows if len(rows) == len(named) else []


def write_row(name: str, entry: dict[str, PlainValue]) -> Row:
    """One entry with the name that it goes by, if any."""
    first = {NAME: name} if name else {}
    return first | {key: write_cell(item) for key, item in entry.items()}


def write_cell(value: PlainValue) -> str:
    """Any value on one line."""
    if isinstance(value, dict):
        stated = {key: item for key, item in value.items() if item is not None}
        return "; ".join(f"{key.replace('_', ' ')}: {write_cell(item)}" for key, item in stated.items()) or "-"
    if isinstance(value, list):
        cells = [
            " ".join(map(write_cell, item.values())) if isinstance(item, dict) else write_cell(item) for item in value
        ]
        return (" | " if any("," in cell or ";" in cell for cell in cells) else ", ").join(cells) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)


def write_label(key: str) -> str:
    """A key as a heading: "recovery_priority" is "Recovery priority", "health_url" is "Health URL"."""
    words = [word.upper() if word in ACRONYMS else word for word in key.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def render_facts(facts: Row) -> str:
    """Labels on the left, values on the right, wrapped; a name, where there is one, as the first line."""
    if not facts:
        return ""
    indent = max(len(write_label(key)) for key in facts) + len(GAP)
    lines = [facts[NAME]] if NAME in facts else []
    for key, value in facts.items():
        if key != NAME:
            head, margin = write_label(key).ljust(indent), " " * indent
            lines += textwrap.wrap(head + value, WIDTH, subsequent_indent=margin, break_on_hyphens=False)
    return "\n".join(lines)


def render_table(rows: list[Row]) -> str:
    """A table with wrapped cells; empty where its columns would become too narrow to read."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    texts = [[write_label(key) for key in columns], *([row.get(key, "-") for key in columns] for row in rows)]
    widths = fit_widths([list(column) for column in zip(*texts, strict=True)])
    if not widths:
        return ""
    lines = [line for cells in texts for line in wrap_row(cells, widths)]
    rule = GAP.join("-" * width for width in widths)
    return "\n".join([lines[0], rule, *lines[1:]])


def fit_widths(columns: list[list[str]]) -> list[int]:
    """The width of each column, so that all fit side by side and no word is torn; empty when they cannot."""
    widths = [max(map(len, column)) for column in columns]
    words = [[len(word) for cell in column for word in cell.split()] for column in columns]
    floors = [max(NARROWEST_COLUMN, min(max(lengths, default=0), WIDEST_WORD)) for lengths in words]
    while sum(widths) + len(GAP) * (len(widths) - 1) > WIDTH:
        room = [width - floor for width, floor in zip(widths, floors, strict=True)]
        roomiest = room.index(max(room))
        if room[roomiest] <= 0:
            return []
        widths[roomiest] -= 1
    return widths


def wrap_row(cells: list[str], widths: list[int]) -> list[str]:
    """The lines of one row."""
    wrapped = [
        textwrap.wrap(cell, width, break_on_hyphens=False) or [""] for cell, width in zip(cells, widths, strict=True)
    ]
    height = max(map(len, wrapped))
    padded = [lines + [""] * (height - len(lines)) for lines in wrapped]
    return [
        GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in zip(*padded, strict=True)
    ]
