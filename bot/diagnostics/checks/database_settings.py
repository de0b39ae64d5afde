"""Is the server set as the policy wants it, and as it was? Also what waits for a restart, and what roles override."""

from __future__ import annotations

from collections.abc import Iterator

from bot.diagnostics.check import Surroundings
from bot.diagnostics.outline_changes import compare_with_backup
from bot.diagnostics.points import DatabasePointCheck, Point
from bot.systems.outlines import Change
from bot.words import cut

HURTFUL = {
    "fsync": "a crash of the machine destroys the database",
    "full_page_writes": "a crash of the machine destroys the database",
    "default_transaction_read_only": "every write fails",
    "autovacuum": "tables grow and grow slow, and in the end the server stops",
    "synchronous_standby_names": "every commit waits for a standby of that name",
}
CRITICAL = ("fsync", "full_page_writes", "default_transaction_read_only", "synchronous_standby_names")
SIGNS = {
    "default_transaction_read_only": "read only", "synchronous_standby_names": "commits wait",
    **dict.fromkeys(("archive_command", "archive_mode", "archive_library", "archive_timeout"), "log not archived"),
}  # fmt: skip
OBSERVE = """
    SELECT name, setting, boot_val, pending_restart FROM pg_settings WHERE name = ANY(%(names)s) OR pending_restart
"""
VALUE_SHOWN = 80


class DatabaseSettings(DatabasePointCheck):
    name = "database_settings"
    title = "Settings of the server"
    permissions = ("s3:ListBucket", "s3:GetObject")
    timeout_s = 20.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        expected = surroundings.settings.expected_settings
        with surroundings.connect(self.timeout_s / 2) as connection:
            connection.execute("RESET default_transaction_read_only")
            rows = connection.execute(OBSERVE, {"names": list(expected)}).fetchall()
        compared = compare_with_backup(surroundings, self.timeout_s / 2)
        found = {name: setting for name, setting, _, _ in rows}
        wrong = [name for name, right in expected.items() if name in found and found[name] not in right]
        for name in wrong:
            follows = HURTFUL.get(name, "the policy wants it otherwise")
            words = f"{name} is {found[name]}, should be {' or '.join(expected[name])}: {follows}."
            yield Point("critical" if name in CRITICAL else "warning", words,
                        signs=(SIGNS.get(name, "setting changed"),), normal="As the policy has it.")  # fmt: skip
        for name in (name for name, _, _, waits in rows if waits):
            yield Point("warning", f"{name} was changed in the configuration, and takes effect at the next restart.")
        changes = [one for one in compared.changes if one.item.kind in ("setting", "override")]
        for change in changes:
            if change.item.of not in wrong:
                yield _judge_change(change, compared.since)
        yield Point("ok", f"{len(found)} settings are as the policy has them; since: {compared.since}")


def _judge_change(change: Change, since: str) -> Point:
    was, now = change.was, change.now
    name = change.item.part or change.item.of
    before = cut(was.definition, VALUE_SHOWN) or "empty" if was else "the default"
    after = cut(now.definition, VALUE_SHOWN) or "empty" if now else "the default"
    off = change.item.kind == "override" and name == "default_transaction_read_only" and after == "on"
    critical = off or (name == "synchronous_standby_names" and now is not None and bool(now.definition))
    who = f"{name} for {change.item.of}" if change.item.kind == "override" else name
    follows = f": {HURTFUL[name]}" if critical else ""
    return Point("critical" if critical else "warning", f"{who} was {before}, is {after}{follows}.",
                 signs=(SIGNS.get(name, "setting changed"),), normal=since)  # fmt: skip


CHECK = DatabaseSettings()
