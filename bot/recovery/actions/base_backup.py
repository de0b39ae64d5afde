"""Copy the whole server into S3: what its archived log is replayed on. (Document: Continuous Backup.)"""

from __future__ import annotations

from pydantic import Field

from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.backups import READ_PERMISSIONS, recovery_url, settings_of
from bot.recovery.physical import base_bucket
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.postgres import connect
from bot.systems.wal.base_backup import observe_source, take_base_backup
from bot.systems.wal.base_manifest import confirm_base_backup, list_base_backups
from bot.systems.wal.programs import find_server_programs
from bot.words import show_size


class OfServer(Parameters):
    database: str = Field(title="Database", description="Any database of the server that is to be copied")


class BaseBackup(Action[OfServer]):
    name = "base_backup"
    purpose = "Take a base backup of the whole server into S3, for recovery to any moment after it"
    risk = "low"
    permissions = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListBucketMultipartUploads", *READ_PERMISSIONS)
    parameters = OfServer

    def target(self, parameters: OfServer) -> str:
        return f"base backup of {parameters.database}'s server"

    def observe(self, world: World, parameters: OfServer) -> Facts:
        settings = settings_of(world, parameters.database)
        with connect(recovery_url(world.environment, parameters.database, settings), purpose="observe") as connection:
            source = observe_source(connection)
        find_server_programs(source.major)
        return {"system_identifier": str(source.system_identifier), "server_version": source.version}

    def plan(self, world: World, parameters: OfServer, observed: Facts, history: History) -> PlanDocument:
        location = world.policy.backups.base.location
        return self.document(
            parameters,
            observed,
            title=f"Take a base backup of {parameters.database}'s server",
            environment=settings_of(world, parameters.database).environment,
            loss=Loss(seconds=0, rows=0, words="nothing"),
            downtime=Prediction(seconds=0, source="the server is only read"),
            duration=history.duration or Prediction(seconds=None, source="not measured here yet"),
            way_back="Nothing is changed but for new objects in S3, which can be left or deleted.",
            notes=[
                f"Goes to {location}, never over an object that is there.",
                "It ends when the log that it needs has been archived, so that it proves the archive too.",
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """A backup is of whatever is there; only another server would surprise."""
        same = planned["system_identifier"] == now["system_identifier"]
        return [] if same else ["the server was replaced by another one"]

    def steps(self) -> list[Step[OfServer]]:
        return [Step("copy", "Copy the server, upload, read back", take, phase="retrieval")]

    def verify(self, context: Context[OfServer]) -> Evidence:
        """The object is there in the version that was read back."""
        bucket, place = base_bucket(context.world), context.world.policy.backups.base.location
        key = str(context.outputs["copy"]["key"])
        manifest = next(one for one in list_base_backups(bucket, place.prefix).backups if one.key == key)
        confirm_base_backup(bucket, manifest)
        verdict = Verdict(
            name="Base backup",
            expected="read back, every file as PostgreSQL listed it",
            found=f"{show_size(manifest.size_bytes)}, {manifest.files:,} files",
            good=True,
        )
        words = f"Moments after {manifest.ended_at:%d %b %H:%M:%S} UTC can be brought back from {manifest.key}."
        return Evidence([verdict], {"key": manifest.key, "size_bytes": manifest.size_bytes}, words)


def take(context: Context[OfServer]) -> Facts:
    """A run that has its manifest already returns it: taking a base backup twice takes one."""
    database, place = context.parameters.database, context.world.policy.backups.base.location
    manifest = take_base_backup(
        recovery_url(context.world.environment, database, settings_of(context.world, database)),
        base_bucket(context.world),
        prefix=place.prefix,
        run=context.mark,
        storage_class=place.storage_class,
        progress=lambda phase, done, _total: context.progress(f"{phase}: {show_size(done)}"),
        cancelled=context.cancelled,
    )
    return {"key": manifest.key, "words": f"{show_size(manifest.size_bytes)} of {show_size(manifest.tar_bytes)}"}


ACTION = BaseBackup()
