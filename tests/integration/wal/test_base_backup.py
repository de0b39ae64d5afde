"""Taking a base backup: read back against PostgreSQL's list, one per run, refused where it would be of no use."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from bot.sandbox.postgres_cluster import Cluster
from bot.systems.archives import Bucket
from bot.systems.dumps.streams import ArchiveDamaged
from bot.systems.outcomes import SystemCancelled
from bot.systems.postgres import connect
from bot.systems.wal.base_backup import BaseBackupRefused, observe_source, take_base_backup
from bot.systems.wal.base_manifest import list_base_backups
from bot.systems.wal.closing import LogNotArchived, close_segment
from bot.systems.wal.tarballs import check_tar, unpack_tar
from tests.archiving_stage import BASE_PREFIX, ArchivingStage
from tests.crash.rig import Rig
from tests.integration.rds.driver import wait_until

FAILED = "SELECT failed_count FROM pg_stat_archiver"


@pytest.fixture
def bucket(archiving_stage: ArchivingStage) -> Bucket:
    return archiving_stage.bucket


@pytest.fixture(scope="module")
def tar(archiving_stage: ArchivingStage) -> bytes:
    """The tar of the stage's base backup."""
    content = archiving_stage.bucket.read_all(archiving_stage.base.stored)
    with zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True) as reader:
        return reader.read()


def test_the_action_takes_one(rig: Rig) -> None:
    """Low risk: nobody has to approve it; the stage's own archive is proven with it."""
    plan = rig.plan("base_backup", rig.declare())
    run = rig.wait(
        "the run", lambda: next((one for one in rig.services.runs.list_recent() if one.plan_id == plan.id), None)
    )
    ended = rig.finished(run.id)
    assert ended.state == "done", ended.words
    assert ended.proof is not None
    assert ended.proof.good
    key = rig.steps(run.id)["copy"].output["key"]
    assert key in {one.key for one in list_base_backups(rig.shared.bucket, BASE_PREFIX).backups}
    rig.assert_sound()


def test_a_run_takes_one_however_often_it_is_asked(archiving_stage: ArchivingStage) -> None:
    assert archiving_stage.take_base_backup("once") == archiving_stage.take_base_backup("once")


def test_a_cancelled_one_leaves_nothing(archiving_stage: ArchivingStage, bucket: Bucket) -> None:
    before = {stored.key for stored in bucket.list_objects(BASE_PREFIX)}
    with pytest.raises(SystemCancelled):
        take_base_backup(archiving_stage.recovery_url, bucket, prefix=BASE_PREFIX, run="no", cancelled=lambda: True)
    assert {stored.key for stored in bucket.list_objects(BASE_PREFIX)} == before


def test_a_server_that_does_not_archive_is_refused() -> None:
    with (
        Cluster() as cluster,
        connect(cluster.url("postgres", role="holdfast")) as connection,
        pytest.raises(BaseBackupRefused, match="archive_mode is off"),
    ):
        observe_source(connection)


def test_a_role_that_may_not_is_refused_with_what_to_grant(archiving_stage: ArchivingStage) -> None:
    with (
        connect(archiving_stage.stage.application_url) as connection,
        pytest.raises(BaseBackupRefused, match="ALTER ROLE traitortrack REPLICATION"),
    ):
        observe_source(connection)


def test_a_segment_that_nobody_takes_is_waited_for_no_longer_than_agreed(archiving_stage: ArchivingStage) -> None:
    with archiving_stage.admin() as admin, connect(archiving_stage.maintenance_url) as connection:
        admin.execute("ALTER SYSTEM SET archive_command = 'false'")
        admin.execute("SELECT pg_reload_conf()")
        failed = admin.execute(FAILED).fetchone()
        admin.execute("SELECT pg_logical_emit_message(false, 'test', 'so that the segment is worth a switch')")
        admin.execute("SELECT pg_switch_wal()")
        try:
            wait_until("the archiver to have heard of it", lambda: admin.execute(FAILED).fetchone() != failed)
            with pytest.raises(LogNotArchived, match="Nothing was changed"):
                close_segment(connection, within_s=0.5)
        finally:
            admin.execute("ALTER SYSTEM RESET archive_command")
            admin.execute("SELECT pg_reload_conf()")
        assert close_segment(connection)


def in_chunks(content: bytes) -> Iterator[bytes]:
    yield from (content[start : start + 65_536] for start in range(0, len(content), 65_536))


def test_the_whole_tar_is_what_postgresql_listed(archiving_stage: ArchivingStage, tar: bytes) -> None:
    base, contents = archiving_stage.base, check_tar(in_chunks(tar), "here")
    assert (contents.timeline, contents.begin, contents.end) == (base.timeline, base.begin, base.end)
    assert contents.files == base.files > 500


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.999])
def test_a_tar_cut_short_is_damaged(tar: bytes, tmp_path: Path, share: float) -> None:
    cut = tar[: int(len(tar) * share)]
    with pytest.raises(ArchiveDamaged):
        check_tar(in_chunks(cut), "here")


def test_a_flipped_bit_is_found(tar: bytes) -> None:
    """In the content of a file: a tar has no checksum of its own for that."""
    position = find_content(tar, "PG_VERSION")
    flipped = tar[:position] + bytes([tar[position] ^ 1]) + tar[position + 1 :]
    with pytest.raises(ArchiveDamaged, match="PG_VERSION"):
        check_tar(in_chunks(flipped), "here")


def test_a_file_that_nobody_listed_is_found() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as made:
        for name, content in (
            ("stranger", b"x"),
            (
                "backup_manifest",
                b'{"Files": [], "WAL-Ranges": [{"Timeline": 1, "Start-LSN": "0/1", "End-LSN": "0/2"}]}',
            ),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    with pytest.raises(ArchiveDamaged, match="stranger"):
        check_tar(in_chunks(packed.getvalue()), "here")


@pytest.mark.parametrize("name", ["../outside", "data/../../outside"])
def test_nothing_is_unpacked_outside_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    with pytest.raises(ArchiveDamaged, match="outside"):
        unpack_tar(in_chunks(pack({name: b"x"})), folder, "here")
    assert list(tmp_path.iterdir()) == [folder]


def pack(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as made:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def find_content(tar: bytes, name: str) -> int:
    """Where a file's content begins."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        return opened.getmember(name).offset_data
