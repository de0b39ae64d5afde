"""Scenes of the actions on secrets. Counted at the outside: what the cloud was asked for, and who is let in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from bot.sandbox.primary_instance import DATABASE_URL_SECRET
from bot.sandbox.stage import DATABASE, Stage
from bot.store.tables import Run
from bot.systems.role_password import logs_in
from tests.crash.rig import Rig
from tests.crash.scenes import Build, Given, Scene
from tests.inventory import SESSION, secrets_in
from tests.stage_fixtures import SharedStage

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

OLD_ENVIRONMENT = "SESSION_SECRET=old\nMINE=1\n"
ROTATION = ("UpdateSecretVersionStage", "PutSecretValue", "UpdateSecretVersionStage")
DROPS = ("UpdateSecretVersionStage", "UpdateSecretVersionStage")
"""Of the labels that a cancelled run has put."""


def on_secret(arrange: Callable[[SecretsManagerClient], Given], *calls: str) -> Build:
    """An action that asks for `calls`, in this order; where it is cancelled nobody reads another value than before."""

    def build(stack: ExitStack, shared: SharedStage) -> Scene:
        client = open_secrets(stack, shared.stage)
        given = arrange(client)
        shared.stage.cloud.forget_calls()

        def done(rig: Rig, run: Run) -> None:
            assert list_calls(shared.stage) == [*calls]

        def untouched(rig: Rig, run: Run) -> None:
            ends = [DROPS[index:] for index in range(len(DROPS) + 1)]
            assert list_calls(shared.stage) in [[*calls[:count], *end] for count in range(len(calls)) for end in ends]
            assert {"AWSCURRENT"} <= list_labels(client) <= {"AWSCURRENT", "AWSPREVIOUS"}

        return Scene(given, done, untouched)

    return build


def a_deleted_one(client: SecretsManagerClient) -> Given:
    client.delete_secret(SecretId=SESSION)
    return {"secret": "SESSION_SECRET"}


def one_with_a_past(client: SecretsManagerClient) -> Given:
    client.put_secret_value(SecretId=SESSION, SecretString="newer")
    return {"secret": "SESSION_SECRET"}


def any_one(client: SecretsManagerClient) -> Given:
    return {"secret": "SESSION_SECRET"}


def write_environment(stack: ExitStack, shared: SharedStage) -> Scene:
    """The old file is kept once, whoever died in between; whoever is cancelled leaves it as it was."""
    path = shared.stage.environment_path
    open_secrets(stack, shared.stage)
    path.write_text(OLD_ENVIRONMENT, encoding="utf-8")

    def done(rig: Rig, run: Run) -> None:
        assert "ENVIRONMENT=production\n" in path.read_text(encoding="utf-8")
        kept, note = sorted(path.parent.glob(f"{path.name}.*"))
        assert kept.read_text(encoding="utf-8") == OLD_ENVIRONMENT
        assert note.name == f"{kept.name}.json"

    def untouched(rig: Rig, run: Run) -> None:
        assert path.read_text(encoding="utf-8") == OLD_ENVIRONMENT
        assert [one.name for one in path.parent.glob(f"{path.name}*")] == [path.name]

    return Scene({"application": "traitortrack"}, done, untouched)


def rotate_database_password(stack: ExitStack, shared: SharedStage) -> Scene:
    """One password leads in at the end, the one that the secret has; the application was restarted once."""
    stage = shared.stage
    client, old = open_secrets(stack, stage), stage.cluster.url(DATABASE)
    starts = stage.warehouse.starts
    stack.callback(give_old_password, stage)

    def done(rig: Rig, run: Run) -> None:
        new = client.get_secret_value(SecretId=DATABASE_URL_SECRET)["SecretString"]
        assert (logs_in(new), logs_in(old)) == (True, False)
        assert stage.application_url == new
        assert stage.warehouse.starts - starts == 1
        assert list_calls(stage) == [*ROTATION]

    def untouched(rig: Rig, run: Run) -> None:
        assert logs_in(old)
        assert client.get_secret_value(SecretId=DATABASE_URL_SECRET)["SecretString"] == old
        assert stage.warehouse.starts == starts

    return Scene({"database": DATABASE}, done, untouched)


def give_old_password(stage: Stage) -> None:
    """The stage as before: its own password, and no environment file."""
    stage.environment_path.unlink(missing_ok=True)
    stage.cluster.reset_passwords()
    stage.warehouse.stop()


def open_secrets(stack: ExitStack, stage: Stage) -> SecretsManagerClient:
    """boto3 in this process talks to the stage's cloud, which has the inventory."""
    patch = stack.enter_context(pytest.MonkeyPatch.context())
    for name, value in stage.cloud.environment().items():
        patch.setenv(name, value)
    return stack.enter_context(secrets_in(stage))


def list_calls(stage: Stage) -> list[str]:
    return [str(call["operation"]) for call in stage.cloud.calls() if call["service"] == "secretsmanager"]


def list_labels(client: SecretsManagerClient) -> set[str]:
    found = client.describe_secret(SecretId=SESSION)["VersionIdsToStages"]
    return {label for labels in found.values() for label in labels}
