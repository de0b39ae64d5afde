"""Back up the code to S3: the whole repository as a bundle, and its main branch as the archive that is deployed.

(Document: Deployment from Backup, which takes code/latest.tar.gz and does not say who puts it there.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.outcome import Failed
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.code_archive import READ_PERMISSIONS, code_bucket, latest_key, read_archive
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.archives import ArchiveExists, ArchiveVanished, Stored
from bot.systems.repositories import RepositoryUnreachable, copy_repository, list_heads, read_bundle
from bot.words import show_size

PIECE = 1024 * 1024


class Nothing(Parameters):
    """There is one repository and one place for it."""


class BackUpCode(Action[Nothing]):
    name = "back_up_code"
    purpose = "Back up the repository and its main branch to S3"
    risk = "low"
    permissions = (
        "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListBucketMultipartUploads", "s3:ListBucket",
        "s3:GetBucketVersioning", *READ_PERMISSIONS,
    )  # fmt: skip
    parameters = Nothing

    def target(self, parameters: Nothing) -> str:
        return "code archive"

    def observe(self, world: World, parameters: Nothing) -> Facts:
        """The primary repository, or its mirror where that does not answer."""
        which, address = find_source(world)
        heads, versions = len(list_heads(address)), code_bucket(world).keeps_versions()
        return {"from": which, "address": address, "heads": heads, "versions": versions}

    def plan(self, world: World, parameters: Nothing, observed: Facts, history: History) -> PlanDocument:
        return self.document(
            parameters,
            observed,
            title="Back up the code",
            loss=Loss(seconds=0, rows=0, words="nothing"),
            downtime=Prediction(seconds=0, source="nothing is interrupted"),
            duration=history.duration or Prediction(seconds=None, source="not measured here yet"),
            way_back=describe_way_back(world, observed),
            notes=[
                f"{observed['heads']} branches and tags of the {observed['from']}, {observed['address']}.",
                f"Goes to {world.policy.infrastructure.code.archive}, and after that to {latest_key(world)}.",
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """A backup is of whatever is there; what was promised of the one before has to hold."""
        return ["the bucket keeps no versions any more"] if planned["versions"] and not now["versions"] else []

    def steps(self) -> list[Step[Nothing]]:
        return [
            Step("store", "Copy the repository, and store bundle and archive", store, stored, phase="retrieval"),
            Step("read", "Read both back as a whole", read_back, phase="validation"),
            Step("latest", "Let the newest archive be this one", make_latest, made_latest, cancellable=False),
        ]

    def verify(self, context: Context[Nothing]) -> Evidence:
        """What a deployment would find is what was stored."""
        bucket, facts = code_bucket(context.world), context.outputs["store"]
        newest = read_archive(bucket, bucket.find(latest_key(context.world)))
        size = show_size(newest.stored.size_bytes)
        verdicts = [
            Verdict(
                name="Archive", expected="the newest is this one, whole",
                found=f"{size}, {'the same' if newest.sha256 == facts['archive_sha256'] else 'another'}",
                good=newest.sha256 == facts["archive_sha256"],
            ),
            Verdict(
                name="Bundle", expected="every branch and tag", found=f"{context.outputs['read']['heads']} read back",
                good=int(str(context.outputs["read"]["heads"])) > 0,
            ),
        ]  # fmt: skip
        return Evidence(verdicts, {"revision": facts["revision"]}, f"{facts['archive']} holds {facts['revision']}.")

    def clean_up(self, context: Context[Nothing]) -> str:
        if made_latest(context) is not None:
            return f"The newest archive is this run's, {keys_of(context)[0]}."
        return f"The newest archive is as it was. What was stored under {keys_of(context)[0]} is in nobody's way."


def find_source(world: World) -> tuple[str, str]:
    """Which repository answers, and its address. Raises RepositoryUnreachable where neither does."""
    code = world.policy.infrastructure.code
    try:
        list_heads(code.primary)
    except RepositoryUnreachable:
        list_heads(code.mirror)
        return "mirror", code.mirror
    return "primary repository", code.primary


def describe_way_back(world: World, observed: Facts) -> str:
    """Of the newest archive before; every other object is a new one, and can be left."""
    if observed["versions"]:
        return "New objects that can be left; the newest archive before stays as a version of its key."
    bucket, key = code_bucket(world).name, latest_key(world)
    seen = (
        f"{bucket} keeps no versions"
        if observed["versions"] is False
        else f"Whether {bucket} keeps versions is not known"
    )
    return (
        f"{seen}: what {key} is now is written over. What earlier runs have stored there stays, under keys of its own."
    )


def store(context: Context[Nothing]) -> Facts:
    """The bundle last: where it is there, both are."""
    archive_key, bundle_key = keys_of(context)
    address = str(context.plan.observed["address"])
    with copy_repository(address, context.cancelled) as copy, TemporaryDirectory(prefix="holdfast-code-") as scratch:
        archive, bundle, commit = Path(scratch) / "code.tar.gz", Path(scratch) / "code.bundle", copy.main_commit()
        copy.archive(commit, archive)
        copy.bundle(bundle)
        for key, path in ((archive_key, archive), (bundle_key, bundle)):
            context.progress(f"storing {show_size(path.stat().st_size)}")
            _store_file(context, key, path, {"revision": commit, "sha256": hash_file(path), "run": context.mark})
    found = stored(context)
    if found is None:
        raise Failed("What was stored cannot be found.", "Nothing is used of it.", "Try again.")
    return found


def _store_file(context: Context[Nothing], key: str, path: Path, metadata: dict[str, str]) -> None:
    try:
        code_bucket(context.world).store(key, read_file(path), metadata=metadata)
    except ArchiveExists:  # of an attempt before a crash, with the checksum of what it stored
        return


def stored(context: Context[Nothing]) -> Facts | None:
    archive_key, bundle_key = keys_of(context)
    archive, bundle = (_find(context, key) for key in (archive_key, bundle_key))
    if archive is None or bundle is None:
        return None
    assert archive.metadata is not None
    assert bundle.metadata is not None
    return {
        "archive": archive_key, "bundle": bundle_key, "revision": archive.metadata["revision"],
        "archive_sha256": archive.metadata["sha256"], "bundle_sha256": bundle.metadata["sha256"],
        "words": f"{show_size(archive.size_bytes)}, and {show_size(bundle.size_bytes)} with all history",
    }  # fmt: skip


def read_back(context: Context[Nothing]) -> Facts:
    """Byte by byte against the checksums, and the bundle unpacked by Git. Raises `Failed` where something differs."""
    bucket, facts = code_bucket(context.world), context.outputs["store"]
    archive = read_archive(bucket, bucket.find(str(facts["archive"])))
    with TemporaryDirectory(prefix="holdfast-code-") as scratch:
        path = Path(scratch) / "code.bundle"
        with path.open("wb") as file:
            for chunk in bucket.read(bucket.find(str(facts["bundle"]))):
                file.write(chunk)
        if (archive.sha256, hash_file(path)) != (facts["archive_sha256"], facts["bundle_sha256"]):
            raise Failed("What was read back is not what was stored.", "The newest archive is as it was.", "Try again.")
        heads = read_bundle(path)
    return {"heads": len(heads), "words": f"{len(heads)} branches and tags"}


def make_latest(context: Context[Nothing]) -> Facts:
    """Over the one before, which a bucket that keeps versions keeps."""
    bucket = code_bucket(context.world)
    if made_latest(context) is None:
        source = bucket.find(str(context.outputs["store"]["archive"]))
        bucket.store(latest_key(context.world), bucket.read(source), metadata=source.metadata or {}, over=True)
    return {"key": latest_key(context.world), "words": f"{latest_key(context.world)} is this one"}


def made_latest(context: Context[Nothing]) -> Facts | None:
    latest = _find(context, latest_key(context.world))
    if latest is None or (latest.metadata or {}).get("run") != context.mark:
        return None
    return {"key": latest.key, "words": f"{latest.key} is this one"}


def keys_of(context: Context[Nothing]) -> tuple[str, str]:
    """Of the archive and of the bundle; written once."""
    base = f"{context.world.policy.infrastructure.code.archive.prefix}code-{context.mark}"
    return f"{base}.tar.gz", f"{base}.bundle"


def _find(context: Context[Nothing], key: str) -> Stored | None:
    try:
        return code_bucket(context.world).find(key)
    except ArchiveVanished:
        return None


def hash_file(path: Path) -> str:
    seen = hashlib.sha256()
    for piece in read_file(path):
        seen.update(piece)
    return seen.hexdigest()


def read_file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


ACTION = BackUpCode()
