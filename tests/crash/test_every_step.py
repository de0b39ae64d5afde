"""Every action, every step: killed before, inside and after it, and once it has happened but is not written down.

One run of each action whose bot dies at every point that there is (`points`), again and again, ends as an undisturbed
one does. The actions and their steps are those of the registry: an action without a scene here is a failure.

Cancelled is a run inside each of its steps, each time a new one. Left out are only the last steps of the restores that
bring their database home with the very steps of `restore_database`, which is cancelled inside these.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.recovery.action import Step
from bot.recovery.registry import all_actions, find_action
from bot.store.tables import Run
from tests.crash import scenes_of_applications as applications
from tests.crash import scenes_of_backups as backups
from tests.crash import scenes_of_code as code
from tests.crash import scenes_of_databases as databases
from tests.crash import scenes_of_evidence as evidence
from tests.crash import scenes_of_names as names
from tests.crash import scenes_of_rds as rds
from tests.crash import scenes_of_secrets as secrets
from tests.crash import scenes_of_servers as servers
from tests.crash.points import BEFORE, BEGUN, HAPPENED, RUN, read_points
from tests.crash.rig import Rig, open_rig
from tests.crash.scenes import Build, Scene, assert_proven_once, list_remote_work, outlive, start
from tests.integration.dns.conftest import TOKEN
from tests.integration.rds.driver import hasten
from tests.stage_fixtures import SharedStage

pytestmark = pytest.mark.crash

SCENES: dict[str, Build] = {
    "back_up_code": code.back_up_code,
    "back_up_database": backups.back_up_database,
    "base_backup": backups.base_backup,
    "clear_session_cache": code.clear_session_cache,
    "deploy_code": code.deploy_code,
    "deploy_code_archive": code.deploy_code_archive,
    "dns_failover_settings": names.dns_failover_settings,
    "drop_kept_database": databases.drop_kept_database,
    "end_queries": databases.end_queries,
    "fail_over_dns": names.fail_over_dns,
    "fence_database": rds.fence_database,
    "maintenance_off": code.maintenance_off,
    "maintenance_on": code.maintenance_on,
    "isolate_host": evidence.isolate_host,
    "prune_backups": backups.prune_backups,
    "prune_hosts": code.prune_hosts,
    "put_back_database": databases.put_back_database,
    "rds_backup_settings": rds.on_rds(rds.a_forgetful_one, "ModifyDBInstance"),
    "rds_change_class": rds.on_rds(rds.a_small_one, "ModifyDBInstance"),
    "rds_copy_snapshot": rds.on_rds(rds.a_snapshot_to_copy, "CopyDBSnapshot"),
    "rds_create_replica": rds.on_rds(
        rds.one_to_follow, "CreateDBInstanceReadReplica", "ModifyDBInstance", undone=rds.REMOVAL
    ),
    "rds_delete_instance": rds.on_rds(rds.a_bare_one, "DeleteDBInstance"),
    "rds_enable_multi_az": rds.on_rds(rds.a_bare_one, "ModifyDBInstance"),
    "rds_failover": rds.on_rds(rds.nothing, "RebootDBInstance"),
    "rds_promote_replica": rds.on_rds(rds.a_replica, "PromoteReadReplica", good=False),  # nobody fences the old primary
    "rds_restore_copy": rds.on_rds(
        rds.a_copy_elsewhere, "RestoreDBInstanceFromDBSnapshot", "ModifyDBInstance", undone=rds.REMOVAL
    ),
    "rds_restore_snapshot": rds.on_rds(
        rds.a_snapshot, "RestoreDBInstanceFromDBSnapshot", "ModifyDBInstance", undone=rds.REMOVAL
    ),
    "rds_restore_to_time": rds.on_rds(
        rds.a_moment, "RestoreDBInstanceToPointInTime", "ModifyDBInstance", undone=rds.REMOVAL
    ),
    "rds_snapshot": rds.on_rds(rds.nothing_twice, "CreateDBSnapshot", "CopyDBSnapshot"),
    "refresh_instances": servers.refresh_instances,
    "replace_server": servers.replace_server,
    "restart_application": applications.restart_application,
    "restore_secret": secrets.on_secret(secrets.a_deleted_one, "RestoreSecret"),
    "roll_back_secret": secrets.on_secret(
        secrets.one_with_a_past, "UpdateSecretVersionStage", "UpdateSecretVersionStage"
    ),
    "rotate_database_password": secrets.rotate_database_password,
    "rotate_secret": secrets.on_secret(secrets.any_one, *secrets.ROTATION),
    "restore_database": databases.restore_database,
    "restore_plain_dump": databases.restore_plain_dump,
    "restore_to_time": databases.restore_to_time,
    "roll_back_code": code.roll_back_code,
    "sync_code_mirror": code.sync_code_mirror,
    "snapshot_evidence": evidence.snapshot_evidence,
    "switch_database": rds.on_rds(
        rds.a_copy, "UpdateSecretVersionStage", "PutSecretValue", "UpdateSecretVersionStage",
        undone=("UpdateSecretVersionStage",),
    ),
    "terminate_server": servers.terminate_server,
    "verify_auto_scaling": servers.verify_auto_scaling,
    "write_environment": secrets.write_environment,
}  # fmt: skip
WARM = {"autoscaling", "ec2", "elasticloadbalancing", "rds", "secretsmanager", "ssm"}
IN_BOTO3 = {"elasticloadbalancing": "elbv2"}
ARCHIVING = ("base_backup", "restore_to_time")
HOME = ("prepare", "swap", "application")
HOME_AS_RESTORE_DATABASE = ("restore_plain_dump", "restore_to_time")


@pytest.fixture
def shared(request: pytest.FixtureRequest, action: str) -> SharedStage:
    """The stage that the action needs."""
    found: SharedStage = request.getfixturevalue("archiving_stage" if action in ARCHIVING else "shared_stage")
    return found


def open_worker(
    shared: SharedStage, folder: Path, action: str, *, dies_in: Path | None = None, held_in: Path | None = None
) -> AbstractContextManager[Rig]:
    """A bot that is started cheaply, with the AWS services that the action uses read in already."""
    services = {permission.partition(":")[0] for permission in find_action(action).permissions}
    warm = " ".join(sorted(IN_BOTO3.get(one, one) for one in services & WARM))

    def adapt(path: Path) -> None:
        hasten(path, restart="1 second")
        text = yaml.safe_load(path.read_text(encoding="utf-8"))
        if action in names.ACTIONS:
            names.adapt(text)
        text["backups"]["manual_weekly"]["local_folder"] = str(backups.local_folder(shared))
        path.write_text(yaml.safe_dump(text, sort_keys=False), encoding="utf-8")
        if action in (*servers.ACTIONS, *evidence.ACTIONS):
            servers.describe_servers(shared, path)
        if action in evidence.ACTIONS:
            evidence.name_isolation_group(shared, path)

    return open_rig(
        shared, folder, adapt=adapt, only_works=True, WARM=warm, DIES_IN=str(dies_in or ""), HELD_IN=str(held_in or ""),
        CLOUDFLARE_API_TOKEN=TOKEN,
    )  # fmt: skip


def test_every_action_has_a_scene() -> None:
    assert set(SCENES) == set(all_actions()), "an action that is not killed at its every step is not to be trusted"


@pytest.mark.timeout(400)
@pytest.mark.parametrize("action", sorted(all_actions()))
def test_killed_at_every_point(shared: SharedStage, tmp_path: Path, action: str) -> None:
    steps, dies_in = [step.name for step in find_action(action).steps()], tmp_path / "deaths"
    with ExitStack() as stack:
        shared.reset()
        scene = SCENES[action](stack, shared)
        rig = stack.enter_context(open_worker(shared, tmp_path, action, dies_in=dies_in))
        rig.start()
        run = start(rig, action, scene.given)
        outlive(rig, run, dies_in)
        assert_proven_once(rig, run, steps, good=scene.good)
        rig.assert_sound()
        scene.done(rig, run)
        assert_died_everywhere(read_points(dies_in), steps)
        assert rig.bot.starts == 1 + len(read_points(dies_in))


def assert_died_everywhere(deaths: list[str], steps: list[str]) -> None:
    """At every point that each action has; inside each step at one at least."""
    wanted = {f"{step}: {point}" for step in steps for point in (BEFORE, BEGUN, HAPPENED)}
    wanted |= {f"run: {point}" for point in RUN}
    assert wanted <= set(deaths)
    assert [step for step in steps if not any(one.startswith(f"{step}: inside") for one in deaths)] == []


@pytest.mark.timeout(400)
@pytest.mark.parametrize("action", sorted(all_actions()))
def test_cancelled_during_every_step(shared: SharedStage, tmp_path: Path, action: str) -> None:
    """It ends as cancelled, or as done where it was too late; never while anything goes on out there."""
    steps, held_in = find_action(action).steps(), tmp_path / "held"
    with open_worker(shared, tmp_path, action, held_in=held_in) as rig:
        rig.start()
        for index, step in enumerate(steps):
            if action in HOME_AS_RESTORE_DATABASE and step.name in HOME:
                continue
            with ExitStack() as stack:
                shared.reset()
                scene = SCENES[action](stack, shared)
                run = cancel_inside(rig, held_in, step.name, action, scene)
                assert list_remote_work(rig) == [], f"{run.state} during {step.name}"
                where = f"{step.name}: {run.state}: {run.words}\n{rig.bot.log_tail()}"
                assert run.state == "cancelled" or (run.state == "done" and not can_stop_after(steps, index)), where
                rig.assert_sound()
                (scene.untouched if run.state == "cancelled" else scene.done)(rig, run)


def can_stop_after(steps: list[Step[Any]], index: int) -> bool:
    """Whether a later step may be left out: one that may be stopped, or any while none that may not has begun."""
    later, begun = steps[index + 1 :], steps[: index + 1]
    return any(one.cancellable for one in later) or (bool(later) and all(one.cancellable for one in begun))


def cancel_inside(rig: Rig, held_in: Path, step: str, action: str, scene: Scene) -> Run:
    """A run that is cancelled while it is inside a step, as it has ended."""
    reached = held_in.with_suffix(".reached")
    reached.unlink(missing_ok=True)
    held_in.write_text(f"{step}: inside", encoding="utf-8")
    run = start(rig, action, scene.given)
    rig.wait(f"the inside of {step}", lambda: reached.exists() or None)
    rig.services.runs.cancel(run.id, rig.person("diego"))
    held_in.unlink()
    return rig.finished(run.id)
