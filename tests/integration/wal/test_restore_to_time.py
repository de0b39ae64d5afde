"""Bringing a database back to a moment: what was committed by then is there, what came later is not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.outcome import Refused
from bot.sandbox.stage import DATABASE, WAL_PREFIX
from bot.store.tables import Incident, Plan, Run
from bot.systems.wal.programs import find_server_programs
from tests.archiving_stage import ArchivingStage
from tests.crash.rig import Rig, look_closely
from tests.stage_fixtures import BAGS


@pytest.fixture
def stage(fresh_archiving_stage: ArchivingStage) -> ArchivingStage:
    return fresh_archiving_stage


def plan(rig: Rig, incident: Incident, at: datetime) -> Plan:
    return rig.plan("restore_to_time", incident, at=at.isoformat())


def carry_out(rig: Rig, asked: Plan) -> Run:
    assert asked.state == "pending", asked.reason
    run = rig.approve(asked)
    assert run is not None
    return rig.finished(run.id)


def test_back_to_just_before_bags_were_lost(rig: Rig, incident: Incident, stage: ArchivingStage) -> None:
    at = stage.now()
    stage.lose_bags(500)
    asked = plan(rig, incident, at)
    assert asked.document is not None
    assert asked.document.back_to == at
    assert asked.document.confirm == DATABASE
    assert any("first has the server archive the rest" in note for note in asked.document.notes)
    ended = carry_out(rig, asked)
    assert ended.state == "done", ended.words
    assert ended.proof is not None
    assert ended.proof.good, ended.proof
    assert stage.count_bags() == BAGS
    assert stage.count_bags(f"{DATABASE}_before_run{ended.id}") == BAGS - 500
    assert stage.databases() == {DATABASE, f"{DATABASE}_before_run{ended.id}"}
    assert stage.left_over() == []
    rig.assert_sound()


def refused(rig: Rig, incident: Incident, at: datetime) -> str:
    asked = plan(rig, incident, at)
    assert asked.state == "refused"
    assert asked.reason is not None
    return asked.reason


def assert_untouched(rig: Rig, stage: ArchivingStage, oid: int | None, bags: int) -> None:
    rig.assert_sound()
    assert (stage.oid(), stage.databases(), stage.count_bags(), stage.left_over()) == (oid, {DATABASE}, bags, [])


def test_a_moment_before_the_oldest_base_backup(rig: Rig, incident: Incident, stage: ArchivingStage) -> None:
    reason = refused(rig, incident, stage.base.started_at)
    assert "before the oldest base backup" in reason
    assert f"{stage.base.ended_at:%H:%M:%S}" in reason


def test_a_moment_that_has_not_come(rig: Rig, incident: Incident, stage: ArchivingStage) -> None:
    assert "in the future" in refused(rig, incident, stage.now() + timedelta(minutes=5))


def test_a_moment_without_a_time_zone(rig: Rig, incident: Incident, stage: ArchivingStage) -> None:
    with pytest.raises(Refused, match=r"at: .*needs a time zone"):
        plan(rig, incident, stage.now().replace(tzinfo=None))


def test_a_moment_behind_a_hole(rig: Rig, incident: Incident, stage: ArchivingStage) -> None:
    """What is behind it cannot be reached from any base backup before it; the hole is named, and how far one gets."""
    stage.archive_now()
    gone = stage.archive_now()
    behind = stage.now()
    stage.archive_now()
    stored = stage.take_out(f"{WAL_PREFIX}{gone}")
    try:
        reason = refused(rig, incident, behind)
        assert f"{gone} is missing" in reason
        assert "the latest moment before it is" in reason
    finally:
        stage.put_in(stored)


def test_two_moments_one_after_the_other(rig: Rig, incident: Incident, stage: ArchivingStage) -> None:
    """The archive goes on after a recovery, and the newest base backup before a moment is taken."""
    first = stage.now()
    stage.lose_bags(100)
    newer = stage.take_base_backup("newer")
    second = stage.now()
    stage.lose_bags(100)
    ended = carry_out(rig, plan(rig, incident, second))
    assert ended.state == "done", ended.words
    assert stage.count_bags() == BAGS - 100
    asked = plan(rig, incident, first)
    assert asked.document is not None
    assert asked.document.observed["base_backup"] == stage.base.key != newer.key
    ended = carry_out(rig, asked)
    assert ended.state == "done", ended.words
    assert stage.count_bags() == BAGS


def test_all_that_the_archive_holds(rig: Rig, incident: Incident, stage: ArchivingStage) -> None:
    """The latest moment itself can be chosen: the last transaction is in it."""
    stage.lose_bags(10)
    stage.archive_now()
    found = stage.backups().describe(stage.base, find_server_programs(stage.base.server_major))
    ended = carry_out(rig, plan(rig, incident, found.latest))
    assert ended.state == "done", ended.words
    assert stage.count_bags() == BAGS - 10


def test_a_database_that_is_gone(rig: Rig, incident: Incident, stage: ArchivingStage) -> None:
    """Dropped, and brought back into the empty place with its owner."""
    at = stage.now()
    stage.stage.cluster.drop_database(DATABASE)
    asked = plan(rig, incident, at)
    assert asked.document is not None
    ended = carry_out(rig, asked)
    assert ended.state == "done", ended.words
    assert stage.count_bags() == BAGS
    assert stage.databases() == {DATABASE}


def test_a_moment_at_which_the_database_was_not_there(rig: Rig, incident: Incident, stage: ArchivingStage) -> None:
    stage.stage.cluster.drop_database(DATABASE)
    without = stage.now()
    stage.make_database()  # not a reset, which may begin the archive anew: after that moment
    oid = stage.oid()
    ended = carry_out(rig, plan(rig, incident, without))
    assert ended.state == "failed"
    assert f"There was no database {DATABASE} at that moment" in ended.words
    assert "never touched" in ended.words
    assert_untouched(rig, stage, oid, BAGS)


def test_a_segment_that_was_deleted_since_the_plan(rig: Rig, incident: Incident, stage: ArchivingStage) -> None:
    asked, oid = plan(rig, incident, stage.now()), stage.oid()
    stored = stage.take_out(f"{WAL_PREFIX}{stage.base.first_segment.name}")
    try:
        ended = carry_out(rig, asked)
        assert ended.state in ("failed", "refused")
        assert stage.base.first_segment.name in ended.words
        assert_untouched(rig, stage, oid, BAGS)
    finally:
        stage.put_in(stored)


def test_a_base_backup_that_was_deleted_since_the_plan(rig: Rig, incident: Incident, stage: ArchivingStage) -> None:
    doomed, oid = stage.take_base_backup("doomed"), stage.oid()
    asked = plan(rig, incident, stage.now())
    stage.take_out(doomed.object_key)
    ended = carry_out(rig, asked)
    assert ended.state in ("failed", "refused")
    assert doomed.object_key in ended.words
    assert_untouched(rig, stage, oid, BAGS)


@pytest.mark.parametrize("which", ["all", "one in between"])
def test_segments_that_were_spoilt(rig: Rig, incident: Incident, stage: ArchivingStage, which: str) -> None:
    """Nothing is brought back that may be less than was asked for: the run fails, and nothing is swapped."""
    stage.lose_bags(50)
    spoilt = stage.archive_now()
    at, oid = stage.now(), stage.oid()
    stage.lose_bags(50)
    names = [spoilt, stage.archive_now()] if which == "all" else [spoilt]
    asked = plan(rig, incident, at)
    stored = [stage.take_out(f"{WAL_PREFIX}{name}") for name in names]
    try:
        for key, content in stored:
            stage.put_in((key, content[:64] + bytes(len(content) - 64)))
        ended = carry_out(rig, asked)
        assert ended.state in ("failed", "refused")
        assert_untouched(rig, stage, oid, BAGS - 100)
    finally:
        for one in stored:
            stage.put_in(one)


def test_cancelled_while_it_recovers(rig: Rig, incident: Incident, stage: ArchivingStage) -> None:
    at, oid = stage.now(), stage.oid()
    stage.lose_bags(20)
    run = rig.approve(plan(rig, incident, at))
    assert run is not None
    look_closely(lambda: "fetch" in rig.steps(run.id) and rig.steps(run.id)["fetch"].state == "running", "fetching")
    rig.services.runs.cancel(run.id, rig.person("mei"))
    ended = rig.finished(run.id)
    assert ended.state == "cancelled"
    assert "never touched" in ended.words
    assert_untouched(rig, stage, oid, BAGS - 20)
