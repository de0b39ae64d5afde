"""Put back the database that a restore has kept: exchange it with the live one, which is kept in its turn.

(Document: none; its procedure drops the old database first, so that there is no way back from a restore.)
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime

import psycopg
from pydantic import Field

from bot.outcome import Failed, Refused
from bot.policy import Policy
from bot.recovery.action import Action, Context, Evidence, Facts, History, Step, World
from bot.recovery.backups import maintenance_url, recovery_url, settings_of
from bot.recovery.loss import predict_loss
from bot.recovery.side_plan import LIVE_MATTERS, list_moved, observe_live, predict_downtime
from bot.recovery.side_restore import (
    LOOK_BEFORE_S,
    OfDatabase,
    Place,
    find_place,
    measure,
    put_back,
    refuse_kept,
    wait_healthy,
)
from bot.recovery.touched import touch_database
from bot.store.documents import PlanDocument, Prediction, Suggestion, Verdict
from bot.systems.database_swap import SwapState, observe_swap, swap
from bot.systems.database_traits import observe_traits
from bot.systems.databases import find_database
from bot.systems.fingerprints import count_rows
from bot.systems.kept_databases import find_kept, list_kept, return_comment
from bot.systems.postgres import connect, replace_database
from bot.systems.probe import probe_database
from bot.systems.side_databases import put_in_empty_place
from bot.systems.swap_obstacles import check_swap
from bot.words import show_duration

TABLES_SHOWN = 8


class PutBack(OfDatabase):
    database: str = Field(title="Database", description="Whose place the kept one takes.")
    kept: str = Field(title="Kept database", description="What a restore kept; it becomes live again.")


class PutBackDatabase(Action[PutBack]):
    name = "put_back_database"
    purpose = "Put back the database that a restore has kept, keeping the present one"
    risk = "destructive"
    permissions = ()
    parameters = PutBack

    def target(self, parameters: PutBack) -> str:
        return parameters.database

    def touches(self, policy: Policy, parameters: PutBack) -> frozenset[str]:
        return touch_database(policy, parameters.database)

    def application(self, world: World, parameters: PutBack) -> str | None:
        return settings_of(world, parameters.database).application

    def disaster(self, world: World, parameters: PutBack) -> str | None:
        return settings_of(world, parameters.database).disaster

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        """What is kept of the database, the latest first."""
        if name != "kept":
            return None
        database = str(given.get("database", ""))
        url = maintenance_url(world.environment, database, settings_of(world, database))
        with connect(url, purpose="list kept") as connection:
            kept = list_kept(connection, database)
        now = world.now()
        return [(one.name, f"{one.name}, out of use for {show_duration(now - one.receipt.shut_at)}") for one in kept]

    def observe(self, world: World, parameters: PutBack) -> Facts:
        settings = settings_of(world, parameters.database)
        with connect(maintenance_url(world.environment, parameters.database, settings), purpose="observe") as there:
            kept = find_kept(there, parameters.database, parameters.kept)
        return {
            **observe_live(world, parameters.database),
            "kept_oid": kept.oid,
            "kept_owner": kept.owner,
            "kept_at": kept.receipt.shut_at.isoformat(),
            "kept_comment": kept.receipt.comment,
        }

    def plan(self, world: World, parameters: PutBack, observed: Facts, history: History) -> PlanDocument:
        settings, database = settings_of(world, parameters.database), parameters.database
        kept_at = datetime.fromisoformat(str(observed["kept_at"]))
        live_url = recovery_url(world.environment, database, settings)
        return self.document(
            parameters,
            observed,
            title=f"Put {parameters.kept} back as {database}",
            environment=settings.environment,
            loss=predict_loss(live_url, settings, kept_at, world.now()),
            downtime=predict_downtime(history, observed),
            duration=history.duration or Prediction(seconds=None, source="about a second; not measured here yet"),
            way_back=_describe_way_back(database, observed),
            confirm=database,
            back_to=kept_at,
            notes=_describe(parameters, observed, live_url),
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """Size and server may move; which databases the two names mean may not."""
        return list_moved(planned, now, (*LIVE_MATTERS, "kept_oid", "kept_owner", "kept_at"))

    def steps(self) -> list[Step[PutBack]]:
        return [
            Step("preflight", "Check that both can be exchanged", preflight, phase="retrieval"),
            Step("swap", "Put it in the live one's place, keeping that", exchange, exchanged, cancellable=False),
            Step("comment", "Give it back its own comment", tidy, cancellable=False),
            Step(
                "application", "Wait until the application is healthy", wait_healthy, phase="restart", cancellable=False
            ),
        ]

    def verify(self, context: Context[PutBack]) -> Evidence:
        observed, place = context.plan.observed, _find_place(context)
        with connect(place.maintenance, purpose="verify") as connection:
            live = find_database(connection, place.live)
        verdict = Verdict(
            name="Database",
            expected=f"the one that was kept as {place.side} (object id {observed['kept_oid']})",
            found=f"object id {live.oid}" if live else f"there is no {place.live}",
            good=live is not None and live.oid == observed["kept_oid"],
        )
        return measure(context, back_to=datetime.fromisoformat(str(observed["kept_at"])), content=[verdict])

    def undo(self, parameters: PutBack, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        """The same once more, with what this run has kept."""
        return put_back(parameters, outputs)

    def clean_up(self, context: Context[PutBack]) -> str:
        """Nothing was made that would have to go; both databases are wanted."""
        place = _find_place(context)
        if exchanged(context) is None:
            return f"{place.live} is as it was, and so is {place.side}."
        return f"{place.side} is live as {place.live}; the one before it is kept as {place.kept}."


def preflight(context: Context[PutBack]) -> Facts:
    """Everything that would make the exchange fail, before anybody is disconnected."""
    place = _find_place(context)
    refuse_kept(place)
    if context.plan.observed["database_oid"] is not None:
        with connect(place.maintenance, purpose="preflight") as connection:
            check_swap(connection, live=place.live, side=place.side, kept=place.kept)
    return {}


def exchange(context: Context[PutBack]) -> Facts:
    """The moment that clients notice; watched by a client of our own."""
    place = _find_place(context)
    if context.plan.observed["database_oid"] is None:
        return _fill_empty_place(context, place)
    with ExitStack() as stack:
        client = stack.enter_context(probe_database(place.application_url))
        client.wait_until_good(LOOK_BEFORE_S)
        swap(place.maintenance, live=place.live, side=place.side, kept=place.kept, marker=place.marker)
        client.wait_until_good(LOOK_BEFORE_S)
        gap_s = client.observe().longest_gap_s
    seen = exchanged(context)
    if seen is None:
        raise Failed("The two were exchanged, and somebody has changed their names again.", "", "Look at the server.")
    return seen | {"gap_s": gap_s, "seen_by": "seen by a client", "words": f"clients waited {show_duration(gap_s)}"}


def exchanged(context: Context[PutBack]) -> Facts | None:
    """Whether it has happened, by the names, object ids and receipt on the server."""
    place, observed = _find_place(context), context.plan.observed
    seen = observe_swap(place.maintenance, live=place.live, side=place.side, kept=place.kept, marker=place.marker)
    if seen.state is SwapState.AFTER and seen.receipt:
        return {
            "kept": place.kept,
            "swapped_at": seen.receipt.shut_at.isoformat(),
            "gap_s": seen.receipt.gap_s,
            "seen_by": "by the server's clock",
            "words": f"clients waited {show_duration(seen.receipt.gap_s)}",
        }
    if observed["database_oid"] is None and seen.live_oid == observed["kept_oid"]:
        return {"kept": None, "swapped_at": context.world.now().isoformat(), "words": "the place was empty"}
    return None


def tidy(context: Context[PutBack]) -> Facts:
    """While it was kept, the receipt of the exchange stood in the place of its comment."""
    place = _find_place(context)
    return_comment(place.maintenance, place.live)
    return {}


def _fill_empty_place(context: Context[PutBack], place: Place) -> Facts:
    with connect(place.maintenance, purpose="look at the place") as connection:
        if find_database(connection, place.live) is not None:
            raise Refused(f"Somebody has made a database {place.live} since the plan.", "Ask for a new plan.")
        traits = observe_traits(connection, find_kept(connection, place.live, place.side).name)
    try:
        put_in_empty_place(place.maintenance, place.side, place.live, traits)
    except psycopg.errors.ObjectInUse as error:
        raise Refused(
            f"Somebody is connected to {place.side}: {error}", "End that, then ask for a new plan."
        ) from error
    seen = exchanged(context)
    if seen is None:
        raise Failed(f"{place.side} was not there any more to become {place.live}.", "", "Ask for a new plan.")
    return seen


def _find_place(context: Context[PutBack]) -> Place:
    """What stands beside the live one here was not made by this run: it was kept by another."""
    return replace(find_place(context), side=context.parameters.kept)


def _describe_way_back(database: str, observed: Facts) -> str:
    if observed["database_oid"] is None:
        return f"There is no database {database} now, so nothing can be overwritten."
    return "The present database is kept as well, under the name of this run; `/dr undo` exchanges the two once more."


def _describe(parameters: PutBack, observed: Facts, live_url: str) -> list[str]:
    back = f"{parameters.kept} has its own owner ({observed['kept_owner']}), grants and settings."
    if observed["database_oid"] is None:
        return [back]
    seen = _compare_rows(live_url, replace_database(live_url, parameters.kept))
    return [*seen, back, "What the restore had brought back goes from view too; it stays in the database kept now."]


def _compare_rows(live_url: str, kept_url: str) -> list[str]:
    """By how much the two differ, where both can be counted in short time."""
    try:
        now, then = count_rows(live_url), count_rows(kept_url)
    except (Refused, Failed) as error:
        return [f"The rows of the two cannot be compared: {error.reason}"]
    lines = [
        f"{table}: {now.get(table, 0):,} rows now, {then.get(table, 0):,} in the one put back."
        for table in sorted({*now, *then})
        if now.get(table) != then.get(table)
    ]
    return lines[:TABLES_SHOWN] or ["Both have the same number of rows in every table."]


ACTION = PutBackDatabase()
