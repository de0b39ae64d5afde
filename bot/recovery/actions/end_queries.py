"""End queries that run for too long, and transactions left open: exactly those that the plan names, if still the same.

(Document: Kill long-running queries. The written statement ends dumps and PostgreSQL's own helpers as well.)
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from bot.outcome import Cancelled, Refused
from bot.policy.durations import PositiveDuration
from bot.recovery.action import Action, Context, Evidence, Facts, History, Needless, Step, World
from bot.recovery.backups import maintenance_url, recovery_url, settings_of
from bot.recovery.side_restore import OfDatabase
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.postgres import Connection, connect
from bot.systems.queries import (
    Ending,
    RunningQuery,
    count_blocked,
    count_killed,
    is_running,
    list_queries,
    signal_query,
    wait_until_over,
    why_spared,
)
from bot.words import cut, show_duration

OVER_WITHIN_S = 10.0
STATEMENT_SHOWN = 200
WAITING_SHOWN = 5


class EndQueries(OfDatabase):
    database: str = Field(title="Database", description="Where the queries run.")
    older_than: PositiveDuration | None = Field(
        default=None, title="Older than", description="Such as 10 minutes; empty: the policy's terminate_query_after."
    )
    mode: Ending = Field(
        default="terminate",
        title="How",
        description="Cancelling ends the query and leaves the session; open transactions are always terminated.",
    )
    sessions: tuple[str, ...] | None = Field(
        default=None,
        title="Only these sessions",
        description="PostgreSQL's session ids (%c in its log), whatever their age; empty: all that are older.",
    )


class EndQueriesAction(Action[EndQueries]):
    name = "end_queries"
    purpose = "End long-running queries and transactions left open"
    risk = "high"
    permissions = ()
    parameters = EndQueries

    def target(self, parameters: EndQueries) -> str:
        return f"queries of {parameters.database}"

    def observe(self, world: World, parameters: EndQueries) -> Facts:
        """The sessions to end, and those that are old enough and spared, each with the reason."""
        settings = settings_of(world, parameters.database)
        with connect(recovery_url(world.environment, parameters.database, settings), purpose="observe") as connection:
            everything = [one for one in list_queries(connection) if one.database == parameters.database]
        meant = _choose(everything, parameters, settings.terminate_query_after)
        spared = {one.session: reason for one in meant if (reason := why_spared(one, settings.protected_sessions))}
        ending = [one for one in meant if one.session not in spared]
        if not ending:
            raise _explain_nothing(parameters, _limit(parameters, settings.terminate_query_after), spared)
        return {
            "sessions": [one.model_dump(mode="json") for one in ending],
            "spared": [f"{one.pid} {one.role} {one.application}: {spared[one.session]}" for one in meant
                       if one.session in spared],
            "blocked": {str(pid): count for pid, count in count_blocked(everything).items()},
            "others": len(everything) - len(ending),
        }  # fmt: skip

    def plan(self, world: World, parameters: EndQueries, observed: Facts, history: History) -> PlanDocument:
        ending = _read(observed)
        return self.document(
            parameters,
            observed,
            title=f"End {_count(len(ending))} of {parameters.database}",
            environment=settings_of(world, parameters.database).environment,
            loss=Loss(seconds=0, rows=0, words="nothing that was committed; the rest of these transactions is undone"),
            downtime=Prediction(seconds=0, source="other sessions go on"),
            duration=history.duration or Prediction(seconds=None, source="a second or so; not measured here yet"),
            way_back="None is needed: the server undoes what was not committed, and a query can be run again.",
            notes=[*(_describe(one, parameters.mode, observed) for one in ending), *_describe_spared(observed)],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """Nothing can: what has ended by itself, or does something else by now, is left alone when its turn comes."""
        return []

    def steps(self) -> list[Step[EndQueries]]:
        # Without `happened`: a session is asked only while it is still in the very query of the plan.
        return [Step("end", "End those that are still the same", end)]

    def verify(self, context: Context[EndQueries]) -> Evidence:
        ended, planned = context.outputs["end"], _read(context.plan.observed)
        with _connect(context) as connection:
            left = wait_until_over(connection, planned, timeout_s=0, cancelled=lambda: False)
            killed = count_killed(connection, context.parameters.database) - int(str(ended["killed_before"]))
        asked = int(str(ended["asked"]))
        verdicts = [
            Verdict(
                name="Queries",
                expected=f"{len(planned)} over",
                found=f"{len(planned) - len(left)} over, {asked} of them because they were asked to be"
                + "".join(f"; {one.pid} still runs" for one in left),
                good=not left,
            ),
            Verdict(
                name="Sessions ended on the server",
                expected=f"at most {len(planned)}",
                found=str(killed),
                good=killed <= len(planned),
            ),
        ]
        hint = "" if not left else "What cannot be cancelled may have to be terminated: ask for a plan with that mode."
        return Evidence(verdicts, {"asked": asked, "left": len(left)}, hint)

    def clean_up(self, context: Context[EndQueries]) -> str:
        """Nothing to remove; says what became of each."""
        with _connect(context) as connection:
            left = wait_until_over(connection, _read(context.plan.observed), timeout_s=0, cancelled=lambda: False)
        if not left:
            return "None of the plan's queries runs any more."
        running = ", ".join(str(one.pid) for one in left)
        return f"Of the plan's queries these still run: {running}. `/dr diagnose` shows what holds up what."


def end(context: Context[EndQueries]) -> Facts:
    """Ask each, then wait for all together. One that is not the same any more is not touched."""
    planned, mode = _read(context.plan.observed), context.parameters.mode
    with _connect(context) as connection:
        killed_before = count_killed(connection, context.parameters.database)
        asked = [one for one in planned if not context.cancelled() and signal_query(connection, one, mode)]
        left = wait_until_over(connection, asked, timeout_s=OVER_WITHIN_S, cancelled=context.cancelled)
        if context.cancelled() and any(is_running(connection, one) for one in planned):
            raise Cancelled
    words = f"{len(asked)} asked to end, {len(asked) - len(left)} have"
    if len(asked) < len(planned):
        words += f"; {len(planned) - len(asked)} had ended or does something else by now, and was left alone"
    return {"asked": len(asked), "left": len(left), "killed_before": killed_before, "words": words}


def _choose(everything: list[RunningQuery], parameters: EndQueries, limit: timedelta) -> list[RunningQuery]:
    if parameters.sessions is not None:
        return [one for one in everything if one.session in parameters.sessions]
    return [one for one in everything if one.seconds > _limit(parameters, limit).total_seconds()]


def _limit(parameters: EndQueries, limit: timedelta) -> timedelta:
    return parameters.older_than or limit


def _explain_nothing(parameters: EndQueries, limit: timedelta, spared: dict[str, str]) -> Refused:
    if spared:
        words = f"Only protected sessions are meant: {'; '.join(spared.values())}."
        return Refused(words, "They have to end by themselves.")
    if parameters.sessions is not None:
        words = "None of these sessions runs a query or leaves a transaction open any more."
        return Needless(words, "Nothing is to be done.")
    reason = f"No query of {parameters.database}, and no open transaction, has lasted for {show_duration(limit)}."
    return Needless(reason, "Choose a shorter time with older_than=…")


def _describe(one: RunningQuery, mode: Ending, observed: Facts) -> str:
    """One session as people see it before they decide."""
    how = "cancel" if mode == "cancel" and one.active else "terminate"
    blocked = observed["blocked"]
    held = blocked.get(str(one.pid)) if isinstance(blocked, dict) else None
    waits = f", waits for {', '.join(map(str, one.waits_for[:WAITING_SHOWN]))}" if one.waits_for else ""
    chain = f", holds up {held}" if held else ""
    who = f"{one.role} {one.application}".strip()
    shown = cut(one.statement, STATEMENT_SHOWN)
    return f"{how} {one.pid} ({who}), {one.state} for {show_duration(one.seconds)}{waits}{chain}: {shown}"


def _describe_spared(observed: Facts) -> list[str]:
    spared = observed["spared"]
    return [f"spared: {one}" for one in spared] if isinstance(spared, list) else []


def _read(observed: Facts) -> list[RunningQuery]:
    sessions = observed["sessions"]
    return [RunningQuery.model_validate(one) for one in sessions] if isinstance(sessions, list) else []


def _connect(context: Context[EndQueries]) -> Connection:
    """From beside the database, so that the sessions of a full one can be ended too."""
    database = context.parameters.database
    settings = settings_of(context.world, database)
    return connect(maintenance_url(context.world.environment, database, settings), purpose="end queries")


def _count(number: int) -> str:
    return "one session's query" if number == 1 else f"{number} sessions' queries"


ACTION = EndQueriesAction()
