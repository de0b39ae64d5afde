"""Old backups go as a whole; the newest stay; nothing goes while anything about the newest is suspicious."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from bot.clock import utc_now
from bot.outcome import Cancelled, Refused
from bot.policy import Policy, load_policy
from bot.recovery.action import Context, Evidence, Facts, History, World
from bot.recovery.actions.prune_backups import Prune, PruneBackups
from bot.sandbox.cloud import BUCKET
from bot.sandbox.stage import DATABASE
from bot.store.tables import Incident, Plan, Run
from bot.systems.dumps.listing import confirm_backup
from tests.crash.rig import Rig
from tests.integration.recovery.forgery import store_manifest
from tests.integration.recovery.old_backups import keys_of, list_keys, store_old
from tests.stage_fixtures import PREFIX, SharedStage

PRUNE = Prune(database=DATABASE)


def approve(rig: Rig, plan: Plan) -> Run:
    assert plan.state == "pending", plan.reason
    run = rig.services.approvals.decide(plan.id, plan.hash, rig.person("amara"), "approve")
    assert run is not None
    return rig.finished(run.id)


def test_old_ones_go_and_their_space_is_freed(rig: Rig, incident: Incident) -> None:
    old = [store_old(rig.shared, days) for days in (200, 100)]
    final = store_old(rig.shared, 100, of=f"{DATABASE}_before_run3")
    young = store_old(rig.shared, 10)
    others = store_old(rig.shared, 500, of="elsewhere")
    plan = rig.plan("prune_backups", incident)
    assert plan.document is not None, plan.reason
    notes = "\n".join(plan.document.notes)
    for one in (*old, final):
        size_bytes = one.size_bytes + rig.shared.bucket.find(one.manifest_key).size_bytes
        assert f"{one.key} (" in notes
        assert f"{size_bytes:,} bytes" in notes
    for one in (young, others):
        assert f"{one.key} (" not in notes
    ended = approve(rig, plan)
    assert ended.state == "done", ended.words
    assert ended.proof is not None
    assert ended.proof.good, ended.proof
    assert list_keys(rig.shared) == keys_of(rig.shared.baseline) | keys_of(young) | keys_of(others)
    for one in (rig.shared.baseline, young):
        confirm_backup(rig.shared.bucket, one)
    rig.assert_sound()


def test_the_newest_stay_however_old(rig: Rig, incident: Incident) -> None:
    old = store_old(rig.shared, 300)
    plan = rig.plan("prune_backups", incident)
    assert (plan.state, "old enough" in plan.reason) == ("needless", True), plan.reason
    assert keys_of(old) <= list_keys(rig.shared)


def test_a_sudden_drop_in_size_is_an_alarm(rig: Rig, incident: Incident) -> None:
    for days in (200, 20, 10):
        store_old(rig.shared, days)
    newest = store_old(rig.shared, -0.001, size=0.4)
    before = list_keys(rig.shared)
    plan = rig.plan("prune_backups", incident)
    assert plan.state == "refused"
    assert "Alarm" in plan.reason
    assert newest.key in plan.reason
    assert "Nothing was deleted" in plan.reason
    assert list_keys(rig.shared) == before


def test_newest_backup_with_a_part_missing(rig: Rig, incident: Incident) -> None:
    store_old(rig.shared, 200)
    store_old(rig.shared, 10)
    newest = store_old(rig.shared, -0.001)
    rig.shared.delete_object(newest.parts[0].key)
    plan = rig.plan("prune_backups", incident)
    assert plan.state == "refused"
    assert "is not whole" in plan.reason


def test_what_was_to_go_is_among_the_newest_by_now(rig: Rig, incident: Incident) -> None:
    old, young = store_old(rig.shared, 100), store_old(rig.shared, 10)
    store_old(rig.shared, 200)
    plan = rig.plan("prune_backups", incident)
    rig.shared.delete_object(young.manifest_key)
    ended = approve(rig, plan)
    assert ended.state == "refused"
    assert f"{old.key} is among the newest" in ended.words
    assert keys_of(old) <= list_keys(rig.shared)
    assert rig.services.plans.find(plan.id).state == "void"


def make_world(shared: SharedStage, *, days_later: float = 0, local_folder: Path | None = None) -> World:
    """The shipped policy, some days from now: what an outsider has stored cannot be made older."""
    policy: Policy = load_policy(None)
    if local_folder is not None:
        weekly = policy.backups.manual_weekly.model_copy(update={"local_folder": str(local_folder)})
        policy = policy.model_copy(update={"backups": policy.backups.model_copy(update={"manual_weekly": weekly})})
    os.environ.update(shared.stage.cloud.environment())
    return World(policy, shared.stage.environment(), lambda: utc_now() + timedelta(days=days_later))


def perform(world: World) -> Evidence:
    """The action from its plan to its proof, without anybody to approve it."""
    action = PruneBackups()
    plan = action.plan(world, PRUNE, action.observe(world, PRUNE), History())
    context = Context(world, 1, "run1-test", PRUNE, plan, progress=lambda words: None, cancelled=lambda: False)
    for step in action.steps():
        context.outputs[step.name] = step.do(context)
        assert step.happened is None or step.happened(context) is not None
    return action.verify(context)


def observe(world: World) -> Facts:
    return PruneBackups().observe(world, PRUNE)


def test_newest_backup_that_is_old_itself(fresh_stage: SharedStage) -> None:
    """Backups have stopped: the last ones are all that there is."""
    for days in (200, 100, 10):
        store_old(fresh_stage, days)
    before = list_keys(fresh_stage)
    with pytest.raises(Refused, match="newest verified backup of traitortrack is 9 d"):
        observe(make_world(fresh_stage, days_later=9))
    assert list_keys(fresh_stage) == before


def test_no_verified_backup_at_all(fresh_stage: SharedStage) -> None:
    good = fresh_stage.baseline
    fresh_stage.delete_object(good.manifest_key)
    try:
        with pytest.raises(Refused, match="no verified backup"):
            observe(make_world(fresh_stage, days_later=300))
    finally:
        store_manifest(fresh_stage.bucket, good)


def test_rubbish_and_the_old_scripts_dumps(fresh_stage: SharedStage) -> None:
    """Parts without a manifest and unfinished uploads after two days, plain dumps after three months."""
    s3, bucket = fresh_stage.stage.cloud.s3, fresh_stage.bucket
    for name in ("traitortrack_20250101_030000.sql.gz", "notes.txt", "traitortrack_20250101T030000Z_run1/schema.zst"):
        bucket.store(PREFIX + name, [b"x" * 100], metadata={})
    for name in ("traitortrack_20250101T030000Z_run1/data.zst", "elsewhere_20250101T030000Z_run1/data.zst"):
        s3.create_multipart_upload(Bucket=BUCKET, Key=PREFIX + name)
    newest = store_old(fresh_stage, -95)  # the baseline is the other one that stays
    assert perform(make_world(fresh_stage, days_later=3)).measured["freed_bytes"] == 100
    uploads = s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    assert [one["Key"] for one in uploads] == [f"{PREFIX}elsewhere_20250101T030000Z_run1/data.zst"]
    s3.abort_multipart_upload(Bucket=BUCKET, Key=uploads[0]["Key"], UploadId=uploads[0]["UploadId"])
    rest = {f"{PREFIX}traitortrack_20250101_030000.sql.gz", f"{PREFIX}notes.txt"}
    kept = keys_of(fresh_stage.baseline) | keys_of(newest)
    assert list_keys(fresh_stage) == rest | kept
    perform(make_world(fresh_stage, days_later=95))
    assert f"{PREFIX}traitortrack_20250101_030000.sql.gz" not in list_keys(fresh_stage)
    assert f"{PREFIX}notes.txt" in list_keys(fresh_stage)


def test_local_dumps(fresh_stage: SharedStage, tmp_path: Path) -> None:
    """Those of more than four weeks; not the newest, not a link, not what is named otherwise."""
    now = utc_now().timestamp()
    for name, days in (
        ("traitortrack_20250101_030000.sql.gz", 60),
        ("traitortrack_20250201_030000.sql.gz", 40),
        ("traitortrack_20250301_030000.sql.gz", 30),
        ("traitortrack_20250401_030000.sql.gz.part", 60),
        ("elsewhere_20250101_030000.sql.gz", 60),
    ):
        (tmp_path / name).write_bytes(b"x" * 10)
        os.utime(tmp_path / name, (now - days * 86400, now - days * 86400))
    (tmp_path / "traitortrack_20240101_030000.sql.gz").symlink_to("elsewhere_20250101_030000.sql.gz")
    evidence = perform(make_world(fresh_stage, local_folder=tmp_path))
    assert all(verdict.good for verdict in evidence.verdicts), evidence
    assert evidence.measured["freed_bytes"] == 20
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "elsewhere_20250101_030000.sql.gz",
        "traitortrack_20240101_030000.sql.gz",
        "traitortrack_20250301_030000.sql.gz",
        "traitortrack_20250401_030000.sql.gz.part",
    ]


def test_local_dump_that_has_changed_since(fresh_stage: SharedStage, tmp_path: Path) -> None:
    """The name is that of the plan; the file is not."""
    doomed = tmp_path / "traitortrack_20250101_030000.sql.gz"
    for name, days in ((doomed.name, 60), ("traitortrack_20250201_030000.sql.gz", 40)):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (utc_now().timestamp() - days * 86400,) * 2)
    world, action = make_world(fresh_stage, local_folder=tmp_path), PruneBackups()
    plan = action.plan(world, PRUNE, action.observe(world, PRUNE), History())
    doomed.write_bytes(b"new")
    context = Context(world, 1, "run1-test", PRUNE, plan, progress=lambda words: None, cancelled=lambda: False)
    for step in action.steps():
        context.outputs[step.name] = step.do(context)
    assert doomed.read_bytes() == b"new"


def test_cancelled_before_anything_was_deleted(fresh_stage: SharedStage) -> None:
    store_old(fresh_stage, 200)
    store_old(fresh_stage, 10)
    before = list_keys(fresh_stage)
    world, action = make_world(fresh_stage), PruneBackups()
    plan = action.plan(world, PRUNE, action.observe(world, PRUNE), History())
    context = Context(world, 1, "run1-test", PRUNE, plan, progress=lambda words: None, cancelled=lambda: True)
    with pytest.raises(Cancelled):
        action.steps()[1].do(context)
    assert list_keys(fresh_stage) == before
    assert action.clean_up(context) == "No backup in S3 was deleted."
