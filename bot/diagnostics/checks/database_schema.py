"""Is everything there that the application was built on? Tables to triggers, against the newest verified backup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.diagnostics.check import Surroundings
from bot.diagnostics.outline_changes import compare_with_backup
from bot.diagnostics.points import DatabasePointCheck, Point
from bot.store.documents import FindingState, Measure, Suggestion
from bot.systems.outlines import Change, Item
from bot.words import cut

KINDS = ("table", "column", "view", "function", "extension", "sequence", "index", "constraint", "trigger", "rule",
         "row policy")  # fmt: skip
GONE: dict[str, tuple[FindingState, str, str]] = {
    "table": ("critical", "table gone", "whatever uses it fails"),
    "column": ("critical", "column gone", "statements that name it fail"),
    "view": ("critical", "table gone", "whatever reads it fails"),
    "function": ("critical", "function gone", "whatever calls it fails"),
    "extension": ("critical", "function gone", "what it brought is gone with it"),
    "sequence": ("critical", "function gone", "new rows get no number"),
    "index": ("warning", "index gone", "what it served reads whole tables now"),
    "constraint": ("warning", "constraint gone", "wrong or doubled rows can come in"),
    "trigger": ("warning", "trigger changed", "what it did is not done any more"),
    "rule": ("warning", "trigger changed", "what it did is not done any more"),
    "row policy": ("warning", "trigger changed", "other rows are seen than before"),
}
"""By kind: how bad it is when one is gone, the sign, and what follows."""
NEW_HURTS = {
    "trigger": "it may refuse or change what is written",
    "rule": "it may turn statements into others",
    "row policy": "it may hide rows or refuse them",
    "constraint": "rows that were good before may be refused",
}
CHANGED = {"constraint": "constraint gone", "index": "index gone"}
"""By kind: the sign of one that is there, and another than before; of the others it is that of a column."""
BACK = ("table", "column", "view", "function", "sequence")
HASHED = ("view", "function")
"""Their definitions are kept as hashes."""
DEFINITION_SHOWN = 200
FEWEST_MOVED = 2
"""So many tables that are all in one other schema were not dropped."""


class DatabaseSchema(DatabasePointCheck):
    name = "database_schema"
    title = "Tables, columns, indexes and rules"
    permissions = ("s3:ListBucket", "s3:GetObject")
    timeout_s = 20.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        compared = compare_with_backup(surroundings, self.timeout_s / 2)
        changes = [change for change in compared.changes if change.item.kind in KINDS]
        counts = [Measure(name=f"{kind}s", value=len(compared.now.of_kind(kind))) for kind in ("table", "column")]
        yield Point(
            "ok" if compared.known else "unknown",
            f"{counts[0].value:.0f} tables with {counts[1].value:.0f} columns."
            + ("" if compared.known else f" {compared.since}"),
            measures=tuple(counts), normal=compared.since if compared.known else "",
        )  # fmt: skip
        moved, changes = _set_moved_apart(changes)
        if moved:
            words = f"The schema public is called {moved} now, or all its tables were moved there: whatever looks for "
            words += f"them fails. ALTER SCHEMA {moved} RENAME TO public, by hand, brings them back."
            yield Point("critical", words, signs=("schema moved",), normal=compared.since)
        renamed = dict(_find_renamed(changes))
        for change in changes:
            yield from _judge(surroundings, change, renamed, compared.since)
        yield from _find_invalid(compared.now.of_kind("index"), changes)


def _set_moved_apart(changes: list[Change]) -> tuple[str, list[Change]]:
    """The schema that has all tables which are gone, empty where none has; and the changes that it does not explain."""
    tables = [one for one in changes if one.item.kind == "table"]
    gone = {one.item.of for one in tables if one.gone}
    new = {one.item.of for one in tables if one.new}
    schemas = {name.rpartition(".")[0] for name in new if name.rpartition(".")[2] in gone}
    moved = next((schema for schema in schemas if all(f"{schema}.{name}" in new for name in gone)), "")
    if not moved or len(gone) < FEWEST_MOVED:
        return "", changes
    return moved, [one for one in changes if not one.gone and not one.new]


def _judge(surroundings: Surroundings, change: Change, renamed: dict[Item, Item], since: str) -> Iterator[Point]:
    item = change.item
    shown = "" if item.kind in HASHED else " ".join(item.definition.split())
    definition = cut(shown, DEFINITION_SHOWN)
    if change.gone:
        state, sign, follows = GONE[item.kind]
        other = renamed.get(item)
        name = f"it seems to be called {other.part or other.of} now" if other else f"it was {definition}"
        told = f" ({name})" if other or definition else ""
        yield Point(state, f"The {item.words} is gone{told}: {follows}.", _suggest(surroundings, item), (sign,), (),
                    since)  # fmt: skip
    elif change.new:
        follows = NEW_HURTS.get(item.kind, "")
        signs = ("trigger changed",) if follows else ()
        words = f"The {item.words} is new" + (f": {follows} ({definition})." if follows else ".")
        if item not in renamed.values():
            yield Point("warning" if follows else "ok", words, (), signs, (), since)
    else:
        assert change.was is not None  # neither gone nor new
        assert change.now is not None
        yield _judge_change(change.was, change.now, since)


def _judge_change(was: Item, now: Item, since: str) -> Point:
    off = "DISABLED" in now.definition and "DISABLED" not in was.definition
    before, after = cut(was.definition, DEFINITION_SHOWN), cut(now.definition, DEFINITION_SHOWN)
    if was.kind in HASHED:
        return Point("warning", f"The {was.words} is another than before.", (), ("trigger changed",), (), since)
    words = f"The {was.words} is switched off." if off else f"The {was.words} was {before}, is {after}."
    sign = "trigger changed" if off else CHANGED.get(was.kind, "column changed")
    return Point("warning", words, (), (sign,), (), since)


def _find_renamed(changes: Iterable[Change]) -> Iterator[tuple[Item, Item]]:
    """What is gone, with what is new of the same definition: most likely the same under another name."""
    gone = [one.was for one in changes if one.was and one.gone and one.item.kind in ("table", "column")]
    new = [one.now for one in changes if one.now and one.new and one.item.kind in ("table", "column")]
    for item in gone:
        alike = [
            one
            for one in new
            if (one.kind, one.definition) == (item.kind, item.definition) and (one.of == item.of or not item.part)
        ]
        if len(alike) == 1:
            yield item, alike[0]


def _find_invalid(indexes: list[Item], changes: list[Change]) -> Iterator[Point]:
    told = {(change.item.of, change.item.part) for change in changes}
    for one in indexes:
        if one.definition.endswith(" INVALID") and (one.of, one.part) not in told:
            yield Point("warning", f"The {one.words} is not valid, so nothing uses it: building it failed.", (),
                        ("index gone",))  # fmt: skip


def _suggest(surroundings: Surroundings, item: Item) -> tuple[Suggestion, ...]:
    if item.kind not in BACK:
        return ()
    parameters = {"database": surroundings.database}
    return (Suggestion(action="restore_database", label="Restore…", parameters={**parameters}),)


CHECK = DatabaseSchema()
