"""What every restore beside the live database has in common: its names, and the way home once it is filled.

An action fills `Place.side` in a step called `restore`, which gives back the new database's `oid`, and sees for itself
that the content is right. From there on all restores are the same: `steps_home`, `measure`, `clean_up`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from bot.outcome import Failed, Refused
from bot.policy import Application, Database
from bot.recovery.action import Context, Evidence, Facts, Parameters, Step
from bot.recovery.backups import maintenance_url, recovery_url, settings_of
from bot.recovery.loss import measure_loss
from bot.store.documents import Suggestion, Verdict
from bot.systems.database_swap import SwapReceipt, SwapState, carry_over, observe_swap, swap
from bot.systems.database_traits import DatabaseTraits
from bot.systems.databases import find_database
from bot.systems.postgres import connect, replace_database
from bot.systems.probe import probe_database, probe_health
from bot.systems.side_databases import drop_side, name_beside, put_in_empty_place
from bot.words import show_duration

HEALTHY_WITHIN_S = 60.0
LOOK_BEFORE_S = 5.0


class OfDatabase(Parameters):
    """Base of a restore's parameters: the name of the database that is to be brought back."""

    database: str


D = TypeVar("D", bound=OfDatabase)


@dataclass(frozen=True)
class Place:
    """The names and addresses of one restore."""

    settings: Database
    application: Application
    maintenance: str
    live: str
    side: str
    kept: str
    marker: str
    live_url: str
    application_url: str

    @property
    def side_url(self) -> str:
        """Where the restored database is until it is brought home."""
        return replace_database(self.live_url, self.side)

    @property
    def kept_url(self) -> str:
        """Where the database before it is afterwards."""
        return replace_database(self.live_url, self.kept)


def find_place(context: Context[D]) -> Place:
    """Names carry the run's number, so that what is there can be told apart after a crash."""
    world, database = context.world, context.parameters.database
    settings = settings_of(world, database)
    live_url = recovery_url(world.environment, database, settings)
    return Place(
        settings=settings,
        application=world.policy.applications[settings.application],
        maintenance=maintenance_url(world.environment, database, settings),
        live=database,
        side=name_beside(database, f"restore_run{context.run_id}"),
        kept=name_beside(database, f"before_run{context.run_id}"),
        marker=context.mark,
        live_url=live_url,
        application_url=world.environment.get(settings.connection_env) or live_url,
    )


def refuse_kept(place: Place) -> None:
    """Before anything is made: the name under which the present database will be kept must be free."""
    with connect(place.maintenance, purpose="preflight") as connection:
        if find_database(connection, place.kept) is not None:
            raise Refused(f"There is a database {place.kept} already.", "Rename or drop it, then ask for a new plan.")


def steps_home(traits: Callable[[Context[D]], DatabaseTraits]) -> list[Step[D]]:
    """The last steps: carry over, exchange, wait for the application.

    `traits` are for a place that was found empty: owner, grants and settings as the source of the data had them.
    """
    return [
        Step("prepare", "Carry over owner, grants and settings", prepare),
        Step(
            "swap", "Put it in the live one's place, keeping the old one", partial(exchange, traits=traits), swapped,
            cancellable=False,
        ),
        Step("application", "Wait until the application is healthy", wait_healthy, phase="restart", cancellable=False),
    ]  # fmt: skip


def prepare(context: Context[D]) -> Facts:
    """A dump leaves out what belongs to the database itself."""
    place = find_place(context)
    if context.plan.observed["database_oid"] is not None:
        carry_over(place.maintenance, live=place.live, side=place.side)
    return {}


def exchange(context: Context[D], *, traits: Callable[[Context[D]], DatabaseTraits]) -> Facts:
    """The moment that clients notice; watched by a client of our own."""
    place = find_place(context)
    if context.plan.observed["database_oid"] is None:
        return _fill_empty_place(context, place, traits(context))
    with ExitStack() as stack:
        client = stack.enter_context(probe_database(place.application_url))
        client.wait_until_good(LOOK_BEFORE_S)
        receipt = swap(place.maintenance, live=place.live, side=place.side, kept=place.kept, marker=place.marker)
        client.wait_until_good(LOOK_BEFORE_S)
        gap_s = client.observe().longest_gap_s
    return _facts_of(receipt, gap_s, place.kept)


def swapped(context: Context[D]) -> Facts | None:
    """Whether the exchange has happened, by the names, ids and receipt on the server."""
    place = find_place(context)
    seen = observe_swap(place.maintenance, live=place.live, side=place.side, kept=place.kept, marker=place.marker)
    if seen.state is SwapState.AFTER and seen.receipt:
        return _facts_of(seen.receipt, None, place.kept)
    ours = context.outputs.get("restore", {}).get("oid")
    if context.plan.observed["database_oid"] is None and seen.live_oid is not None and seen.live_oid == ours:
        return {"swapped_at": context.world.now().isoformat(), "words": "the place was empty"}
    return None


def wait_healthy(context: Context[D]) -> Facts:
    """An application that does not come back is a verdict of the proof, not a reason to undo the restore."""
    application = find_place(context).application
    url = f"{str(application.url).rstrip('/')}{application.health_path}"
    with probe_health(url) as probe:
        healthy = probe.wait_until_good(HEALTHY_WITHIN_S)
    return {"healthy": healthy, "url": url, "words": "healthy" if healthy else f"not healthy at {url}"}


def measure(context: Context[D], *, back_to: datetime, content: list[Verdict]) -> Evidence:
    """What clients saw and what was really lost, after the action's own verdicts on the `content`.

    `back_to` is the moment (UTC) whose state was brought back.
    """
    place, exchanged, application = find_place(context), context.outputs["swap"], context.outputs["application"]
    lost = measure_loss(place.kept_url, place.settings, back_to, datetime.fromisoformat(str(exchanged["swapped_at"])))
    limit = context.world.policy.rpo[place.settings.rpo].target
    verdicts = [
        *content,
        Verdict(
            name="Application", expected="healthy", found=str(application["words"]), good=application["healthy"] is True
        ),
        Verdict(
            name="Data loss",
            expected="any" if limit is None else f"RPO {show_duration(limit)}",
            found=lost.words,
            good=limit is None or (lost.seconds is not None and lost.seconds <= limit.total_seconds()),
        ),
    ]
    measured: Facts = {"loss": lost.words, "loss_s": lost.seconds, "loss_rows": lost.rows}
    if (gap_s := exchanged.get("gap_s")) is not None:
        seen = f"{show_duration(float(str(gap_s)))} {exchanged['seen_by']}"
        verdicts.append(
            Verdict(name="Downtime of the exchange", expected="under 5 s", found=seen, good=float(str(gap_s)) < 5)
        )
        measured |= {"downtime": seen, "downtime_s": gap_s}
    return Evidence(verdicts, measured, _tell_kept(context, place))


def clean_up(context: Context[D]) -> str:
    """Drop what was restored beside, unless it has become the live database. Returns what is true now."""
    place = find_place(context)
    if swapped(context) is not None:
        return f"The restored database is live as {place.live}. {_tell_kept(context, place)}"
    dropped = drop_side(place.maintenance, place.side)
    return f"{place.live} was never touched.{f' {place.side} was dropped again.' if dropped else ''}"


def put_back(parameters: OfDatabase, outputs: dict[str, Facts]) -> Suggestion | None:
    """The way back: exchange the database with the one that was kept; None where there was none to keep."""
    kept = outputs["swap"].get("kept")
    if kept is None:
        return None
    given: Facts = {"database": parameters.database, "kept": kept}
    return Suggestion(action="put_back_database", label=f"Put back {kept}", parameters=given)


def _fill_empty_place(context: Context[D], place: Place, traits: DatabaseTraits) -> Facts:
    with connect(place.maintenance, purpose="look at the place") as connection:
        if find_database(connection, place.live) is not None:
            raise Refused(f"Somebody has made a database {place.live} since the plan.", "Ask for a new plan.")
    put_in_empty_place(place.maintenance, place.side, place.live, traits)
    facts = swapped(context)
    if facts is None:
        raise Failed(f"{place.side} was not there any more to become {place.live}.", "", "Ask for a new plan.")
    return facts


def _tell_kept(context: Context[D], place: Place) -> str:
    if context.plan.observed["database_oid"] is None:
        return "There was none before it to be kept."
    return f"The database before it is kept as {place.kept}."


def _facts_of(receipt: SwapReceipt, client_gap_s: float | None, kept: str) -> Facts:
    """Downtime as a client saw it; where the watching client died with the bot, as the server wrote it down."""
    gap_s = receipt.gap_s if client_gap_s is None else client_gap_s
    seen_by = "by the server's clock" if client_gap_s is None else "seen by a client"
    return {
        "swapped_at": receipt.shut_at.isoformat(),
        "kept": kept,
        "gap_s": gap_s,
        "seen_by": seen_by,
        "words": f"clients waited {show_duration(gap_s)}",
    }
