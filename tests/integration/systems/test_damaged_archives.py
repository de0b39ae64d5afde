"""Whatever happened to a backup since it was taken, a restore of it fails and says what is wrong."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sandbox.cloud import Cloud
from bot.sandbox.postgres_cluster import Cluster
from bot.systems.archives import ArchiveVanished, Bucket
from bot.systems.client_tools import ClientToolsUnfit, find_client_tools
from bot.systems.dumps.backup import back_up
from bot.systems.dumps.listing import list_backups
from bot.systems.dumps.manifest import Manifest, Part
from bot.systems.dumps.pouring import RowsRefused
from bot.systems.dumps.restore import TargetNotEmpty, TargetUnfit, restore_archive
from bot.systems.dumps.streams import ArchiveDamaged, unpack
from bot.systems.dumps.verification import verify_part, verify_rows
from bot.systems.dumps.watch import Watch, ignore_progress
from bot.systems.outcomes import SystemFailed
from bot.systems.processes import ProcessFailed
from tests.integration.systems.conftest import MakePlace
from tests.integration.systems.exhibits import execute, fetch

CONTENT = bytes(range(256)) * 40
PACKED = zstandard.ZstdCompressor(write_checksum=True).compress(CONTENT)
PACKED_SHA256 = hashlib.sha256(PACKED).hexdigest()


def unpack_all(stored: bytes, sha256: str = PACKED_SHA256, step: int = 50) -> bytes:
    chunks = (stored[start : start + step] for start in range(0, len(stored), step))
    return b"".join(unpack(chunks, place="s3://b/k", sha256=sha256, told=lambda count: None))


def test_whole_stream_is_unpacked() -> None:
    assert unpack_all(PACKED) == CONTENT


@settings(deadline=None)
@given(st.integers(0, len(PACKED) - 1))
def test_stream_cut_anywhere_is_damaged(length: int) -> None:
    with pytest.raises(ArchiveDamaged):
        unpack_all(PACKED[:length])


@settings(deadline=None)
@given(st.integers(0, len(PACKED) * 8 - 1))
def test_stream_with_any_bit_flipped_is_damaged(bit: int) -> None:
    flipped = bytearray(PACKED)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ArchiveDamaged):
        unpack_all(bytes(flipped))


NOISE = random.Random(1).randbytes(10_000)
FRAMES = b"".join(
    zstandard.ZstdCompressor(write_checksum=True).compress(NOISE[start : start + 2000])
    for start in range(0, len(NOISE), 2000)
)


@settings(deadline=None)
@given(st.integers(0, len(FRAMES) * 8 - 1))
def test_what_was_given_on_before_the_damage_was_found_is_right(bit: int) -> None:
    flipped = bytearray(FRAMES)
    flipped[bit // 8] ^= 1 << bit % 8
    chunks = [bytes(flipped[start : start + 50]) for start in range(0, len(flipped), 50)]
    given_on = b""
    with pytest.raises(ArchiveDamaged):  # noqa: PT012 (what comes before the error is what this is about)
        for content in unpack(chunks, place="s3://b/k", sha256="", told=lambda count: None):
            given_on += content

    assert NOISE.startswith(given_on)


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=40))
def test_stream_that_goes_on_is_damaged(more: bytes) -> None:
    with pytest.raises(ArchiveDamaged):
        unpack_all(PACKED + more)


def test_stream_of_something_else_is_damaged() -> None:
    other = zstandard.ZstdCompressor(write_checksum=True).compress(b"something else")
    with pytest.raises(ArchiveDamaged, match="SHA-256"):
        unpack_all(other)


@pytest.fixture(scope="module")
def dump(sample: Manifest, bucket: Bucket) -> bytes:
    """The uncompressed archive of the sample's data."""
    part = sample.find_part("data-rest")
    return zstandard.ZstdDecompressor().stream_reader(bucket.read_all(bucket.find(part.key))).read()


@pytest.fixture(scope="module")
def script(sample: Manifest, bucket: Bucket) -> bytes:
    """The uncompressed rows of the sample's large table that goes as text."""
    return read_part(sample, bucket, "data-1")


@pytest.fixture(scope="module")
def rows(sample: Manifest, bucket: Bucket) -> bytes:
    """The uncompressed rows of the sample's large table that goes in binary."""
    return read_part(sample, bucket, "rows-1")


def read_part(sample: Manifest, bucket: Bucket, name: str) -> bytes:
    content = bucket.read_all(bucket.find(sample.find_part(name).key))
    return zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True).read()


Forge = Callable[..., Part]


@pytest.fixture
def forge(bucket: Bucket, request: pytest.FixtureRequest) -> Forge:
    """Stores a dump as a part whose checksum is right: only its content can give it away."""
    made: list[Part] = []

    def store(dump: bytes, **changes: Any) -> Part:
        packed = zstandard.ZstdCompressor(write_checksum=True).compress(dump)
        key = f"forged/{request.node.name}/{len(made)}"
        stored = bucket.store(key, [packed], metadata={})
        part = Part(
            name="data-rest",
            key=key,
            version_id=stored.version_id,
            size_bytes=len(packed),
            dump_bytes=len(dump),
            sha256=hashlib.sha256(packed).hexdigest(),
        ).model_copy(update=changes)
        made.append(part)
        return part

    return store


def test_read_back_finds_a_dump_cut_anywhere(dump: bytes, forge: Forge, bucket: Bucket, sample: Manifest) -> None:
    tools = find_client_tools(sample.source.server_major)
    lengths = [0, 1, 4, 5, 100, 1000, len(dump) // 3, len(dump) // 2, len(dump) - 1000, len(dump) - 5, len(dump) - 1]
    for length in lengths:
        with pytest.raises(ProcessFailed):
            verify_part(bucket, forge(dump[:length]), tools, Watch(ignore_progress, lambda: False))


def test_read_back_finds_rows_cut_anywhere(script: bytes, forge: Forge, bucket: Bucket, sample: Manifest) -> None:
    tools = find_client_tools(sample.source.server_major)
    end = script.rindex(b"dump complete")
    for length in [0, 1, 100, 1000, len(script) // 3, script.rindex(b"\\.\n"), script.rindex(b"\\.\n") + 3, end]:
        part = forge(script[:length], format="plain")
        with pytest.raises(ArchiveDamaged, match=r"is not a whole dump|ends within the rows"):
            verify_part(bucket, part, tools, Watch(ignore_progress, lambda: False))


def test_read_back_counts_rows(script: bytes, forge: Forge, bucket: Bucket, sample: Manifest) -> None:
    tools = find_client_tools(sample.source.server_major)
    start = script.index(b"FROM stdin;\n") + len(b"FROM stdin;\n")
    shorter = script[:start] + script[script.index(b"\n", start) + 1 :]

    part = verify_part(bucket, forge(shorter, format="plain"), tools, Watch(ignore_progress, lambda: False))

    assert part.rows == sample.fingerprint.tables["public.crate"].rows - 1
    with pytest.raises(ArchiveDamaged, match=r"19,999 rows where public.crate had 20,000"):
        verify_rows(bucket, [part], ("public.crate",), sample.fingerprint)


def test_read_back_finds_binary_rows_cut_anywhere(rows: bytes, forge: Forge, bucket: Bucket, sample: Manifest) -> None:
    tools, watch = find_client_tools(sample.source.server_major), Watch(ignore_progress, lambda: False)
    for length in [0, 1, 10, 11, 1000, len(rows) // 3, len(rows) - 2, len(rows) - 1]:
        with pytest.raises(ArchiveDamaged, match=r"does not begin as rows|ends within the rows"):
            verify_part(bucket, forge(rows[:length], format="binary"), tools, watch)
    verify_part(bucket, forge(rows, format="binary"), tools, watch)


def test_binary_rows_are_as_many_as_the_server_sent(sample: Manifest, bucket: Bucket) -> None:
    part = sample.find_part("rows-1")

    assert part.rows == sample.fingerprint.tables["public.bag"].rows
    verify_rows(bucket, [part], ("public.bag",), sample.fingerprint)
    with pytest.raises(ArchiveDamaged, match=r"19,999 rows where public.bag had 20,000"):
        verify_rows(bucket, [part.model_copy(update={"rows": 19_999})], ("public.bag",), sample.fingerprint)


def test_dump_from_the_future_is_named(dump: bytes, forge: Forge, bucket: Bucket, sample: Manifest) -> None:
    newer = dump[:6] + bytes([99]) + dump[7:]
    tools = find_client_tools(sample.source.server_major)

    with pytest.raises(ProcessFailed, match="unsupported version"):
        verify_part(bucket, forge(newer), tools, Watch(ignore_progress, lambda: False))


def replace_part(manifest: Manifest, name: str, **changes: Any) -> Manifest:
    parts = tuple(p.model_copy(update=changes) if p.name == name else p for p in manifest.parts)
    return manifest.model_copy(update={"parts": parts})


@pytest.mark.parametrize("part", ["schema", "data-rest", "data-1", "rows-1"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "replaced"])
def test_restore_of_a_damaged_object_fails(
    part: str, damage: str, sample: Manifest, bucket: Bucket, make_place: MakePlace
) -> None:
    whole = bucket.read_all(bucket.find(sample.find_part(part).key))
    middle = len(whole) // 2
    damaged = {
        "cut": whole[:middle],
        "flipped": whole[:middle] + bytes([whole[middle] ^ 4]) + whole[middle + 1 :],
        "empty": b"",
        "replaced": zstandard.ZstdCompressor().compress(b"PGDMP"),
    }[damage]
    key = f"damaged/{part}/{damage}"
    stored = bucket.store(key, [damaged], metadata={})
    changed = replace_part(sample, part, key=key, version_id=stored.version_id, size_bytes=len(damaged))

    with pytest.raises(SystemFailed) as caught:
        restore_archive(make_place().url, bucket, changed)

    assert "Choose another backup" in str(caught.value)


def test_changed_size_is_seen_before_anything_is_written(
    sample: Manifest, bucket: Bucket, make_place: MakePlace
) -> None:
    target = make_place()

    with pytest.raises(ArchiveDamaged, match="bytes where its manifest says"):
        restore_archive(target.url, bucket, replace_part(sample, "data-rest", size_bytes=1))

    assert fetch(target.owner_url, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace") == []


@pytest.mark.parametrize("change", [{"key": "nowhere"}, {"version_id": "00000000-0000-0000-0000-000000000000"}])
def test_vanished_object_is_seen_before_anything_is_written(
    change: dict[str, str], sample: Manifest, bucket: Bucket, make_place: MakePlace
) -> None:
    target = make_place()

    with pytest.raises(ArchiveVanished, match="is not in the bucket any more"):
        restore_archive(target.url, bucket, replace_part(sample, "data-rest", **change))

    assert fetch(target.owner_url, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace") == []


def test_deleted_backup_is_restored_from_its_version(
    sample: Manifest, bucket: Bucket, make_place: MakePlace, cloud: Cloud
) -> None:
    """A delete only hides an object in a bucket with versions, and the manifest pins the version."""
    part = sample.find_part("data-rest")
    target = make_place()
    marker = cloud.s3.delete_object(Bucket=bucket.name, Key=part.key)["VersionId"]
    try:
        restore_archive(target.url, bucket, sample)
    finally:
        cloud.s3.delete_object(Bucket=bucket.name, Key=part.key, VersionId=marker)

    assert fetch(target.owner_url, "SELECT count(*) FROM bag") == [(20000,)]


@pytest.mark.parametrize(
    "content",
    [
        "CREATE TABLE t ()",
        "CREATE SCHEMA other",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TYPE t AS ENUM ()",
        "SELECT lo_create(0)",
        "CREATE SEQUENCE s",
    ],
)
def test_target_that_holds_something_is_refused(
    content: str, sample: Manifest, bucket: Bucket, make_place: MakePlace
) -> None:
    target = make_place(None, content)

    with pytest.raises(TargetNotEmpty, match="is not empty"):
        restore_archive(target.url, bucket, sample)


def test_what_the_server_lacks_is_named(sample: Manifest, bucket: Bucket, make_place: MakePlace) -> None:
    target = make_place()
    source = sample.source.model_copy(
        update={"roles": ("traitortrack", "auditor"), "extensions": {"plpgsql": "1.0", "postgis": "3"}}
    )

    with pytest.raises(TargetUnfit) as caught:
        restore_archive(target.url, bucket, sample.model_copy(update={"source": source}))

    assert "roles are missing on its server: auditor" in str(caught.value)
    assert "extensions are not installed on its server: postgis" in str(caught.value)
    assert fetch(target.owner_url, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace") == []


def test_what_the_role_may_not_make_again_is_named(make_place: MakePlace, bucket: Bucket, cluster: Cluster) -> None:
    """Seen before anything is written, and by whoever takes the backup."""
    source, target = make_place(), make_place()
    execute(source.admin_url, """
        CREATE TABLE bag (id int);
        CREATE EXTENSION pg_stat_statements;
        CREATE EXTENSION hstore;
        CREATE TABLE tag (id int);
        ALTER TABLE tag OWNER TO traitortrack;
    """)  # fmt: skip
    with psycopg.connect(source.admin_url, autocommit=True) as connection:
        connection.execute("CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)")
    try:
        manifest = back_up(source.url, bucket, prefix="stranger/", run="r1")
    finally:
        with psycopg.connect(source.admin_url, autocommit=True) as connection:
            connection.execute("ALTER SUBSCRIPTION s SET (slot_name = NONE)")
            connection.execute("DROP SUBSCRIPTION s")

    with pytest.raises(TargetUnfit) as caught:
        restore_archive(target.url, bucket, manifest)

    assert "what belongs to postgres can only be given back" in str(caught.value)
    assert "only a superuser may create pg_stat_statements, which holdfast is not" in str(caught.value)
    assert "hstore" not in str(caught.value)
    assert manifest.source.owners == ("postgres", "traitortrack")
    assert manifest.source.subscriptions == ("s",)
    restore_archive(target.admin_url, bucket, manifest)
    assert ("pg_stat_statements",) in fetch(target.admin_url, "SELECT extname FROM pg_extension")


def test_older_server_is_refused(sample: Manifest, bucket: Bucket, make_place: MakePlace) -> None:
    source = sample.source.model_copy(update={"server_major": 99})

    with pytest.raises(TargetUnfit, match="the backup's was 99"):
        restore_archive(make_place().url, bucket, sample.model_copy(update={"source": source}))


def test_archive_of_a_newer_client_is_refused(sample: Manifest, bucket: Bucket, make_place: MakePlace) -> None:
    source = sample.source.model_copy(update={"pg_dump_version": "99.1"})

    with pytest.raises(ClientToolsUnfit, match="the backup was made with 99"):
        restore_archive(make_place().url, bucket, sample.model_copy(update={"source": source}))


def test_role_that_is_lost_in_the_middle_is_an_error(
    make_place: MakePlace, bucket: Bucket, cluster: Cluster, sample: Manifest
) -> None:
    """An owner that cannot be set must not end as another owner."""
    execute(cluster.admin_url, "CREATE ROLE passing")
    source = make_place()
    execute(source.admin_url, "CREATE TABLE t (); ALTER TABLE t OWNER TO passing")
    manifest = back_up(source.url, bucket, prefix="passing/", run="r1")
    execute(source.admin_url, "DROP TABLE t; DROP ROLE passing")
    unaware = manifest.model_copy(update={"source": manifest.source.model_copy(update={"roles": ()})})

    with pytest.raises(ProcessFailed, match='role "passing" does not exist'):
        restore_archive(make_place().url, bucket, unaware)


def test_lack_of_space_is_seen_before_anything_is_written(
    sample: Manifest, bucket: Bucket, make_place: MakePlace
) -> None:
    source = sample.source.model_copy(update={"size_bytes": 10**18})

    with pytest.raises(TargetUnfit, match="1,000,000,000,000,000,000 bytes are needed"):
        restore_archive(make_place().url, bucket, sample.model_copy(update={"source": source}))


def limit_files(pid: int, limit: str) -> None:
    """Let a process and its children write no file beyond a size; done as its own user, whose right it is."""
    owner = Path(f"/proc/{pid}").stat()
    as_owner = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    subprocess.run(["prlimit", f"--pid={pid}", f"--fsize={limit}:unlimited"], check=True, **as_owner)  # type: ignore[call-overload]


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="no prlimit here to fill a server's disk with")
def test_full_disk_in_the_middle_is_an_error(make_place: MakePlace, bucket: Bucket, cluster: Cluster) -> None:
    """A file that may not grow fails its writer as a full disk does; the log of 16 MB still fits."""
    source = make_place(None, "CREATE TABLE bag AS SELECT i, repeat('x', 1000) FROM generate_series(1, 30000) i")
    manifest = back_up(source.url, bucket, prefix="full/", run="r1")
    target = make_place()
    assert cluster.pid is not None
    limit_files(cluster.pid, "20000000")
    try:
        with pytest.raises(RowsRefused, match="could not extend file"):
            restore_archive(target.url, bucket, manifest)
    finally:
        limit_files(cluster.pid, "unlimited")


def test_listing_names_what_it_cannot_use(sample: Manifest, bucket: Bucket) -> None:
    text = json.loads(sample.model_dump_json())
    foreign = {
        "other/a.manifest.json": b"not json",
        "other/b.manifest.json": json.dumps(text | {"schema_version": 7}).encode(),
        "other/c.manifest.json": b"[]",
        "other/d.manifest.json": json.dumps(text | {"snapshot_at": "yesterday"}).encode(),
        "other/traitortrack_20251125_030000.sql.gz": b"1234",
        "other/unfinished/data-1.dump.zst": b"1234",
        "other/e.manifest.json": sample.model_dump_json().encode(),
    }
    for key, body in foreign.items():
        bucket.store(key, [body], metadata={})

    listing = list_backups(bucket, "other/")

    reasons = {entry.key: entry.reason for entry in listing.unusable}
    assert [backup.run for backup in listing.backups] == ["sample"]
    assert "not readable as JSON" in reasons["other/a.manifest.json"]
    assert "another version of Holdfast (manifest version 7)" in reasons["other/b.manifest.json"]
    assert "not a manifest of ours" in reasons["other/c.manifest.json"]
    assert "snapshot_at" in reasons["other/d.manifest.json"]
    assert "without a manifest" in reasons["other/traitortrack_20251125_030000.sql.gz"]
    assert "not finished" in reasons["other/unfinished/"]
    assert list_backups(bucket, "other/", database="another").backups == ()
