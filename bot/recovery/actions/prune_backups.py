"""Delete backups that are older than the policy keeps them, in S3 and on this machine. (Document: Manual Backups.)

The written script deletes by age alone, and would leave nothing if backups had stopped. Here the newest verified ones
stay, and nothing goes while anything about the newest is suspicious.
"""

from __future__ import annotations

from pydantic import Field

from bot.recovery.action import Action, Context, Evidence, Facts, History, Needless, Step, World
from bot.recovery.backups import READ_PERMISSIONS, bucket_of, settings_of
from bot.recovery.pruning import Pruning, contents_of, find_pruning, read_pruning
from bot.recovery.side_restore import OfDatabase
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.bucket_contents import StoredVersion
from bot.systems.dumps.listing import confirm_backup, read_manifest
from bot.systems.dumps.manifest import MANIFEST_SUFFIX
from bot.systems.local_dumps import is_there, remove_local_dump
from bot.words import show_duration, show_size

LISTED = 40


class Prune(OfDatabase):
    database: str = Field(title="Database", description="Whose old backups are deleted.")


class PruneBackups(Action[Prune]):
    name = "prune_backups"
    purpose = "Delete backups that are older than the policy keeps them"
    risk = "high"
    permissions = (
        *READ_PERMISSIONS,
        "s3:DeleteObjectVersion",
        "s3:ListBucketMultipartUploads",
        "s3:AbortMultipartUpload",
    )
    parameters = Prune

    def target(self, parameters: Prune) -> str:
        """As of a backup, so that never one is taken meanwhile."""
        return f"backup of {parameters.database}"

    def observe(self, world: World, parameters: Prune) -> Facts:
        """Every version that would go, by its id. Raises `Refused` where nothing may or need go."""
        pruning = find_pruning(world, parameters.database)
        if pruning.empty:
            raise Needless(f"No backup of {parameters.database} is old enough to be deleted.", "Nothing is to be done.")
        facts: Facts = pruning.model_dump(mode="json")
        return facts

    def plan(self, world: World, parameters: Prune, observed: Facts, history: History) -> PlanDocument:
        pruning, weekly = read_pruning(observed), world.policy.backups.manual_weekly
        count = len(pruning.disposable) + len(pruning.local)
        return self.document(
            parameters,
            observed,
            title=f"Delete {show_size(pruning.size_bytes)} of old backups of {parameters.database}",
            environment=settings_of(world, parameters.database).environment,
            loss=Loss(seconds=0, rows=0, words=f"no live data; {count} old backups or what was left of them"),
            downtime=Prediction(seconds=0, source="the database is not touched"),
            duration=history.duration or Prediction(seconds=None, source="seconds; not measured here yet"),
            way_back="None: the versions themselves are deleted, so that their space is freed; not even a bucket that "
            "keeps versions brings them back.",
            notes=[
                f"Kept: {show_duration(weekly.s3_retention)} in S3, {show_duration(weekly.local_retention)} here.",
                f"Stays in any case: {', '.join(pruning.kept)}.",
                *_list_all(world, pruning),
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """More may have become old. What is to go must not have to stay by now, and what stays must still be whole."""
        before, after = read_pruning(planned), read_pruning(now)
        doomed = {one.key for one in before.disposable}
        return [f"{key} is among the newest verified backups now" for key in after.kept if key in doomed]

    def steps(self) -> list[Step[Prune]]:
        return [
            Step("confirm", "See that the backups that stay are whole", confirm, phase="retrieval"),
            Step("delete", "Delete old backups from S3", delete, deleted),
            Step("abort", "Drop unfinished uploads", abort),
            Step("local", "Delete old dumps from this machine", delete_local),
        ]

    def verify(self, context: Context[Prune]) -> Evidence:
        pruning = read_pruning(context.plan.observed)
        left, local = _find_left(context, pruning), _count_local(pruning)
        freed = pruning.size_bytes - sum(version.size_bytes for version in left)
        confirm(context)
        verdicts = [
            Verdict(name="Backups that stay", expected="whole", found=f"{len(pruning.kept)} confirmed", good=True),
            Verdict(
                name="Deleted from S3",
                expected=f"{_count_versions(pruning)} versions of objects",
                found=f"{_count_versions(pruning) - len(left)}",
                good=not left,
            ),
            Verdict(
                name="Deleted here",
                expected=f"{len(pruning.local)} files",
                found=str(len(pruning.local) - local),
                good=local == 0,
            ),
        ]
        return Evidence(verdicts, {"freed_bytes": freed}, f"{show_size(freed)} are free again.")

    def clean_up(self, context: Context[Prune]) -> str:
        """Nothing to remove; says how far it came."""
        pruning = read_pruning(context.plan.observed)
        left = _find_left(context, pruning)
        if len(left) == _count_versions(pruning):
            return "No backup in S3 was deleted."
        gone = _count_versions(pruning) - len(left)
        rest = f"{len(left)} are left; ask for a new plan to delete those too" if left else "none of them is left"
        return f"Of the plan's versions in S3 {gone} are deleted, {rest}. The newest verified backups were not touched."


def confirm(context: Context[Prune]) -> Facts:
    """Nothing goes before it is certain what stays."""
    bucket = bucket_of(settings_of(context.world, context.parameters.database))
    kept = [read_manifest(bucket, key) for key in read_pruning(context.plan.observed).kept]
    for manifest in kept:
        confirm_backup(bucket, manifest)
    return {"words": f"{len(kept)} whole, the newest of {kept[0].snapshot_at:%d %b %H:%M} UTC"}


def delete(context: Context[Prune]) -> Facts:
    """The manifests first: half a backup must not look like one. What an earlier attempt deleted is not asked again."""
    pruning = read_pruning(context.plan.observed)
    left = _find_left(context, pruning)
    manifests_first = sorted(left, key=lambda version: not version.key.endswith(MANIFEST_SUFFIX))
    contents_of(settings_of(context.world, context.parameters.database)).delete_versions(
        manifests_first, context.cancelled
    )
    return _tell_deleted(pruning)


def deleted(context: Context[Prune]) -> Facts | None:
    """Whether none of the plan's versions is in the bucket any more."""
    pruning = read_pruning(context.plan.observed)
    return None if _find_left(context, pruning) else _tell_deleted(pruning)


def abort(context: Context[Prune]) -> Facts:
    """Those that are still there; one that is gone is no error."""
    settings = settings_of(context.world, context.parameters.database)
    contents, planned = contents_of(settings), read_pruning(context.plan.observed).uploads
    there = contents.list_uploads(settings.backups.prefix) if planned else []
    for upload in there:
        if upload in planned:
            contents.abort_upload(upload)
    return {"words": f"{len(planned)} dropped"}


def delete_local(context: Context[Prune]) -> Facts:
    """Only files that are still the same."""
    pruning = read_pruning(context.plan.observed)
    for dump in pruning.local:
        remove_local_dump(pruning.local_folder, dump)
    return {"words": f"{len(pruning.local)} deleted"}


def _find_left(context: Context[Prune], pruning: Pruning) -> list[StoredVersion]:
    settings = settings_of(context.world, context.parameters.database)
    there = {(one.key, one.version_id) for one in contents_of(settings).list_versions(settings.backups.prefix)}
    planned = (version for one in pruning.disposable for version in one.versions)
    return [version for version in planned if (version.key, version.version_id) in there]


def _count_local(pruning: Pruning) -> int:
    return sum(is_there(pruning.local_folder, dump) for dump in pruning.local)


def _count_versions(pruning: Pruning) -> int:
    return sum(len(one.versions) for one in pruning.disposable)


def _tell_deleted(pruning: Pruning) -> Facts:
    size = show_size(sum(one.size_bytes for one in pruning.disposable))
    return {"words": f"{len(pruning.disposable)} backups, {_count_versions(pruning)} versions, {size}"}


def _list_all(world: World, pruning: Pruning) -> list[str]:
    """Each with its age, objects and bytes; every single version stands in what the plan has observed."""
    now = world.now()
    lines = [
        f"{one.key} ({one.kind}): {show_duration(now - one.made_at)} old, {len(one.versions)} versions, "
        f"{one.size_bytes:,} bytes" for one in pruning.disposable
    ]  # fmt: skip
    lines += [f"{pruning.local_folder / dump.name}: {dump.size_bytes:,} bytes" for dump in pruning.local]
    lines += [f"{one.key}: upload begun {show_duration(now - one.begun_at)} ago" for one in pruning.uploads]
    return lines if len(lines) <= LISTED else [*lines[:LISTED], f"and {len(lines) - LISTED} more, all in the plan"]


ACTION = PruneBackups()
