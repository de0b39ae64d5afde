"""The proof of a restore into a new RDS instance: its source's settings, a primary, and the rows of the moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.outcome import Failed, Refused
from bot.recovery.action import Context, Evidence, Facts
from bot.recovery.instances import database_behind, instance_url, open_rds
from bot.recovery.restored_instances import LOOK_TIMEOUT_S, Restored, find_restored, list_differences, show_value
from bot.store.documents import Verdict
from bot.systems.databases import observe_server
from bot.systems.postgres import connect
from bot.systems.rds import Instance
from bot.systems.rds_database import Rows, count_rows
from bot.systems.rds_settings import Settings
from bot.systems.rds_waiting import is_ready
from bot.words import cut

ROWS_SETTLE = timedelta(minutes=1)
"""Rows this close to the moment may belong to transactions that committed after it."""
DIFFERENCES_SHOWN = 200


def look_inside(context: Context[Any]) -> Facts:
    """Connect to the new endpoint and count; the source is counted beside it where it answers."""
    restored = find_restored(context)
    world, moment = context.world, context.plan.back_to
    instance = restored.rds.observe(restored.name)
    _, settings = database_behind(world)
    with connect(instance_url(world, instance), purpose="verify", statement_timeout_s=LOOK_TIMEOUT_S) as connection:
        server = observe_server(connection)
        rows = count_rows(connection, settings.loss_tables)
        settled = count_rows(connection, settings.loss_tables, moment - ROWS_SETTLE) if moment else None
    if rows is None:
        tables = ", ".join(settings.loss_tables)
        raise Failed(f"{restored.name} answers, but does not have the tables {tables}.", "", "Choose another moment.")
    source = str(context.plan.observed.get("source") or "")
    before = _count_on_source(context, source, moment - ROWS_SETTLE) if moment and source else None
    return {
        "rows": rows.count,
        "newest": rows.newest.isoformat() if rows.newest else None,
        "rows_settled": settled.count if settled else None,
        "rows_settled_on_source": before.count if before else None,
        "in_recovery": server.in_recovery,
        "words": f"{rows.count:,} rows, the newest of {_show(rows.newest)}",
    }


def measure(context: Context[Any]) -> Evidence:
    """The instance has its source's settings, its database takes writes, and holds the state of the moment."""
    restored, inside = find_restored(context), context.outputs["look"]
    instance = restored.rds.observe(restored.name)
    verdicts = [
        Verdict(name="Instance", expected="available", found=instance.status, good=is_ready(instance)),
        judge_settings(restored, instance),
        *_judge_rows(context, inside),
    ]
    measured: Facts = {"rows": inside["rows"], "newest_row": inside["newest"]}
    words = (
        f"{restored.name} is ready beside the source, which was not touched. "
        "`/dr plan switch_database` takes the application there."
    )
    return Evidence(verdicts, measured, words)


def judge_settings(restored: Restored, instance: Instance) -> Verdict:
    """Whether it has every one that it is to have."""
    differences = list_differences({**restored.settings, **restored.afterwards}, instance)
    return Verdict(
        name="Settings",
        expected=f"all {len(restored.settings) + len(restored.afterwards)} of the source",
        found=_show_differences(differences, instance),
        good=not differences,
    )


def _judge_rows(context: Context[Any], inside: Facts) -> list[Verdict]:
    moment, newest = context.plan.back_to, inside["newest"]
    on_time = moment is None or newest is None or datetime.fromisoformat(str(newest)) <= moment
    verdicts = [
        Verdict(
            name="Newest row",
            expected=f"not after {_show(moment)}",
            found=_show(datetime.fromisoformat(str(newest)) if newest else None),
            good=on_time and newest is not None,
        ),
        Verdict(
            name="Writes",
            expected="a primary",
            found="a replica" if inside["in_recovery"] else "a primary",
            good=inside["in_recovery"] is False,
        ),
    ]
    there, here = inside["rows_settled"], inside["rows_settled_on_source"]
    if isinstance(there, int) and isinstance(here, int):
        verdicts.append(
            Verdict(
                name="Rows",
                expected=f"at least the {here:,} of that time that the source still has",
                found=f"{there:,}",
                good=there >= here,
            )
        )
    return verdicts


def _count_on_source(context: Context[Any], source: str, until: datetime) -> Rows | None:
    """None where the source cannot be asked: it may be what is broken."""
    _, settings = database_behind(context.world)
    try:
        instance = open_rds(context.world).observe(source)
        url = instance_url(context.world, instance)
        with connect(url, purpose="verify", connect_timeout_s=5, statement_timeout_s=LOOK_TIMEOUT_S) as connection:
            return count_rows(connection, settings.loss_tables, until)
    except (Refused, Failed):
        return None


def _show(moment: datetime | None) -> str:
    return f"{moment:%d %b %H:%M:%S} UTC" if moment else "none"


def _show_differences(differences: Settings, instance: Instance) -> str:
    if not differences:
        return "all"
    shown = "; ".join(f"{name} is not {show_value(value)}" for name, value in differences.items())
    return cut(f"{shown} ({instance.status})", DIFFERENCES_SHOWN)
