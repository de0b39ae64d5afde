"""Queries that run for too long, and who waits for them. (Document, Step 3: long-running queries.)"""

from __future__ import annotations

from bot.diagnostics.check import Check, Surroundings
from bot.store.documents import Finding, FindingState, Measure, Suggestion
from bot.systems.queries import RunningQuery, count_blocked, list_queries, why_spared
from bot.words import cut, show_count, show_duration

QUERY_SHOWN = 160
LISTED = 20


class DatabaseLongQueries(Check):
    name = "database_long_queries"
    title = "Long-running queries"
    scope = "database"

    def run(self, surroundings: Surroundings) -> Finding:
        limit = surroundings.settings.long_query_after
        with surroundings.connect(self.timeout_s) as connection:
            running = list_queries(connection)
        blocked = count_blocked(running)
        meant = [one for one in running if one.seconds > limit.total_seconds() or one.pid in blocked]
        measure = Measure(name="the longest", value=max((one.seconds for one in running), default=0.0), unit="s")
        if not meant:
            words = f"None runs for more than {show_duration(limit)}, and none holds others up."
            return self.finding("ok", words, measures=[measure])
        waiting = {one.pid for one in running if one.waits_for}
        state: FindingState = "critical" if waiting else "warning"
        over = any(one.seconds > limit.total_seconds() for one in meant)
        ending = "s" if len(meant) == 1 else ""
        held = f"run{ending} for more than {show_duration(limit)}" if over else f"hold{ending} others up"
        waits = f"; {show_count(len(waiting), 'session waits', 'sessions wait')} for a lock" if waiting else ""
        return self.finding(
            state,
            f"{len(meant)} {held}{waits}.",
            [_describe(one, blocked.get(one.pid, 0)) for one in meant[:LISTED]],
            _suggest(surroundings, meant, blocked),
            normal=f"None runs for more than {show_duration(limit)}, and none holds others up.",
            measures=[measure], signs=["locked" if waiting else "long query"],
        )  # fmt: skip


def _suggest(surroundings: Surroundings, meant: list[RunningQuery], blocked: dict[int, int]) -> list[Suggestion]:
    """To end those over the policy's limit, and whoever is at the head of a queue; not those that wait in it."""
    settings = surroundings.settings
    limit_s = settings.terminate_query_after.total_seconds()
    ending = [
        one.session
        for one in meant
        if one.database == surroundings.database
        and (one.seconds > limit_s or (one.pid in blocked and not one.waits_for))
        and why_spared(one, settings.protected_sessions) is None
    ]
    if not ending:
        return []
    label = "End this query" if len(ending) == 1 else f"End these {len(ending)} queries"
    return [
        Suggestion(
            action="end_queries", label=label,
            parameters={"database": surroundings.database, "sessions": [*ending[:LISTED]]},
        )
    ]  # fmt: skip


def _describe(one: RunningQuery, blocked: int) -> str:
    """One session; values in the query are left out, since they may hold what is nobody's business."""
    waits = f", {blocked} waiting" if blocked else ""
    who = f"pid {one.pid} {one.role} {one.application} {one.state}"
    return f"{who} for {show_duration(one.seconds)}{waits}: {cut(one.statement, QUERY_SHOWN)}"


CHECK = DatabaseLongQueries()
