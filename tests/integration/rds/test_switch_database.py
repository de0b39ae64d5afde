"""The application goes to another database by its secret: new version, label, and back; nothing secret is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from bot.outcome import Failed, Refused
from bot.recovery.action import Evidence
from bot.recovery.fencing import fence, judge_fence
from bot.recovery.secret_switch import SwitchDatabase
from bot.sandbox.ports import free_port
from bot.sandbox.stage import DATABASE
from bot.systems.rds_database import move_url
from bot.systems.secrets import Secrets, token_for
from tests.integration.rds.conftest import PRIMARY, REGION, SECRET, Aws, is_open, port_of
from tests.integration.rds.driver import Performance, bad, perform, prepare, refusal, wait_until

pytestmark = pytest.mark.usefixtures("secret", "doors")


def failed(evidence: Evidence) -> list[str]:
    """What is bad besides what the warehouse itself says, which nobody restarts here: its old database is shut."""
    return [one.name for one in bad(evidence) if one.name not in ("Health", "Figures", "Login")]


def current(aws: Aws) -> str:
    return str(boto3.client("secretsmanager", region_name=REGION).get_secret_value(SecretId=SECRET)["SecretString"])


@contextmanager
def restarted(aws: Aws, identifier: str) -> Iterator[None]:
    """The application as it is after somebody restarted it: with a connection to where the secret leads."""
    url = make_conninfo(aws.stage.application_url, port=port_of(aws, identifier), application_name="gunicorn")
    with psycopg.connect(url):
        yield


def test_there_and_back(aws: Aws, copy: str) -> None:
    with restarted(aws, copy):
        there, evidence = perform(aws.world, "switch_database", database=DATABASE, instance=copy)
    assert failed(evidence) == []
    assert f":{port_of(aws, copy)}/" in current(aws)
    assert aws.calls() == ["UpdateSecretVersionStage", "PutSecretValue", "UpdateSecretVersionStage"]
    undo = there.action.undo(there.context.parameters, there.plan, there.context.outputs)
    assert undo is not None
    _, evidence = perform(aws.world, undo.action, **undo.parameters)
    assert current(aws) == aws.stage.application_url
    assert failed(evidence) in ([], ["Application's connections"])
    assert len(aws.calls("PutSecretValue")) == 1, "the way back moves a label"


def test_the_database_that_is_left_is_shut_and_the_other_open(aws: Aws, copy: str) -> None:
    """Late clients are thrown out and do not come back; the way back opens the one and shuts the other."""
    late = psycopg.connect(aws.stage.application_url, application_name="late")
    there, evidence = perform(aws.world, "switch_database", database=DATABASE, instance=copy)
    with pytest.raises(psycopg.OperationalError):
        late.execute("INSERT INTO bag (tag, destination, weight_grams) VALUES ('too late', 'FRA', 1)")
    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        psycopg.connect(aws.stage.application_url)
    assert (is_open(aws, PRIMARY), is_open(aws, copy)) == (False, True)
    assert next(one for one in evidence.verdicts if one.name == "Old database").good
    undo = there.action.undo(there.context.parameters, there.plan, there.context.outputs)
    assert undo is not None
    back = prepare(aws.world, undo.action, **undo.parameters)
    assert "is shut now" in str(back.plan.notes)
    back.run()
    assert (is_open(aws, PRIMARY), is_open(aws, copy)) == (True, False)


def test_a_way_back_that_is_given_up_leaves_the_doors_as_they_were(aws: Aws, copy: str) -> None:
    there, _ = perform(aws.world, "switch_database", database=DATABASE, instance=copy)
    undo = there.action.undo(there.context.parameters, there.plan, there.context.outputs)
    assert undo is not None
    back = prepare(aws.world, undo.action, **undo.parameters)
    back.run(until="switch")
    assert is_open(aws, PRIMARY)
    assert "as before" in back.action.clean_up(back.context)
    assert (is_open(aws, PRIMARY), is_open(aws, copy)) == (False, True)


def test_what_is_given_up_shuts_no_database_that_is_used_by_now(aws: Aws, copy: str) -> None:
    """Two ways back were planned; the other one, by another version with the same URL, went first."""
    there, _ = perform(aws.world, "switch_database", database=DATABASE, instance=copy)
    undo = there.action.undo(there.context.parameters, there.plan, there.context.outputs)
    assert undo is not None
    late = prepare(aws.world, undo.action, **undo.parameters)
    late.run(until="switch")
    boto3.client("secretsmanager", region_name=REGION).put_secret_value(
        SecretId=SECRET, SecretString=aws.stage.application_url
    )
    assert "already" in late.action.clean_up(late.context)
    assert is_open(aws, PRIMARY)


def put_alias(aws: Aws) -> str:
    """A version of the secret that leads to the present database under another name of its server."""
    client = boto3.client("secretsmanager", region_name=REGION)
    url = move_url(aws.stage.application_url, "localhost", port_of(aws, PRIMARY))
    answer = client.put_secret_value(SecretId=SECRET, SecretString=url, VersionStages=["elsewhere"])
    aws.stage.cloud.forget_calls()
    return str(answer["VersionId"])


def test_two_names_of_one_database_are_not_taken_for_two(aws: Aws) -> None:
    """It would be shut as the one that is left, and nobody could work any more."""
    version = put_alias(aws)
    words = refusal(aws.world, "switch_database", database=DATABASE, version=version)
    assert "are one database under two names" in words
    assert "localhost:" in words
    plan = prepare(aws.world, "fence_database", database=DATABASE, version=version).plan
    assert "THE APPLICATION USES IT" in str(plan.notes)


def test_what_is_shut_or_gone_is_called_so_whoever_asks(aws: Aws) -> None:
    """Whom it does not belong to could not shut it, and need not: nobody writes there."""
    url = make_conninfo(aws.stage.application_url, dbname="theirs")
    assert fence(aws.world, DATABASE, url)["shut"] is True
    assert judge_fence(aws.world, DATABASE, url).good
    with psycopg.connect(aws.stage.cluster.admin_url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE theirs")
        try:
            assert "NOT shut" in str(fence(aws.world, DATABASE, url)["words"])
            admin.execute("ALTER DATABASE theirs ALLOW_CONNECTIONS false")
            assert fence(aws.world, DATABASE, url)["shut"] is True
        finally:
            admin.execute("DROP DATABASE theirs")


def test_an_old_database_that_cannot_be_asked_is_unknown(aws: Aws) -> None:
    nowhere = make_conninfo(aws.stage.application_url, port=free_port())
    facts, verdict = fence(aws.world, DATABASE, nowhere), judge_fence(aws.world, DATABASE, nowhere)
    assert (facts["shut"], verdict.unknown, verdict.bad) == (False, True, False)
    assert "cannot be reached" in str(facts["words"])
    assert "Fence it once" in verdict.found


def test_application_that_is_not_restarted_is_told(aws: Aws, copy: str) -> None:
    _, evidence = perform(aws.world, "switch_database", database=DATABASE, instance=copy)
    assert failed(evidence) == ["Application's connections"]
    assert "must be restarted" in next(one.found for one in bad(evidence) if one.name == "Application's connections")


def test_nothing_secret_in_plan_and_outputs(aws: Aws, copy: str) -> None:
    performance, evidence = perform(aws.world, "switch_database", database=DATABASE, instance=copy)
    password = psycopg.conninfo.conninfo_to_dict(aws.stage.application_url)["password"]
    shown = f"{performance.plan.model_dump_json()}{performance.context.outputs}{evidence}{performance.words}"
    assert str(password) not in shown


def test_loss_is_what_only_the_present_one_has(aws: Aws, copy: str) -> None:
    with psycopg.connect(aws.stage.application_url) as connection:
        connection.execute(
            "INSERT INTO bag (tag, destination, weight_grams) "
            "SELECT 'late-' || n || random(), 'FRA', 10 FROM generate_series(1, 5) AS n"
        )
    assert prepare(aws.world, "switch_database", database=DATABASE, instance=copy).plan.loss.rows == 5


def kill_after(performance: Performance, step: str) -> None:
    """Everything up to a step is done and forgotten."""
    performance.run(until=step)
    performance.context.outputs[step] = next(one for one in performance.action.steps() if one.name == step).do(
        performance.context
    )
    performance.again()


@pytest.mark.parametrize("step", ["keep", "prepare", "switch"])
def test_after_a_crash(aws: Aws, copy: str, step: str) -> None:
    performance = prepare(aws.world, "switch_database", database=DATABASE, instance=copy)
    kill_after(performance, step)
    assert f":{port_of(aws, copy)}/" in current(aws)
    assert aws.calls() == ["UpdateSecretVersionStage", "PutSecretValue", "UpdateSecretVersionStage"]


@pytest.mark.parametrize("operation", ["UpdateSecretVersionStage", "PutSecretValue"])
def test_lost_answers(aws: Aws, copy: str, operation: str) -> None:
    aws.stage.cloud.fail("lost", operation)
    performance, _ = perform(aws.world, "switch_database", database=DATABASE, instance=copy)
    assert f":{port_of(aws, copy)}/" in current(aws)
    assert len(aws.calls()) == 3
    secret = Secrets(REGION).observe(SECRET)
    assert secret.current == token_for(performance.context.mark)


def test_given_up_before_the_switch(aws: Aws, copy: str) -> None:
    """No label of ours stays; the application was never touched."""
    performance = prepare(aws.world, "switch_database", database=DATABASE, instance=copy)
    performance.run(until="switch")
    assert "as before; the application was not touched" in performance.action.clean_up(performance.context)
    labels = {label for found in Secrets(REGION).observe(SECRET).labels.values() for label in found}
    assert labels == {"AWSCURRENT"}
    assert current(aws) == aws.stage.application_url


def test_somebody_else_moved_the_label(aws: Aws, copy: str) -> None:
    performance = prepare(aws.world, "switch_database", database=DATABASE, instance=copy)
    performance.run(until="switch")
    boto3.client("secretsmanager", region_name=REGION).put_secret_value(
        SecretId=SECRET, SecretString="postgresql://x/y"
    )
    with pytest.raises((Refused, Failed)):
        performance.run()
    assert current(aws) == "postgresql://x/y"


def test_refused(aws: Aws, copy: str) -> None:
    def why(**given: str) -> str:
        return refusal(aws.world, "switch_database", database=DATABASE, **given)

    assert "leads to" in why(instance=PRIMARY)
    assert "name either" in why()
    assert "name either" in why(instance=copy, version="0" * 36)
    assert "cannot be read" in why(version="0" * 36)
    aws.stage.cloud.adopt_rds_instance("deaf", None)
    assert "has no endpoint" in why(instance="deaf")
    boto3.client("secretsmanager", region_name=REGION).delete_secret(SecretId=SECRET)
    assert "scheduled for deletion" in why(instance=copy)


def test_replica_is_refused(aws: Aws) -> None:
    aws.client.create_db_instance_read_replica(
        DBInstanceIdentifier="traitortrack-replica-1", SourceDBInstanceIdentifier=PRIMARY
    )
    wait_until("the replica", lambda: aws.rds.observe("traitortrack-replica-1").status == "available")
    words = refusal(aws.world, "switch_database", database=DATABASE, instance="traitortrack-replica-1")
    assert "takes no writes" in words


def test_parameters_are_one_place() -> None:
    assert SwitchDatabase(database=DATABASE, instance="a").version is None
