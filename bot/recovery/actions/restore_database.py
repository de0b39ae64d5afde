"""Bring a database back from a verified backup: restored beside the live one, compared, and put in its place.

(Document: Restore from pg_dump Backup. The written procedure drops the live database first; this one keeps it.)
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.outcome import Failed, Refused
from bot.policy import Application, Database
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.backups import (
    READ_PERMISSIONS,
    bucket_of,
    find_backup,
    find_backups,
    maintenance_url,
    recovery_url,
    settings_of,
)
from bot.recovery.loss import measure_loss, predict_loss
from bot.store.documents import PlanDocument, Prediction, Verdict
from bot.systems.database_swap import SwapReceipt, SwapState, carry_over, observe_swap, swap
from bot.systems.databases import find_database, observe_database, observe_server
from bot.systems.dumps.listing import confirm_backup
from bot.systems.dumps.manifest import Manifest
from bot.systems.dumps.restore import check_server, restore_archive
from bot.systems.fingerprints import compare_fingerprints, take_fingerprint
from bot.systems.postgres import connect, replace_database
from bot.systems.probe import probe_database, probe_health
from bot.systems.side_databases import create_afresh, drop_side, name_beside, put_in_empty_place
from bot.words import cut, show_duration, show_size

HEALTHY_WITHIN_S = 60.0
LOOK_BEFORE_S = 5.0
DIFFERENCES_SHOWN = 5


class Restore(Parameters):
    database: str
    backup: str


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
        return replace_database(self.live_url, self.side)

    @property
    def kept_url(self) -> str:
        return replace_database(self.live_url, self.kept)


def find_place(context: Context[Restore]) -> Place:
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


class RestoreDatabase(Action[Restore]):
    name = "restore_database"
    purpose = "Bring a database back from a verified backup, keeping the present one"
    risk = "destructive"
    permissions = READ_PERMISSIONS
    parameters = Restore

    def target(self, parameters: Restore) -> str:
        return parameters.database

    def disaster(self, world: World, parameters: Restore) -> str | None:
        return settings_of(world, parameters.database).disaster

    def observe(self, world: World, parameters: Restore) -> Facts:
        """Read-only; the live database may be gone, which is when a restore is needed most."""
        settings = settings_of(world, parameters.database)
        manifest = find_backup(world, parameters.database, parameters.backup)
        confirm_backup(bucket_of(settings), manifest)
        with connect(
            maintenance_url(world.environment, parameters.database, settings), purpose="observe"
        ) as connection:
            server = observe_server(connection)
            live = find_database(connection, parameters.database)
        newest = find_backups(world, parameters.database).backups[0]
        return {
            "database_oid": live.oid if live else None,
            "database_owner": live.owner if live else None,
            "size_bytes": live.size_bytes if live else None,
            "server_version": server.version,
            "backup": manifest.key,
            "backup_versions": [part.version_id for part in manifest.parts],
            "backup_taken_at": manifest.snapshot_at.isoformat(),
            "newest_backup": newest.key,
        }

    def plan(self, world: World, parameters: Restore, observed: Facts, history: History) -> PlanDocument:
        settings = settings_of(world, parameters.database)
        manifest = find_backup(world, parameters.database, parameters.backup)
        with connect(maintenance_url(world.environment, parameters.database, settings), purpose="check") as connection:
            check_server(connection, manifest)
        there = observed["database_oid"] is not None
        return PlanDocument(
            action=self.name,
            title=f"Restore {parameters.database}",
            risk=self.risk,
            target=parameters.database,
            parameters=parameters.model_dump(mode="json"),
            observed=observed,
            steps=[step.planned for step in self.steps()],
            loss=predict_loss(
                recovery_url(world.environment, parameters.database, settings), settings, manifest, world.now()
            ),
            downtime=_predict_downtime(history, there),
            duration=history.duration
            or Prediction(seconds=settings.expected_restore.total_seconds(), source="the policy's figure"),
            way_back=_describe_way_back(parameters.database, there),
            confirm=parameters.database,
            back_to=manifest.snapshot_at,
            notes=_describe_backup(manifest, str(observed["newest_backup"])),
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """Size and server may move; the database, its owner, the backup, and that it is the newest may not."""
        matters = ("database_oid", "database_owner", "backup_versions", "newest_backup")
        return [
            f"{name.replace('_', ' ')} was {planned[name]}, is {now[name]}"
            for name in matters
            if planned[name] != now[name]
        ]

    def steps(self) -> list[Step[Restore]]:
        return [
            Step("preflight", "Check backup, server, roles and space", preflight, phase="retrieval"),
            Step("restore", "Restore beside the live database", restore),
            Step("compare", "Compare every table with the backup's manifest", compare),
            Step("prepare", "Carry over owner, grants and settings", prepare),
            Step("swap", "Put it in the live one's place, keeping the old one", exchange, swapped, cancellable=False),
            Step(
                "application", "Wait until the application is healthy", wait_healthy, phase="restart", cancellable=False
            ),
        ]

    def verify(self, context: Context[Restore]) -> Evidence:
        return measure(context)

    def clean_up(self, context: Context[Restore]) -> str:
        """Drop what was restored beside, unless it has become the live database."""
        place = find_place(context)
        if swapped(context) is not None:
            return f"The restored database is live as {place.live}. {_tell_kept(context, place)}"
        dropped = drop_side(place.maintenance, place.side)
        return f"{place.live} was never touched.{f' {place.side} was dropped again.' if dropped else ''}"


def preflight(context: Context[Restore]) -> Facts:
    """Everything that would make it fail later, before anything is made."""
    place, manifest = find_place(context), _manifest(context)
    confirm_backup(bucket_of(place.settings), manifest)
    with connect(place.maintenance, purpose="preflight") as connection:
        check_server(connection, manifest)
        if find_database(connection, place.kept) is not None:
            raise Refused(f"There is a database {place.kept} already.", "Rename or drop it, then ask for a new plan.")
    size = show_size(manifest.size_bytes)
    return {"words": f"{size} in {len(manifest.parts)} objects, {manifest.fingerprint.rows:,} rows"}


def restore(context: Context[Restore]) -> Facts:
    """Always from the start: half a database of an attempt that was cut off is dropped."""
    place, manifest = find_place(context), _manifest(context)
    create_afresh(place.maintenance, place.side, manifest.source)
    with connect(place.maintenance, purpose="observe") as connection:
        oid = observe_database(connection, place.side).oid
    report = restore_archive(
        place.side_url,
        bucket_of(place.settings),
        manifest,
        progress=lambda phase, done, total: context.progress(_progress(phase, done, total)),
        cancelled=context.cancelled,
    )
    took = ", ".join(f"{phase} {show_duration(seconds)}" for phase, seconds in report.durations_s.items())
    return {"oid": oid, "words": took}


def compare(context: Context[Restore]) -> Facts:
    """Counts and checksums of everything against the manifest; one difference ends the run here."""
    place, expected = find_place(context), _manifest(context).fingerprint
    found = take_fingerprint(place.side_url, like=expected)
    differences = compare_fingerprints(expected, found)
    if any(not one.inconclusive for one in differences):
        shown = "; ".join(map(str, differences[:DIFFERENCES_SHOWN]))
        raise Failed(f"What was restored is not what was backed up: {cut(shown, 800)}.", "", "Choose another backup.")
    return {
        "tables": len(expected.tables),
        "rows_expected": expected.rows,
        "rows_found": found.rows,
        "sequences": len(expected.sequences),
        "inconclusive": [str(one) for one in differences],
        "words": f"{len(expected.tables)} tables, {found.rows:,} rows, all as expected",
    }


def prepare(context: Context[Restore]) -> Facts:
    """A dump leaves out what belongs to the database itself."""
    place = find_place(context)
    if context.plan.observed["database_oid"] is not None:
        carry_over(place.maintenance, live=place.live, side=place.side)
    return {}


def exchange(context: Context[Restore]) -> Facts:
    """The moment that clients notice; watched by a client of our own."""
    place = find_place(context)
    if context.plan.observed["database_oid"] is None:
        return _fill_empty_place(context, place)
    with ExitStack() as stack:
        client = stack.enter_context(probe_database(place.application_url))
        client.wait_until_good(LOOK_BEFORE_S)
        receipt = swap(place.maintenance, live=place.live, side=place.side, kept=place.kept, marker=place.marker)
        client.wait_until_good(LOOK_BEFORE_S)
        gap_s = client.observe().longest_gap_s
    return _facts_of(receipt, gap_s)


def _fill_empty_place(context: Context[Restore], place: Place) -> Facts:
    with connect(place.maintenance, purpose="look at the place") as connection:
        if find_database(connection, place.live) is not None:
            raise Refused(f"Somebody has made a database {place.live} since the plan.", "Ask for a new plan.")
    put_in_empty_place(place.maintenance, place.side, place.live, _manifest(context).source.traits)
    facts = swapped(context)
    if facts is None:
        raise Failed(f"{place.side} was not there any more to become {place.live}.", "", "Ask for a new plan.")
    return facts


def swapped(context: Context[Restore]) -> Facts | None:
    """Whether the exchange has happened, by the names, ids and receipt on the server."""
    place = find_place(context)
    seen = observe_swap(place.maintenance, live=place.live, side=place.side, kept=place.kept, marker=place.marker)
    if seen.state is SwapState.AFTER and seen.receipt:
        return _facts_of(seen.receipt, None)
    ours = context.outputs.get("restore", {}).get("oid")
    if context.plan.observed["database_oid"] is None and seen.live_oid is not None and seen.live_oid == ours:
        return {"swapped_at": context.world.now().isoformat(), "words": "the place was empty"}
    return None


def wait_healthy(context: Context[Restore]) -> Facts:
    """An application that does not come back is a verdict of the proof, not a reason to undo the restore."""
    application = find_place(context).application
    url = f"{str(application.url).rstrip('/')}{application.health_path}"
    with probe_health(url) as probe:
        healthy = probe.wait_until_good(HEALTHY_WITHIN_S)
    return {"healthy": healthy, "url": url, "words": "healthy" if healthy else f"not healthy at {url}"}


def measure(context: Context[Restore]) -> Evidence:
    """What was expected and found, what clients saw, and what was really lost."""
    place, manifest = find_place(context), _manifest(context)
    checked, exchanged, application = (context.outputs[name] for name in ("compare", "swap", "application"))
    swapped_at = datetime.fromisoformat(str(exchanged["swapped_at"]))
    lost = measure_loss(place.kept_url, place.settings, manifest, swapped_at)
    limit = context.world.policy.rpo[place.settings.rpo].target
    gap_s = exchanged.get("gap_s")
    verdicts = [
        Verdict(
            name="Rows",
            expected=f"{int(str(checked['rows_expected'])):,} in {checked['tables']} tables, as the manifest says",
            found=f"{int(str(checked['rows_found'])):,}, checksums equal",
            good=checked["rows_expected"] == checked["rows_found"],
        ),
        Verdict(
            name="Application",
            expected="healthy",
            found=str(application["words"]),
            good=application["healthy"] is True,
        ),
        Verdict(
            name="Data loss",
            expected="any" if limit is None else f"RPO {show_duration(limit)}",
            found=lost.words,
            good=limit is None or (lost.seconds is not None and lost.seconds <= limit.total_seconds()),
        ),
    ]
    measured: Facts = {"loss": lost.words, "loss_s": lost.seconds, "loss_rows": lost.rows}
    if gap_s is not None:
        seen = f"{show_duration(float(str(gap_s)))} {exchanged['seen_by']}"
        verdicts.append(
            Verdict(name="Downtime of the exchange", expected="under 5 s", found=seen, good=float(str(gap_s)) < 5)
        )
        measured |= {"downtime": seen, "downtime_s": gap_s}
    return Evidence(verdicts, measured, _tell_kept(context, place))


def _tell_kept(context: Context[Restore], place: Place) -> str:
    if context.plan.observed["database_oid"] is None:
        return "There was none before it to be kept."
    return f"The database before it is kept as {place.kept}."


def _manifest(context: Context[Restore]) -> Manifest:
    return find_backup(context.world, context.parameters.database, context.parameters.backup)


def _facts_of(receipt: SwapReceipt, client_gap_s: float | None) -> Facts:
    """Downtime as a client saw it; where the watching client died with the bot, as the server wrote it down."""
    gap_s = receipt.gap_s if client_gap_s is None else client_gap_s
    seen_by = "by the server's clock" if client_gap_s is None else "seen by a client"
    return {
        "swapped_at": receipt.shut_at.isoformat(),
        "gap_s": gap_s,
        "seen_by": seen_by,
        "words": f"clients waited {show_duration(gap_s)}",
    }


def _predict_downtime(history: History, there: bool) -> Prediction:
    if not there:
        return Prediction(seconds=None, source="it is down now; until this run is done")
    return history.downtime or Prediction(seconds=None, source="well under a second; not measured here yet")


def _describe_way_back(database: str, there: bool) -> str:
    if not there:
        return f"There is no database {database} now, so nothing can be overwritten."
    return f"The present database is kept as {database}_before_run…; exchanging the names again undoes this."


def _describe_backup(manifest: Manifest, newest: str) -> list[str]:
    notes = [f"From {manifest.key}: {manifest.fingerprint.rows:,} rows, {show_size(manifest.size_bytes)}."]
    if manifest.key != newest:
        notes.append(f"This is not the newest backup; that is {newest}.")
    return notes


def _progress(phase: Literal["pre-data", "data", "post-data"] | str, done: int, total: int | None) -> str:
    return f"{phase} {100 * done // total} %" if total else phase


ACTION = RestoreDatabase()
