"""Every action, every step: killed inside it, and once it has happened but is not written down; cancelled inside it.

One run of each action whose bot dies at every point that there is (`points`), again and again, ends as an undisturbed
one does. The actions and their steps are those of the registry: an action without a scene here is a failure.

What the engine does around a step and around a run is the same for every action. Its own points are therefore died at
by `THOROUGH` alone: an exchange of databases, what AWS carries out, what is done on hosts, and the least of all. The
others die where their own code is judged: inside each step, before, amid and after whatever it changes; once a step has
happened; and before the proof.

Cancelled is a run inside each of its steps, each time a new one, but for
- those that follow one in which it was too late: that run went on through them, with the wish standing;
- those whose code belongs to several actions (`ELSEWHERE`): they are cancelled in one of these.

The runs of a worker share its rigs (`kept_rigs`): policy, workspace and store; each has a bot of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.policy.plain_yaml import dump_plain, load_plain
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
from tests.crash.kept_rigs import KeptRigs
from tests.crash.points import BEFORE, BEGUN, CHANGES, HAPPENED, RUN, UNPROVEN, read_points
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
        rds.a_copy_and_a_replicated_secret,
        "StopReplicationToReplica", "UpdateSecretVersionStage", "PutSecretValue", "UpdateSecretVersionStage",
        undone=("UpdateSecretVersionStage",),
    ),
    "terminate_server": servers.terminate_server,
    "verify_auto_scaling": servers.verify_auto_scaling,
    "write_environment": secrets.write_environment,
}  # fmt: skip
WARM = {"autoscaling", "ec2", "elasticloadbalancing", "rds", "secretsmanager", "ssm"}
IN_BOTO3 = {"elasticloadbalancing": "elbv2"}
ARCHIVING = ("base_backup", "restore_to_time")
ON_SERVERS = (*servers.ACTIONS, *evidence.ACTIONS)
THOROUGH = ("end_queries", "put_back_database", "rds_snapshot", "restart_application")
HOME = ("prepare", "swap", "application")
ELSEWHERE = {
    "deploy_code_archive": ("deploy_code", ("install",)),
    "rds_create_replica": ("rds_restore_to_time", ("settle",)),
    "rds_restore_copy": ("rds_restore_to_time", ("settle", "look")),
    "rds_restore_snapshot": ("rds_restore_to_time", ("settle", "look")),
    "restore_plain_dump": ("restore_database", HOME),
    "restore_to_time": ("restore_database", HOME),
    "roll_back_code": ("deploy_code", ("install",)),
}
"""Steps of an action that are not cancelled in, since their code is that of the same steps of another, which are."""


@pytest.fixture
def shared(request: pytest.FixtureRequest, action: str) -> SharedStage:
    """The stage that the action needs."""
    found: SharedStage = request.getfixturevalue("archiving_stage" if action in ARCHIVING else "shared_stage")
    return found


@pytest.fixture(scope="session")
def kept_rigs() -> Iterator[KeptRigs]:
    rigs = KeptRigs()
    try:
        yield rigs
    finally:
        rigs.close()


@pytest.fixture
def lent(
    shared: SharedStage, action: str, kept_rigs: KeptRigs, tmp_path_factory: pytest.TempPathFactory
) -> AbstractContextManager[Rig]:
    """A rig whose bot is started cheaply. What the policy says of servers changes with each action on them, so that
    these have rigs of their own."""

    def open_it() -> AbstractContextManager[Rig]:
        return open_worker(shared, tmp_path_factory.mktemp("rig"), action)

    return open_it() if action in ON_SERVERS else kept_rigs.borrow(str(shared.stage.directory), open_it)


def open_worker(shared: SharedStage, folder: Path, action: str) -> AbstractContextManager[Rig]:
    """With the AWS services that such actions use read in already."""
    alike = [action] if action in ON_SERVERS else set(all_actions()) - set(ON_SERVERS)
    services = {permission.partition(":")[0] for one in alike for permission in find_action(one).permissions}
    warm = " ".join(sorted(IN_BOTO3.get(one, one) for one in services & WARM))

    def adapt(path: Path) -> None:
        hasten(path, restart="1 second")
        text = load_plain(path)
        names.adapt(text)
        text["backups"]["manual_weekly"]["local_folder"] = str(backups.local_folder(shared))
        dump_plain(path, text)
        if action in ON_SERVERS:
            servers.describe_servers(shared, path)
        if action in evidence.ACTIONS:
            evidence.name_isolation_group(shared, path)

    return open_rig(shared, folder, adapt=adapt, only_works=True, WARM=warm, CLOUDFLARE_API_TOKEN=TOKEN)


def test_every_action_has_a_scene() -> None:
    assert set(SCENES) == set(all_actions()), "an action that is not killed at its every step is not to be trusted"


@pytest.mark.timeout(400)
@pytest.mark.parametrize("action", sorted(all_actions()))
def test_killed_at_every_point(lent: AbstractContextManager[Rig], tmp_path: Path, action: str) -> None:
    steps, dies_in, thorough = find_action(action).steps(), tmp_path / "deaths", action in THOROUGH
    with lent as rig, ExitStack() as stack:
        rig.replace_bot(tmp_path, DIES_IN=str(dies_in), SPARES_ENGINE="" if thorough else "1")
        rig.shared.reset()
        scene = SCENES[action](stack, rig.shared)
        rig.start()
        run = start(rig, action, scene.given)
        outlive(rig, run, dies_in)
        assert_proven_once(rig, run, [step.name for step in steps], good=scene.good)
        rig.assert_sound()
        scene.done(rig, run)
        (assert_died_everywhere if thorough else assert_died_inside)(read_points(dies_in), steps)
        assert rig.bot.starts == 1 + len(read_points(dies_in))


def assert_died_everywhere(deaths: list[str], steps: list[Step[Any]]) -> None:
    """At every point that each action has; inside each step at one at least."""
    wanted = {f"{step.name}: {point}" for step in steps for point in (BEFORE, BEGUN, HAPPENED)}
    wanted |= {f"run: {point}" for point in RUN}
    assert wanted <= set(deaths)
    assert_died_inside(deaths, steps)


def assert_died_inside(deaths: list[str], steps: list[Step[Any]]) -> None:
    """Inside each step, and once it has happened, where it has changed anything; before the proof."""
    assert [step.name for step in steps if not any(one.startswith(f"{step.name}: inside") for one in deaths)] == []
    changing = [step.name for step in steps if step.happened or f"{step.name}: {CHANGES}" in deaths]
    wanted = {f"{step}: {point}" for step in changing for point in (CHANGES, HAPPENED)} | {f"run: {UNPROVEN}"}
    assert wanted <= set(deaths)


def test_what_is_cancelled_elsewhere_is_the_same() -> None:
    for action, (other, left_out) in ELSEWHERE.items():
        assert other not in ELSEWHERE
        for name in left_out:
            mine, theirs = (code_of(find_step(one, name)) for one in (action, other))
            assert mine is theirs, f"{name} of {action} is not that of {other}"


def find_step(action: str, name: str) -> Step[Any]:
    return next(step for step in find_action(action).steps() if step.name == name)


def code_of(step: Step[Any]) -> object:
    """What `do` runs, whatever is given to it beforehand."""
    do = step.do
    while isinstance(do, partial):
        do = do.func
    return do.__code__


@pytest.mark.timeout(400)
@pytest.mark.parametrize("action", sorted(all_actions()))
def test_cancelled_during_every_step(lent: AbstractContextManager[Rig], tmp_path: Path, action: str) -> None:
    """It ends as cancelled, or as done where it was too late; never while anything goes on out there."""
    steps, held_in = find_action(action).steps(), tmp_path / "held"
    _, left_out = ELSEWHERE.get(action, ("", ()))
    with lent as rig:
        rig.replace_bot(tmp_path, HELD_IN=str(held_in))
        rig.start()
        for index, step in enumerate(steps):
            if step.name not in left_out:
                state = judge_cancelled(rig, held_in, action, index)
                where = f"{step.name}: {state}\n{rig.bot.log_tail()}"
                assert state == "cancelled" or (state == "done" and not can_stop_after(steps, index)), where
                if state == "done":
                    break


def judge_cancelled(rig: Rig, held_in: Path, action: str, index: int) -> str:
    """How a run has ended that was cancelled inside a step; the world is as it is to be then."""
    step = find_action(action).steps()[index].name
    with ExitStack() as stack:
        rig.shared.reset()
        scene = SCENES[action](stack, rig.shared)
        run = cancel_inside(rig, held_in, step, action, scene)
        assert list_remote_work(rig) == [], f"{run.state} during {step}"
        assert run.state in ("cancelled", "done"), f"{step}: {run.state}: {run.words}\n{rig.bot.log_tail()}"
        rig.assert_sound()
        (scene.untouched if run.state == "cancelled" else scene.done)(rig, run)
        return run.state


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
