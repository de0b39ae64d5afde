"""A new password for the application's role: who is let in with which, at every moment that it may be interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from bot.recovery.action import World
from bot.recovery.application_move import Move, move_application
from bot.sandbox.primary_instance import DATABASE_URL_SECRET
from bot.sandbox.stage import DATABASE, Stage
from bot.systems.role_password import logs_in
from tests.crash.scenes_of_secrets import give_old_password
from tests.integration.rds.driver import Performance, bad, perform, prepare, refusal
from tests.stage_fixtures import SharedStage

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

GIVEN = {"database": DATABASE}


@pytest.fixture(autouse=True)
def old(shared_stage: SharedStage, secrets: SecretsManagerClient) -> Iterator[str]:
    """The URL with the password that there is at first, and is again at the end."""
    stage = shared_stage.stage
    stage.start_application()
    yield stage.cluster.url(DATABASE)
    give_old_password(stage)
    stage.start_application()


def current(client: SecretsManagerClient) -> str:
    return client.get_secret_value(SecretId=DATABASE_URL_SECRET)["SecretString"]


def kill_after(performance: Performance, step: str) -> None:
    performance.run(until=step)
    facts = next(one for one in performance.action.steps() if one.name == step).do(performance.context)
    performance.context.outputs[step] = facts
    performance.again()


def test_there_and_back(world: World, stage: Stage, secrets: SecretsManagerClient, old: str) -> None:
    with psycopg.connect(old) as stranger:
        performance, evidence = perform(world, "rotate_database_password", **GIVEN)
        assert bad(evidence) == []
        with pytest.raises(psycopg.OperationalError):
            stranger.execute("SELECT 1")
    new = current(secrets)
    assert (logs_in(new), logs_in(old)) == (True, False)
    assert stage.application_url == new, "the file has it"
    passwords = [str(conninfo_to_dict(url)["password"]) for url in (old, new)]
    shown = f"{performance.plan.model_dump_json()}{performance.context.outputs}{evidence}{performance.words}"
    log = stage.cluster.log_path.read_text(errors="replace")
    assert not [one for one in passwords if one in shown or one in log]
    undo = performance.action.undo(performance.context.parameters, performance.plan, performance.context.outputs)
    assert undo is not None
    _, evidence = perform(world, undo.action, **undo.parameters)
    assert bad(evidence) == []
    assert (current(secrets), logs_in(old), logs_in(new)) == (old, True, False)


def add_dead_host(world: World) -> World:
    """One that was shut off, or has died: it comes first in the policy."""
    well = world.policy.hosts["app_1"]
    nowhere = well.commands.model_copy(update={"python": ["/nowhere/python"], "started": ["/nowhere/started"]})
    dead = well.model_copy(update={"title": "The dead one", "commands": nowhere})
    return replace(world, policy=world.policy.model_copy(update={"hosts": {"app_0": dead, **world.policy.hosts}}))


def test_a_host_that_is_shut_off_keeps_the_new_password_from_no_other(
    world: World, stage: Stage, secrets: SecretsManagerClient, old: str
) -> None:
    """As in the playbook for security incidents, once a server was isolated."""
    performance, evidence = perform(add_dead_host(world), "rotate_database_password", **GIVEN)
    assert [one.name for one in evidence.verdicts if not one.good] == ["The dead one"]
    assert bad(evidence) == []
    told = next(one for one in evidence.verdicts if one.name == "The dead one")
    assert (told.unknown, "could not be reached" in told.found) == (True, True)
    assert "NOT on The dead one" in str(performance.context.outputs["environment"]["words"])
    assert stage.application_url == current(secrets) != old, "the one that answers has it"


def test_a_host_that_is_dead_keeps_the_others_from_no_other_database(
    world: World, stage: Stage, secrets: SecretsManagerClient, old: str
) -> None:
    context: Any = prepare(add_dead_host(world), "restart_application", application="traitortrack").context
    starts = stage.warehouse.starts
    found = move_application(context, Move("traitortrack", "traitortrack", "primary", None))
    assert (found["there"], found["left_out"]) == (
        True,
        {"app_0": "/nowhere/started cannot be started on The dead one: No such file or directory."},
    )
    assert "WITHOUT The dead one, which cannot be reached" in str(found["words"])
    assert stage.warehouse.starts == starts + 1


def test_the_server_hears_no_password(world: World, stage: Stage, secrets: SecretsManagerClient) -> None:
    """Not even one that writes every statement down."""
    with psycopg.connect(stage.cluster.admin_url, autocommit=True) as admin:
        admin.execute("ALTER ROLE traitortrack SET log_statement = 'all'")
        try:
            performance = prepare(world, "rotate_database_password", **GIVEN)
            performance.run(until="environment")
        finally:
            admin.execute("ALTER ROLE traitortrack RESET log_statement")
    log = stage.cluster.log_path.read_text(errors="replace")
    assert "ALTER ROLE" in log
    assert "SCRAM-SHA-256$" in log
    assert str(conninfo_to_dict(current(secrets))["password"]) not in log


@pytest.mark.parametrize("step", ["change", "application"])
def test_after_a_crash(world: World, stage: Stage, secrets: SecretsManagerClient, old: str, step: str) -> None:
    performance = prepare(world, "rotate_database_password", **GIVEN)
    kill_after(performance, step)
    assert (logs_in(current(secrets)), logs_in(old)) == (True, False)
    calls = [str(call["operation"]) for call in stage.cloud.calls()]
    assert calls == ["UpdateSecretVersionStage", "PutSecretValue", "UpdateSecretVersionStage"]
    assert bad(performance.prove()) == []


def test_given_up_between_the_change_and_the_switch(world: World, secrets: SecretsManagerClient, old: str) -> None:
    """The application knows only the old password, so that is what holds again."""
    performance = prepare(world, "rotate_database_password", **GIVEN)
    performance.run(until="switch")
    assert not logs_in(old)
    assert "has its old password" in performance.action.clean_up(performance.context)
    assert (logs_in(old), current(secrets)) == (True, old)


def test_given_up_while_the_server_is_away_no_password_is_thrown_away(
    world: World, secrets: SecretsManagerClient, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    performance = prepare(world, "rotate_database_password", **GIVEN)
    performance.run(until="switch")
    with monkeypatch.context() as away:
        away.setattr("bot.recovery.actions.rotate_database_password.logs_in", lambda url: False)
        assert "Both are kept" in performance.action.clean_up(performance.context)
    pending = secrets.get_secret_value(SecretId=DATABASE_URL_SECRET, VersionStage="AWSPENDING")["SecretString"]
    assert (logs_in(pending), logs_in(old)) == (True, False)
    assert "has its old password" in performance.action.clean_up(performance.context)
    assert logs_in(old)


def test_refused(world: World, secrets: SecretsManagerClient, old: str) -> None:
    def why(**given: str) -> str:
        return refusal(world, "rotate_database_password", **(GIVEN | given))

    assert "is not a database of the policy" in why(database="x; DROP ROLE y")
    assert "version: String should match" in why(version="'; --")
    elsewhere = secrets.put_secret_value(
        SecretId=DATABASE_URL_SECRET, SecretString="postgresql://other:pw@127.0.0.1:1/x", VersionStages=["elsewhere"]
    )
    assert "leads to 127.0.0.1:1/x as other" in why(version=elsewhere["VersionId"])
    secrets.put_secret_value(
        SecretId=DATABASE_URL_SECRET, SecretString=f"{old}?connect_timeout=2".replace(":", ":x", 2)
    )
    assert "does not lead into" in why() or "is not a PostgreSQL URL" in why()


def test_a_bot_without_a_role_of_its_own_does_not_shut_itself_out(world: World) -> None:
    bare = World(world.policy, {**world.environment, "HOLDFAST_RECOVERY_DATABASE_URL": ""}, world.now)
    assert "the bot itself uses the application's password" in refusal(bare, "rotate_database_password", **GIVEN)


def test_a_server_that_lets_anybody_in_proves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.systems.role_password.logs_in", lambda url: True)
    assert "with any password" in refusal(world, "rotate_database_password", **GIVEN)
