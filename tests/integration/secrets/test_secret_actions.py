"""Restoring, rolling back and rotating secrets: what readers get, what AWS is asked for, and that no value is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.outcome import Failed, Refused
from bot.recovery.action import World
from bot.sandbox.cloud import REGION
from bot.sandbox.stage import Stage
from bot.systems.secrets import CURRENT, Secrets, token_for
from tests.integration.rds.driver import Performance, bad, perform, prepare, refusal
from tests.inventory import SESSION, make_values

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

GIVEN = {"secret": "SESSION_SECRET"}


def current(client: SecretsManagerClient, name: str = SESSION) -> str:
    return client.get_secret_value(SecretId=name)["SecretString"]


def calls(stage: Stage) -> list[str]:
    return [str(call["operation"]) for call in stage.cloud.calls()]


def shown(performance: Performance, *more: object) -> str:
    return f"{performance.plan.model_dump_json()}{performance.context.outputs}{performance.words}{more}"


def kill_after(performance: Performance, step: str) -> None:
    performance.run(until=step)
    next(one for one in performance.action.steps() if one.name == step).do(performance.context)
    performance.again()


def test_restored_from_the_waiting_room(world: World, stage: Stage, secrets: SecretsManagerClient) -> None:
    assert "is not scheduled for deletion" in refusal(world, "restore_secret", **GIVEN)
    secrets.delete_secret(SecretId=SESSION, RecoveryWindowInDays=7)
    stage.cloud.forget_calls()
    performance, evidence = perform(world, "restore_secret", **GIVEN)
    assert bad(evidence) == []
    assert current(secrets) == make_values(stage)[SESSION]
    performance.again()
    assert calls(stage) == ["RestoreSecret"]


def test_restore_whose_answer_is_lost(world: World, stage: Stage, secrets: SecretsManagerClient) -> None:
    secrets.delete_secret(SecretId=SESSION)
    stage.cloud.forget_calls()
    stage.cloud.fail("lost", "RestoreSecret")
    assert bad(perform(world, "restore_secret", **GIVEN)[1]) == []
    assert calls(stage) == ["RestoreSecret"]


def test_rotated_and_back(world: World, stage: Stage, secrets: SecretsManagerClient) -> None:
    old = current(secrets)
    performance, evidence = perform(world, "rotate_secret", **GIVEN)
    new = current(secrets)
    assert bad(evidence) == []
    assert new != old
    assert len(new) == 86
    assert calls(stage) == ["UpdateSecretVersionStage", "PutSecretValue", "UpdateSecretVersionStage"]
    assert not [value for value in (old, new) if value in shown(performance, evidence)]
    undo = performance.action.undo(performance.context.parameters, performance.plan, performance.context.outputs)
    assert undo is not None
    back, evidence = perform(world, undo.action, **undo.parameters)
    assert bad(evidence) == []
    assert current(secrets) == old
    assert not [value for value in (old, new) if value in shown(back, evidence)]
    assert bad(perform(world, "roll_back_secret", **GIVEN)[1]) == [], "to the one before the present: the new one again"
    assert current(secrets) == new


@pytest.mark.parametrize("step", ["keep", "prepare", "switch"])
def test_rotated_once_after_a_crash(world: World, stage: Stage, secrets: SecretsManagerClient, step: str) -> None:
    performance = prepare(world, "rotate_secret", **GIVEN)
    kill_after(performance, step)
    assert calls(stage) == ["UpdateSecretVersionStage", "PutSecretValue", "UpdateSecretVersionStage"]
    assert Secrets(REGION).observe(SESSION).current == token_for(performance.context.mark)
    assert bad(performance.prove()) == []


def test_a_value_that_was_put_but_is_not_seen_yet_counts(world: World, secrets: SecretsManagerClient) -> None:
    """The labels lag behind: the same token with another random value is refused by AWS, and that is well."""
    performance = prepare(world, "rotate_secret", **GIVEN)
    performance.run(until="prepare")
    token = token_for(performance.context.mark)
    secrets.put_secret_value(SecretId=SESSION, SecretString="first", ClientRequestToken=token, VersionStages=["other"])
    secrets.update_secret_version_stage(SecretId=SESSION, VersionStage="other", RemoveFromVersionId=token)
    performance.run()
    assert current(secrets) == "first"


def test_given_up_before_the_switch(world: World, secrets: SecretsManagerClient) -> None:
    performance = prepare(world, "rotate_secret", **GIVEN)
    performance.run(until="switch")
    before = current(secrets)
    assert "as before" in performance.action.clean_up(performance.context)
    labels = {label for found in Secrets(REGION).observe(SESSION).labels.values() for label in found}
    assert (labels, current(secrets)) == ({CURRENT}, before)


def test_somebody_else_was_faster(world: World, secrets: SecretsManagerClient) -> None:
    performance = prepare(world, "rotate_secret", **GIVEN)
    performance.run(until="switch")
    secrets.put_secret_value(SecretId=SESSION, SecretString="theirs")
    with pytest.raises((Refused, Failed)):
        performance.run()
    assert current(secrets) == "theirs"


def test_labels_of_ours_do_not_fill_the_secret(world: World, secrets: SecretsManagerClient) -> None:
    """Secrets Manager has place for 20; the oldest of ours go."""
    for number in range(15):
        performance = prepare(world, "rotate_secret", **GIVEN)
        performance.context.mark = f"run{number}-{0x6900 + number:x}"
        performance.run()
    found = Secrets(REGION).observe(SESSION).labels
    ours = sorted(label for labels in found.values() for label in labels if label.startswith("holdfast-"))
    assert len(ours) == 10
    assert "holdfast-before-run14-690e" in ours
    assert "holdfast-before-run4-6904" not in ours


def test_refused(world: World, secrets: SecretsManagerClient) -> None:
    why = refusal(world, "rotate_secret", secret="SENDGRID_API_KEY")
    assert "not made here" in why
    assert "At SendGrid, Settings, API Keys: create a key" in why
    assert "Change it in the application" in refusal(world, "rotate_secret", secret="ADMIN_PASSWORD")
    assert "rotate_database_password" in refusal(world, "rotate_secret", secret="PRODUCTION_DATABASE_URL")
    assert "has no version AWSPREVIOUS" in refusal(world, "roll_back_secret", **GIVEN)
    assert "is the current one" in refusal(
        world, "roll_back_secret", **GIVEN, version=str(Secrets(REGION).observe(SESSION).current)
    )
    assert "cannot be read" in refusal(world, "roll_back_secret", **GIVEN, version="0" * 36)
    assert "version: String should match" in refusal(world, "roll_back_secret", **GIVEN, version="$(touch /tmp/x)")
    for action in ("rotate_secret", "roll_back_secret", "restore_secret"):
        assert "is not a secret of the policy" in refusal(world, action, secret="$(id)")
    secrets.delete_secret(SecretId=SESSION)
    assert "scheduled for deletion" in refusal(world, "rotate_secret", **GIVEN)
    secrets.restore_secret(SecretId=SESSION)


def test_choices_name_versions_without_values(world: World, stage: Stage, secrets: SecretsManagerClient) -> None:
    perform(world, "rotate_secret", **GIVEN)
    action = prepare(world, "roll_back_secret", **GIVEN).action
    found = action.choices(world, "version", {"secret": "SESSION_SECRET"})
    assert found is not None
    assert len(found) == 1
    assert "AWSPREVIOUS" in found[0][1]
    rotatable = prepare(world, "rotate_secret", **GIVEN).action.choices(world, "secret", {})
    assert [name for name, _ in rotatable or []] == ["SESSION_SECRET"]
