"""Back a database up to S3 and verify the backup by reading it back. (Document: Manual Backups.)"""

from __future__ import annotations

from bot.outcome import Refused
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.backups import READ_PERMISSIONS, bucket_of, find_backup, recovery_url, settings_of
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.databases import observe_database, observe_server
from bot.systems.dumps.backup import back_up
from bot.systems.dumps.listing import confirm_backup
from bot.systems.dumps.manifest import Manifest
from bot.systems.postgres import connect
from bot.systems.restore_rights import list_lacking_rights
from bot.words import show_duration, show_size

WORK_FROM = 14


class BackUp(Parameters):
    database: str


class BackUpDatabase(Action[BackUp]):
    name = "back_up_database"
    purpose = "Take a backup of a database into S3 and verify it"
    risk = "low"
    permissions = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListBucketMultipartUploads", *READ_PERMISSIONS)
    parameters = BackUp

    def target(self, parameters: BackUp) -> str:
        return f"backup of {parameters.database}"

    def observe(self, world: World, parameters: BackUp) -> Facts:
        settings = settings_of(world, parameters.database)
        with connect(recovery_url(world.environment, parameters.database, settings), purpose="observe") as connection:
            server = observe_server(connection)
            database = observe_database(connection, parameters.database)
        if server.major < WORK_FROM:
            raise Refused(f"PostgreSQL {server.version} is older than Holdfast works with.", "14 is the oldest.")
        return {"oid": database.oid, "server_version": server.version, "size_bytes": database.size_bytes}

    def plan(self, world: World, parameters: BackUp, observed: Facts, history: History) -> PlanDocument:
        place = settings_of(world, parameters.database).backups
        return self.document(
            parameters,
            observed,
            title=f"Back up {parameters.database}",
            environment=settings_of(world, parameters.database).environment,
            loss=Loss(seconds=0, rows=0, words="nothing"),
            downtime=Prediction(seconds=0, source="the database is only read"),
            duration=history.duration or Prediction(seconds=None, source="not measured here yet"),
            way_back="Nothing is changed but for new objects in S3, which can be left or deleted.",
            notes=[f"Goes to s3://{place.bucket}/{place.prefix}, never over an object that is there."],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """A backup is of whatever is there; only another database under the name would surprise."""
        return ["the database was replaced by another one"] if planned["oid"] != now["oid"] else []

    def steps(self) -> list[Step[BackUp]]:
        return [Step("dump", "Dump, upload, read back", take, phase="retrieval")]

    def verify(self, context: Context[BackUp]) -> Evidence:
        """The objects are there in the versions that were read back."""
        database = context.parameters.database
        manifest = find_backup(context.world, database, str(context.outputs["dump"]["key"]))
        confirm_backup(bucket_of(settings_of(context.world, database)), manifest)
        rows = manifest.fingerprint.rows
        verdict = Verdict(
            name="Backup",
            expected="read back, every checksum right",
            found=f"{show_size(manifest.size_bytes)} in {len(manifest.parts)} objects, {rows:,} rows",
            good=True,
        )
        restorable = _judge_restorable(context, manifest)
        words = f"{manifest.key} can {'be restored from.' if restorable.good else 'not be restored by the bot yet.'}"
        return Evidence([verdict, restorable], {"key": manifest.key, "rows": rows}, words)


def _judge_restorable(context: Context[BackUp], manifest: Manifest) -> Verdict:
    """Whether the bot has the rights that a restore takes; better known now than when it is needed."""
    database, source = context.parameters.database, manifest.source
    url = recovery_url(context.world.environment, database, settings_of(context.world, database))
    with connect(url, purpose="verify") as connection:
        lacking = "; ".join(list_lacking_rights(connection, source.owners, source.extensions))
    without = f"yes, without its subscriptions: {', '.join(source.subscriptions)}" if source.subscriptions else "yes"
    return Verdict(name="Rights to restore it", expected="yes", found=lacking or without, good=not lacking)


def take(context: Context[BackUp]) -> Facts:
    """A run that has its manifest already returns it: taking a backup twice takes one."""
    database = context.parameters.database
    settings = settings_of(context.world, database)
    manifest = back_up(
        recovery_url(context.world.environment, database, settings),
        bucket_of(settings),
        prefix=settings.backups.prefix,
        run=context.mark,
        metadata={"backup-type": "manual"},
        storage_class=settings.backups.storage_class,
        progress=lambda phase, done, _total: context.progress(f"{phase}: {show_size(done)}"),
        cancelled=context.cancelled,
    )
    took = ", ".join(f"{name} {show_duration(seconds)}" for name, seconds in manifest.durations_s.items())
    return {"key": manifest.key, "words": f"{show_size(manifest.size_bytes)} ({took})"}


ACTION = BackUpDatabase()
