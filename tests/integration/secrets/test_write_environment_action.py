"""Writing the application's environment on a host of the stage, from its Secrets Manager, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.outcome import Failed
from bot.recovery.action import World
from bot.recovery.environment_file import write_environment
from bot.recovery.on_hosts import open_application_hosts
from bot.sandbox.stage import Stage
from tests.integration.rds.driver import bad, perform, prepare, refusal
from tests.inventory import SENDGRID, SESSION, make_values

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

GIVEN = {"application": "traitortrack"}


def test_written_proven_and_put_back_and_nothing_shown(world: World, stage: Stage) -> None:
    path = stage.environment_path
    path.write_text("SESSION_SECRET=old\nMINE=1\n", encoding="utf-8")
    performance, evidence = perform(world, "write_environment", **GIVEN)
    assert bad(evidence) == []
    written = path.read_text(encoding="utf-8")
    assert make_values(stage)[SENDGRID] in written
    assert "ENVIRONMENT=production" in written
    assert "MINE=1" in written
    notes = " ".join(performance.plan.notes)
    assert "has other values of ENVIRONMENT, REPLIT_DEPLOYMENT, PRODUCTION_DATABASE_URL, SESSION_SECRET" in notes
    assert "stays as it is: MINE" in notes
    assert "mode 644 becomes 600" in notes
    shown = f"{performance.plan.model_dump_json()}{performance.context.outputs}{evidence}{performance.words}"
    assert not [value for value in make_values(stage).values() if value in shown]
    undo = performance.action.undo(performance.context.parameters, performance.plan, performance.context.outputs)
    assert undo is not None
    parameters = {**undo.parameters, "kept": performance.context.mark}
    assert undo.parameters == parameters
    _, evidence = perform(world, undo.action, **undo.parameters)
    assert bad(evidence) == []
    assert path.read_text(encoding="utf-8") == "SESSION_SECRET=old\nMINE=1\n"


def test_again_after_a_crash_writes_once(world: World, stage: Stage) -> None:
    stage.environment_path.write_text("MINE=1\n", encoding="utf-8")
    performance = prepare(world, "write_environment", **GIVEN)
    performance.run()
    before = stage.environment_path.stat().st_mtime_ns
    performance.again()
    assert stage.environment_path.stat().st_mtime_ns == before
    assert bad(performance.prove()) == []


def test_the_approved_version_is_written_even_when_there_is_a_newer_one(
    world: World, stage: Stage, secrets: SecretsManagerClient
) -> None:
    performance = prepare(world, "write_environment", **GIVEN)
    secrets.put_secret_value(SecretId=SESSION, SecretString="newer")
    performance.run()
    assert "newer" not in stage.environment_path.read_text(encoding="utf-8")
    assert performance.action.moved(
        performance.plan.observed, performance.action.observe(world, performance.context.parameters)
    )


def test_cancelled_after_it_was_written(world: World, stage: Stage) -> None:
    stage.environment_path.write_text("MINE=1\n", encoding="utf-8")
    performance = prepare(world, "write_environment", **GIVEN)
    performance.run()
    assert "is the old one again" in performance.action.clean_up(performance.context)
    assert stage.environment_path.read_text(encoding="utf-8") == "MINE=1\n"
    assert "No file was exchanged" in performance.action.clean_up(performance.context)


def test_for_a_new_server(world: World, stage: Stage) -> None:
    """What is planned for somebody else's action: the versions that are current when its turn comes."""
    context = prepare(world, "restart_application", **GIVEN).context
    found = write_environment(context, open_application_hosts(world, "traitortrack")[0])
    assert (found["present"], found["mode"]) == (True, "600")
    assert make_values(stage)[SENDGRID] in stage.environment_path.read_text(encoding="utf-8")


def test_refused_in_words(world: World, stage: Stage, secrets: SecretsManagerClient) -> None:
    def why(**given: str) -> str:
        return refusal(world, "write_environment", **(GIVEN | given))

    assert "is not an application of the policy" in why(application="$(id)")
    assert "kept: String should match" in why(kept="../../etc/passwd")
    assert ".before-run9-a is not on This machine" in why(kept="run9-a")
    secrets.put_secret_value(SecretId=SESSION, SecretString="two\nlines")
    assert "SESSION_SECRET (traitortrack/production/session-secret) holds a line break" in why()
    secrets.delete_secret(SecretId=SESSION)
    assert "scheduled for deletion" in why()


def test_a_host_that_may_not_read_it_says_so(world: World, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    performance = prepare(world, "write_environment", **GIVEN)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Failed, match="PRODUCTION_DATABASE_URL was not read"):
        performance.run()
    assert not stage.environment_path.exists()
