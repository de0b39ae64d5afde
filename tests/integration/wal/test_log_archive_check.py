"""What the check of the archive says: healthy, failing, without a base backup, with a hole, and switched off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.clock import utc_now
from bot.diagnostics.check import Surroundings
from bot.diagnostics.checks.database_log_archive import CHECK
from bot.policy import Policy, load_policy
from bot.sandbox.stage import DATABASE, WAL_PREFIX
from bot.store.documents import Finding
from tests.archiving_stage import ArchivingStage
from tests.crash.rig import look_closely
from tests.stage_fixtures import SharedStage

Look = Callable[..., Finding]


@pytest.fixture
def stage(fresh_archiving_stage: ArchivingStage) -> ArchivingStage:
    return fresh_archiving_stage


@pytest.fixture
def look(stage: ArchivingStage, monkeypatch: pytest.MonkeyPatch) -> Look:
    for name, value in stage.stage.cloud.environment().items():
        monkeypatch.setenv(name, value)

    def ask(policy: Policy | None = None) -> Finding:
        return CHECK.run(Surroundings(policy or load_policy(None), stage.stage.environment(), utc_now, DATABASE))

    return ask


@contextmanager
def archive_command(stage: ArchivingStage, command: str) -> Iterator[None]:
    """The server archives with another command meanwhile."""
    with stage.admin() as admin:
        admin.execute(f"ALTER SYSTEM SET archive_command = '{command}'")
        admin.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            admin.execute("ALTER SYSTEM RESET archive_command")
            admin.execute("SELECT pg_reload_conf()")


def test_an_archive_that_works(look: Look, stage: ArchivingStage) -> None:
    stage.archive_now()
    found = look()
    assert found.state == "ok", found
    assert "newest base backup is" in found.summary


def test_a_command_that_fails(look: Look, stage: ArchivingStage) -> None:
    with archive_command(stage, "false"), stage.admin() as admin:
        admin.execute("SELECT pg_current_xact_id()")
        row = admin.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None
        look_closely(lambda: look().state == "critical", "the failure")
        assert row[0] in look().summary
    stage.archive_now()
    assert look().state == "ok"


def test_a_command_that_throws_the_log_away(look: Look, stage: ArchivingStage) -> None:
    """The server believes that it is archived."""
    stage.archive_now()
    with archive_command(stage, "true"), stage.admin() as admin:
        admin.execute("SELECT pg_current_xact_id()")
        row = admin.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None
        look_closely(lambda: look().state == "critical", "the loss")
        found = look()
    kept = stage.stage.cluster.data_directory / "pg_wal" / row[0]
    stage.put_in((f"{WAL_PREFIX}{row[0]}", kept.read_bytes()))  # the archive is whole again for the next test
    assert look().state == "ok"
    assert f"{row[0]} is archived, but it is not there" in found.summary
    assert [one.action for one in found.suggests] == ["base_backup"]


def test_an_old_base_backup(look: Look) -> None:
    policy = load_policy(None)
    base = policy.backups.base.model_copy(update={"every": timedelta(microseconds=1)})
    backups = policy.backups.model_copy(update={"base": base})
    found = look(policy.model_copy(update={"backups": backups}))
    assert found.state == "warning"
    assert [one.action for one in found.suggests] == ["base_backup"]


def test_a_hole_in_the_archive(look: Look, stage: ArchivingStage) -> None:
    gone = stage.archive_now()
    stage.archive_now()
    stored = stage.take_out(f"{WAL_PREFIX}{gone}")
    try:
        found = look()
        assert (found.state, gone in found.summary) == ("critical", True)
        assert [one.action for one in found.suggests] == ["base_backup"]
    finally:
        stage.put_in(stored)


def test_no_base_backup_of_this_server(look: Look, stage: ArchivingStage) -> None:
    stored = stage.take_out(stage.base.manifest_key)
    try:
        found = look()
        assert (found.state, "no base backup" in found.summary) == ("critical", True)
    finally:
        stage.put_in(stored)


def test_a_server_that_archives_nothing(fresh_stage: SharedStage, tmp_path: Path) -> None:
    found = CHECK.run(Surroundings(load_policy(None), fresh_stage.stage.environment(), utc_now, DATABASE))
    assert found.state == "critical"
    assert "archive_mode is off, should be on" in found.summary
