"""Bring a database back to a moment: its server is rebuilt beside from a base backup and the archived log up to there,
and the database is copied home, compared, and put in the live one's place.

(Document: Restore from WAL Archives, Point-in-Time Recovery. Self-managed servers; RDS has an action of its own.)
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from pydantic import Field, field_validator

from bot.outcome import Failed
from bot.policy import Policy
from bot.recovery.action import Action, Context, Evidence, Facts, History, Step, World
from bot.recovery.backups import READ_PERMISSIONS, recovery_url, settings_of
from bot.recovery.loss import predict_loss
from bot.recovery.physical import (
    base_bucket,
    choose_recoverable,
    find_backups_of,
    observe_live_log,
    restore_folder,
    side_cluster_of,
)
from bot.recovery.side_plan import LIVE_MATTERS, describe_way_back, list_moved, observe_live, predict_downtime
from bot.recovery.side_restore import OfDatabase, clean_up, find_place, measure, put_back, refuse_kept, steps_home
from bot.recovery.touched import touch_database
from bot.store.documents import PlanDocument, Prediction, Suggestion, Verdict
from bot.systems.database_traits import DatabaseTraits, observe_traits
from bot.systems.databases import create_beside, observe_database
from bot.systems.dumps.watch import Watch
from bot.systems.fingerprints import compare_fingerprints, take_fingerprint
from bot.systems.postgres import connect
from bot.systems.side_databases import drop_side
from bot.systems.wal.base_manifest import BaseManifest
from bot.systems.wal.closing import close_segment
from bot.systems.wal.copying import copy_database
from bot.systems.wal.fetching import check_space, estimate_segments, fetch_base, fetch_wal
from bot.systems.wal.recoverable import Recoverable
from bot.systems.wal.side_cluster import SideCluster
from bot.words import cut, show_duration, show_size

DIFFERENCES_SHOWN = 5
# The rebuilt server, and the database once more while it is copied out of it.
SPACE_PER_TAR_BYTE = 2
CLOCKS_DIFFER = timedelta(seconds=2)


class RestoreToTime(OfDatabase):
    at: datetime = Field(
        title="Moment", description="Everything that was committed up to then is brought back; what came later is not"
    )

    @field_validator("at")
    @classmethod
    def check_zone(cls, moment: datetime) -> datetime:
        """A moment without its zone would be another one for every reader."""
        if moment.tzinfo is None:
            raise ValueError("needs a time zone, as in 2026-11-23T10:29:00Z")
        return moment.astimezone(UTC)


class RestoreDatabaseToTime(Action[RestoreToTime]):
    name = "restore_to_time"
    purpose = "Bring a database back to a moment, from a base backup and the archived log, keeping the present one"
    risk = "destructive"
    permissions = READ_PERMISSIONS
    parameters = RestoreToTime

    def target(self, parameters: RestoreToTime) -> str:
        return parameters.database

    def touches(self, policy: Policy, parameters: RestoreToTime) -> frozenset[str]:
        return touch_database(policy, parameters.database)

    def application(self, world: World, parameters: RestoreToTime) -> str | None:
        return settings_of(world, parameters.database).application

    def disaster(self, world: World, parameters: RestoreToTime) -> str | None:
        return settings_of(world, parameters.database).disaster

    def observe(self, world: World, parameters: RestoreToTime) -> Facts:
        """Read-only. Refused where the moment cannot be reached, with the earliest and the latest that can."""
        live = observe_live(world, parameters.database)
        log = observe_live_log(world, parameters.database)
        found = choose_recoverable(world, log, parameters.at, may_grow=log.can_grow)
        segments = estimate_segments(find_backups_of(world, log).archive, found.wanted)
        return {
            **live,
            "system_identifier": str(log.system_identifier),
            "base_backup": found.base.key,
            "base_version": found.base.version_id,
            "base_bytes": found.base.size_bytes,
            "base_ended_at": found.base.ended_at.isoformat(),
            "log_bytes": len(segments) * found.base.segment_bytes,
            "latest": found.latest.isoformat(),
        }

    def plan(self, world: World, parameters: RestoreToTime, observed: Facts, history: History) -> PlanDocument:
        settings = settings_of(world, parameters.database)
        at = parameters.at
        return self.document(
            parameters,
            observed,
            title=f"Restore {parameters.database} to {at:%d %b %H:%M:%S} UTC",
            environment=settings.environment,
            loss=predict_loss(
                recovery_url(world.environment, parameters.database, settings), settings, at, world.now()
            ),
            downtime=predict_downtime(history, observed),
            duration=history.duration
            or Prediction(seconds=settings.expected_restore.total_seconds(), source="the policy's figure"),
            way_back=describe_way_back(parameters.database, observed),
            confirm=parameters.database,
            back_to=at,
            notes=_describe_source(world, at, observed),
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """The archive grows all the time; the server, the database, its owner and the base backup may not move."""
        return list_moved(planned, now, (*LIVE_MATTERS, "system_identifier", "base_backup", "base_version"))

    def steps(self) -> list[Step[RestoreToTime]]:
        return [
            Step("preflight", "Check backup, log, programs and space", preflight, phase="retrieval"),
            Step("close", "Have the log archived up to the moment", close, phase="retrieval"),
            Step("fetch", "Fetch the base backup and the log", fetch, phase="retrieval"),
            Step("recover", "Replay the log up to the moment, on a server of its own", recover),
            Step("restore", "Copy the database beside the live one", restore),
            Step("compare", "Compare every table with the restored server", compare),
            *steps_home(_traits),
            Step("remove", "Remove the restored server", remove, phase="validation", cancellable=False),
        ]

    def verify(self, context: Context[RestoreToTime]) -> Evidence:
        """What a restore proves, and that the recovery stopped where it should."""
        checked, reached = context.outputs["compare"], context.outputs["recover"]
        rows = Verdict(
            name="Rows",
            expected=f"{checked['rows']:,} in {checked['tables']} tables, as on the restored server",
            found=f"{checked['rows']:,}, checksums equal",
            good=True,
        )
        at = context.parameters.at
        moment = Verdict(
            name="Moment",
            expected=f"all up to {at:%H:%M:%S.%f} UTC and nothing after it",
            found=str(reached["words"]),
            good=True,  # the server does not open before it has come there
        )
        return measure(context, back_to=at, content=[moment, rows])

    def undo(self, parameters: RestoreToTime, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        return put_back(parameters, outputs)

    def clean_up(self, context: Context[RestoreToTime]) -> str:
        """Remove the restored server, and what was copied from it unless that is live by now."""
        removed = _side_folder(context).remove() if "base" in context.outputs.get("preflight", {}) else False
        return f"{clean_up(context)}{' The restored server was removed.' if removed else ''}"


def preflight(context: Context[RestoreToTime]) -> Facts:
    """Everything that would make it fail later, before anything is made."""
    world, observed = context.world, context.plan.observed
    found = _choose(context, may_grow=True)
    cluster = side_cluster_of(world.environment, context.mark, found.base)
    needed = found.base.tar_bytes * SPACE_PER_TAR_BYTE + int(str(observed["log_bytes"]))
    check_space(cluster.folder, needed)
    refuse_kept(find_place(context))
    words = f"{show_size(found.base.size_bytes)} and about {show_size(int(str(observed['log_bytes'])))} of log"
    return {"base": found.base.model_dump(mode="json"), "words": words}


def close(context: Context[RestoreToTime]) -> Facts:
    """Only where the moment lies behind the newest transaction in the archive; once more does no harm."""
    if _choose(context, may_grow=True).latest >= context.parameters.at:
        return {"words": "the archive has it already"}
    with connect(find_place(context).maintenance, purpose="close segment") as connection:
        name = close_segment(connection, context.cancelled)
    return {"segment": name, "words": f"{name} was archived"}


def fetch(context: Context[RestoreToTime]) -> Facts:
    """Always from the start: what an attempt that was cut off has left is removed."""
    cluster = _side_folder(context)
    found = _choose(context, may_grow=False)
    watch = Watch(lambda phase, done, _total: context.progress(f"{phase}: {show_size(done)}"), context.cancelled)
    cluster.make_folder()
    fetch_base(base_bucket(context.world), found.base, cluster.data, watch)
    archive = find_backups_of(context.world, observe_live_log(context.world, context.parameters.database)).archive
    segments, stop = fetch_wal(archive, found.wanted, cluster.wal, cluster.bindir, watch)
    cluster.configure(stop)
    took = ", ".join(f"{phase} {show_duration(seconds)}" for phase, seconds in watch.durations_s.items())
    return {
        "segments": len(segments),
        "last": stop.last.at.isoformat() if stop.last else None,
        "following": stop.following.at.isoformat() if stop.following else None,
        "words": f"{len(segments)} segments of log ({took})",
    }


def recover(context: Context[RestoreToTime]) -> Facts:
    """A recovery that was cut off goes on where it was; one that was finished opens at once."""
    cluster, database = _side_folder(context), context.parameters.database
    with cluster.running(told=context.progress, cancelled=context.cancelled):
        reached = cluster.reached()
        cluster.require(database)
        with cluster.connect("postgres") as connection:
            traits = observe_traits(connection, database)
    if reached.last_commit is not None and reached.last_commit > context.parameters.at:
        raise Failed(f"The recovery went too far, to {reached.last_commit:%H:%M:%S.%f} UTC.", "", "Retry the run.")
    return {
        "timeline": reached.timeline,
        "stopped": reached.reason,
        "traits": json.loads(traits.model_dump_json()),
        "words": _describe_stop(context.outputs["fetch"]),
    }


def _describe_stop(fetched: Facts) -> str:
    """Between which transactions it stopped."""
    last, following = (
        datetime.fromisoformat(str(fetched[name])) if fetched[name] else None for name in ("last", "following")
    )
    before = f"the last transaction ended at {last:%H:%M:%S.%f}" if last else "no transaction since the base backup"
    after = f"the first after it at {following:%H:%M:%S.%f}" if following else "the last one in the archive"
    return f"{before}, {after} UTC"


def restore(context: Context[RestoreToTime]) -> Facts:
    """Always from the start: half a database of an attempt that was cut off is dropped."""
    cluster, place = _side_folder(context), find_place(context)
    drop_side(place.maintenance, place.side)
    with cluster.running(cancelled=context.cancelled):
        with cluster.connect("postgres") as source, connect(place.maintenance, purpose="create beside") as maintenance:
            create_beside(maintenance, place.side, like=observe_database(source, place.live))
            oid = observe_database(maintenance, place.side).oid
        copy_database(
            cluster.url(place.live), place.side_url, cluster.work / "copy", cluster.bindir,
            told=context.progress, cancelled=context.cancelled,
        )  # fmt: skip
    return {"oid": oid}


def compare(context: Context[RestoreToTime]) -> Facts:
    """Counts and checksums of everything against the restored server; one difference ends the run here."""
    cluster, place = _side_folder(context), find_place(context)
    with cluster.running(cancelled=context.cancelled):
        expected = take_fingerprint(cluster.url(place.live))
    found = take_fingerprint(place.side_url, like=expected)
    differences = compare_fingerprints(expected, found)
    if any(not one.inconclusive for one in differences):
        shown = "; ".join(map(str, differences[:DIFFERENCES_SHOWN]))
        raise Failed(f"What was copied is not what was recovered: {cut(shown, 800)}.", "", "Retry the run.")
    return {
        "tables": len(expected.tables),
        "rows": found.rows,
        "inconclusive": [str(one) for one in differences],
        "words": f"{len(expected.tables)} tables, {found.rows:,} rows, all as recovered",
    }


def remove(context: Context[RestoreToTime]) -> Facts:
    """It was needed only to copy from."""
    return {"words": "removed" if _side_folder(context).remove() else "it was removed already"}


def _choose(context: Context[RestoreToTime], *, may_grow: bool) -> Recoverable:
    log = observe_live_log(context.world, context.parameters.database)
    return choose_recoverable(context.world, log, context.parameters.at, may_grow=may_grow and log.can_grow)


def _side_folder(context: Context[RestoreToTime]) -> SideCluster:
    base = BaseManifest.model_validate(context.outputs["preflight"]["base"])
    return side_cluster_of(context.world.environment, context.mark, base)


def _traits(context: Context[RestoreToTime]) -> DatabaseTraits:
    return DatabaseTraits.model_validate(context.outputs["recover"]["traits"])


def _describe_source(world: World, at: datetime, observed: Facts) -> list[str]:
    ended_at = datetime.fromisoformat(str(observed["base_ended_at"]))
    latest = datetime.fromisoformat(str(observed["latest"]))
    base, log = (show_size(int(str(observed[name]))) for name in ("base_bytes", "log_bytes"))
    folder = restore_folder(world.environment)
    replayed = show_duration(at - ended_at)
    notes = [
        f"From the base backup of {ended_at:%d %b %H:%M:%S} UTC ({base}) and {replayed} of log (about {log}).",
        f"The server is rebuilt in {folder} and removed afterwards; the live one stays up meanwhile.",
    ]
    if at > latest:
        notes.append(f"The archive ends at {latest:%H:%M:%S} UTC: the run first has the server archive the rest.")
    return notes


ACTION = RestoreDatabaseToTime()
