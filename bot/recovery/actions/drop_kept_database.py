"""Drop the database that a restore has kept, after a last archive of it that has been read back.

(Document: none; its procedure drops the old database first, before anything is known of the backup.)
"""

from __future__ import annotations

from pydantic import Field

from bot.outcome import Cancelled, Refused
from bot.recovery.action import Action, Context, Evidence, Facts, History, Step, World
from bot.recovery.backups import READ_PERMISSIONS, bucket_of, maintenance_url, recovery_url, settings_of
from bot.recovery.side_plan import list_moved
from bot.recovery.side_restore import OfDatabase
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.databases import find_database
from bot.systems.dumps.backup import back_up
from bot.systems.dumps.listing import confirm_backup, read_manifest
from bot.systems.dumps.manifest import Manifest
from bot.systems.fingerprints import compare_fingerprints, take_fingerprint
from bot.systems.kept_databases import check_droppable, drop_kept, exists, find_kept, list_kept
from bot.systems.postgres import connect, replace_database
from bot.systems.restore_rights import list_lacking_rights
from bot.words import cut, show_duration, show_size


class DropKept(OfDatabase):
    database: str = Field(title="Database", description="Whose exchange kept it.")
    kept: str = Field(title="Kept database", description="It is archived once more, and then dropped.")


class DropKeptDatabase(Action[DropKept]):
    name = "drop_kept_database"
    purpose = "Archive the database that a restore has kept, then drop it"
    risk = "destructive"
    permissions = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListBucketMultipartUploads", *READ_PERMISSIONS)
    parameters = DropKept

    def target(self, parameters: DropKept) -> str:
        """The database itself, so that nothing exchanges it meanwhile."""
        return parameters.database

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        """What is kept of the database, the oldest first."""
        if name != "kept":
            return None
        database = str(given.get("database", ""))
        url = maintenance_url(world.environment, database, settings_of(world, database))
        with connect(url, purpose="list kept") as connection:
            kept = list_kept(connection, database)
        return [(one.name, f"{one.name}{_show_size(one.size_bytes)}") for one in reversed(kept)]

    def observe(self, world: World, parameters: DropKept) -> Facts:
        """Read-only. Raises `Refused` while anything speaks against dropping it."""
        settings = settings_of(world, parameters.database)
        with connect(maintenance_url(world.environment, parameters.database, settings), purpose="observe") as there:
            kept = find_kept(there, parameters.database, parameters.kept)
            check_droppable(there, kept)
            live = find_database(there, parameters.database)
        if live is None:
            reason = f"There is no database {parameters.database} now; {kept.name} may be all that is left of it."
            raise Refused(reason, "Put it back, or restore a backup, before anything is dropped.")
        return {
            "kept_oid": kept.oid,
            "kept_at": kept.receipt.shut_at.isoformat(),
            "size_bytes": kept.size_bytes,
            "live_oid": live.oid,
        }

    def plan(self, world: World, parameters: DropKept, observed: Facts, history: History) -> PlanDocument:
        settings = settings_of(world, parameters.database)
        place, size_bytes = settings.backups, observed["size_bytes"]
        size = show_size(int(str(size_bytes))) if size_bytes is not None else "of unknown size"
        return self.document(
            parameters,
            observed,
            title=f"Drop {parameters.kept}",
            environment=settings.environment,
            loss=Loss(seconds=0, rows=0, words="nothing that the final archive does not have"),
            downtime=Prediction(seconds=0, source="the live database is not touched"),
            duration=history.duration or Prediction(seconds=None, source="not measured here yet"),
            way_back=f"The final archive in s3://{place.bucket}/{place.prefix}, for as long as backups are kept there.",
            confirm=parameters.kept,
            notes=[
                f"{parameters.kept} ({size}) was live until {observed['kept_at']}.",
                "Afterwards the exchange that kept it cannot be undone any more.",
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """Its size may move; which database the name means may not, nor which one is live."""
        return list_moved(planned, now, ("kept_oid", "kept_at", "live_oid"))

    def steps(self) -> list[Step[DropKept]]:
        return [
            Step("archive", "Take the final archive and read it back", archive, phase="retrieval"),
            Step("drop", "Compare it with the archive, and drop it", drop, dropped),
        ]

    def verify(self, context: Context[DropKept]) -> Evidence:
        settings, observed = settings_of(context.world, context.parameters.database), context.plan.observed
        manifest = _final_archive(context)
        with connect(_maintenance(context), purpose="verify") as connection:
            there = exists(connection, int(str(observed["kept_oid"])))
            live = find_database(connection, context.parameters.database)
        verdicts = [
            Verdict(
                name="Final archive",
                expected="read back, every checksum right",
                found=f"{show_size(manifest.size_bytes)} in {len(manifest.parts)} objects, "
                f"{manifest.fingerprint.rows:,} rows",
                good=True,
            ),
            Verdict(name="Dropped", expected="gone", found="still there" if there else "gone", good=not there),
            Verdict(
                name="Live database",
                expected=f"untouched (object id {observed['live_oid']})",
                found=f"object id {live.oid}" if live else "there is none",
                good=live is not None and live.oid == observed["live_oid"],
            ),
        ]
        place = bucket_of(settings).place(manifest.key)
        return Evidence(verdicts, {"key": manifest.key}, f"What it held can be restored from {place}.")

    def clean_up(self, context: Context[DropKept]) -> str:
        """The archive stays, if there is one: it is whole, and does no harm."""
        kept = context.parameters.kept
        if dropped(context) is not None:
            return f"{kept} has been dropped; its final archive is {context.outputs['archive']['key']}."
        key = context.outputs.get("archive", {}).get("key")
        return f"{kept} is as it was.{f' A final archive of it is in S3 all the same: {key}.' if key else ''}"


def archive(context: Context[DropKept]) -> Facts:
    """A run that has its archive already returns it: doing this twice takes one."""
    database = context.parameters.database
    settings = settings_of(context.world, database)
    manifest = back_up(
        _kept_url(context),
        bucket_of(settings),
        prefix=settings.backups.prefix,
        run=f"final-{context.mark}",
        metadata={"backup-type": "final"},
        storage_class=settings.backups.storage_class,
        progress=lambda phase, done, _total: context.progress(f"{phase}: {show_size(done)}"),
        cancelled=context.cancelled,
    )
    took = ", ".join(f"{name} {show_duration(seconds)}" for name, seconds in manifest.durations_s.items())
    return {"key": manifest.key, "words": f"{manifest.key}: {show_size(manifest.size_bytes)} ({took})"}


def drop(context: Context[DropKept]) -> Facts:
    """Only with the archive in the bucket, only the very database that the plan saw, and only as it was archived."""
    observed, manifest = context.plan.observed, _final_archive(context)
    if manifest.source.oid != observed["kept_oid"]:
        raise Refused(f"{manifest.key} is of another database than the plan's.", "Ask for a new plan.")
    _refuse_no_way_back(context, manifest)
    _compare(context, manifest)
    drop_kept(
        _maintenance(context), context.parameters.database, context.parameters.kept, int(str(observed["kept_oid"]))
    )
    return {"words": f"{manifest.fingerprint.rows:,} rows, all of them in the archive"}


def _refuse_no_way_back(context: Context[DropKept], manifest: Manifest) -> None:
    """An archive that the bot has no rights to restore is none to destroy a database for."""
    with connect(_maintenance(context), purpose="check") as connection:
        lacking = "; ".join(list_lacking_rights(connection, manifest.source.owners, manifest.source.extensions))
    if lacking:
        raise Refused(f"The bot could not restore {manifest.key}: {lacking}.", "Have that changed, then try again.")


def _compare(context: Context[DropKept], manifest: Manifest) -> None:
    """Somebody may have written into it since it was archived, be it before a crash or before a retry."""
    found = take_fingerprint(_kept_url(context), like=manifest.fingerprint, check=lambda: _stop_if_cancelled(context))
    changed = [one for one in compare_fingerprints(manifest.fingerprint, found) if not one.inconclusive]
    if changed:
        reason = (
            f"{context.parameters.kept} has changed since it was archived: {cut('; '.join(map(str, changed)), 400)}."
        )
        raise Refused(reason, "Ask for a new plan, which archives it anew.")


def _stop_if_cancelled(context: Context[DropKept]) -> None:
    if context.cancelled():
        raise Cancelled


def dropped(context: Context[DropKept]) -> Facts | None:
    """Whether the database that the plan saw is gone, whatever has its name now."""
    with connect(_maintenance(context), purpose="observe") as connection:
        return None if exists(connection, int(str(context.plan.observed["kept_oid"]))) else {}


def _final_archive(context: Context[DropKept]) -> Manifest:
    """As it is in the bucket, every part in the version that was read back."""
    bucket = bucket_of(settings_of(context.world, context.parameters.database))
    manifest = read_manifest(bucket, str(context.outputs["archive"]["key"]))
    confirm_backup(bucket, manifest)
    return manifest


def _maintenance(context: Context[DropKept]) -> str:
    database = context.parameters.database
    return maintenance_url(context.world.environment, database, settings_of(context.world, database))


def _kept_url(context: Context[DropKept]) -> str:
    database = context.parameters.database
    url = recovery_url(context.world.environment, database, settings_of(context.world, database))
    return replace_database(url, context.parameters.kept)


def _show_size(size_bytes: int | None) -> str:
    return "" if size_bytes is None else f", {show_size(size_bytes)}"


ACTION = DropKeptDatabase()
