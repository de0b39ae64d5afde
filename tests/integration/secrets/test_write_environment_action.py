"""Writing the application's environment on a host of the stage, from its Secrets Manager, and the way back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bot.outcome import Failed
from bot.recovery.action import World
from bot.recovery.environment_file import write_environment
from bot.recovery.on_hosts import open_application_hosts
from bot.sandbox.stage import Stage
from tests.elsewhere import python_elsewhere
from tests.integration.rds.driver import Performance, bad, perform, prepare, refusal
from tests.inventory import SENDGRID, SESSION, make_values

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

GIVEN = {"application": "traitortrack"}


@pytest.fixture
def second_path(tmp_path: Path) -> Path:
    """The environment file of the second of two hosts."""
    return tmp_path / "second.env"


@pytest.fixture
def two_hosts(world: World, stage: Stage, second_path: Path, tmp_path: Path) -> World:
    """Beside this machine a second host, on which the file is another one."""
    python = python_elsewhere(tmp_path, stage.environment_path, second_path)
    first = world.policy.hosts["app_1"]
    commands = first.commands.model_copy(update={"python": python})
    second = first.model_copy(update={"title": "The second machine", "commands": commands})
    return replace(world, policy=world.policy.model_copy(update={"hosts": {"app_1": first, "app_2": second}}))


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
    assert path.stat().st_mode & 0o777 == 0o644, "exactly what it had"


def undo_of(done: Performance) -> dict[str, Any]:
    """The parameters of what takes it back."""
    back = done.action.undo(done.context.parameters, done.plan, done.context.outputs)
    assert back is not None
    assert back.action == "write_environment"
    return dict(back.parameters)


def test_a_file_that_was_newly_made_is_removed_again_and_comes_back(world: World, stage: Stage) -> None:
    made, _ = perform(world, "write_environment", **GIVEN)
    text = stage.environment_path.read_text(encoding="utf-8")
    removed, evidence = perform(world, "write_environment", **undo_of(made))
    assert "there was no" in " ".join(removed.plan.notes)
    assert (bad(evidence), stage.environment_path.exists()) == ([], False)
    _, evidence = perform(world, "write_environment", **undo_of(removed))
    assert (bad(evidence), stage.environment_path.read_text(encoding="utf-8")) == ([], text)


def test_what_somebody_else_has_changed_since_is_not_undone(world: World, stage: Stage) -> None:
    made, _ = perform(world, "write_environment", **GIVEN)
    planned = prepare(world, "write_environment", **undo_of(made))
    with stage.environment_path.open("a", encoding="utf-8") as file:
        file.write("NEWER=1\n")
    assert "changed by somebody else since" in refusal(world, "write_environment", **undo_of(made))
    with pytest.raises(Failed, match="changed by somebody else since"):
        planned.run()
    assert "NEWER=1" in stage.environment_path.read_text(encoding="utf-8")
    assert "was changed by somebody else" in made.action.clean_up(made.context)
    assert "NEWER=1" in stage.environment_path.read_text(encoding="utf-8")


def test_a_host_that_had_the_values_already_stays_as_it_is(two_hosts: World, stage: Stage, second_path: Path) -> None:
    """What is undone is what was changed: here on the second of two hosts."""
    perform(two_hosts, "write_environment", **GIVEN)
    first, second = stage.environment_path, second_path
    second.write_text("MINE=1\n", encoding="utf-8")
    before = first.read_text(encoding="utf-8"), first.stat().st_mtime_ns
    done, _ = perform(two_hosts, "write_environment", **GIVEN)
    back, evidence = perform(two_hosts, "write_environment", **undo_of(done))
    assert bad(evidence) == []
    assert "has left nothing there" in " ".join(back.plan.notes)
    assert second.read_text(encoding="utf-8") == "MINE=1\n"
    assert (first.read_text(encoding="utf-8"), first.stat().st_mtime_ns) == before


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
    assert ".before-run9-a is on none of This machine" in why(kept="run9-a")
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
