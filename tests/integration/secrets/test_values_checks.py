"""A secret that somebody has overwritten: each way is found, no value is shown, and the way back does what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from bot.diagnostics.check import Surroundings
from bot.diagnostics.checks.secrets_database_login import CHECK as LOGIN
from bot.diagnostics.checks.secrets_values import CHECK as VALUES
from bot.recovery.action import World
from bot.sandbox.primary_instance import DATABASE_URL_SECRET
from bot.sandbox.stage import Stage
from bot.store.documents import Finding
from tests.aws_calls import watch_check
from tests.integration.rds.driver import bad, perform
from tests.inventory import ADMIN, SENDGRID, SESSION, make_values

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

URL = "PRODUCTION_DATABASE_URL"


@pytest.fixture
def around(world: World) -> Surroundings:
    return Surroundings(world.policy, world.environment, world.now, "traitortrack")


def assert_nothing_shown(found: Finding, stage: Stage, *more: str) -> None:
    shown = found.model_dump_json()
    password = str(urlsplit(stage.application_url).password)
    assert not [one for one in (*make_values(stage).values(), password, *more) if one in shown]


def test_all_hold_what_they_should(around: Surroundings, stage: Stage) -> None:
    with watch_check(VALUES) as rights:
        found = VALUES.run(around)
    assert rights == set(VALUES.permissions)
    assert found.state == "ok", found
    assert len(found.evidence) == len(around.policy.secrets)
    assert_nothing_shown(found, stage)


@pytest.mark.parametrize("text", ["changeme", "TODO", "xxx", "<secret>", " "])
def test_a_placeholder_leads_to_the_version_before(
    around: Surroundings, world: World, stage: Stage, secrets: SecretsManagerClient, text: str
) -> None:
    secrets.put_secret_value(SecretId=SESSION, SecretString=text)
    found = VALUES.run(around)
    assert (found.state, found.signs) == ("critical", ["secret wrong"])
    assert found.summary.startswith(f"SESSION_SECRET ({SESSION}) ")
    assert_nothing_shown(found, stage, *([text] if text.strip() else []))
    [back] = found.suggests
    _, evidence = perform(world, back.action, **back.parameters)
    assert bad(evidence) == []
    assert VALUES.run(around).state == "ok"


def test_without_a_good_version_before_it_is_put_by_hand(around: Surroundings, secrets: SecretsManagerClient) -> None:
    for text in ("changeme", "TODO"):
        secrets.put_secret_value(SecretId=ADMIN, SecretString=text)
    found = VALUES.run(around)
    assert (found.state, found.suggests) == ("critical", [])
    assert "put the right value as a new version" in found.summary


def test_one_written_over_another(around: Surroundings, stage: Stage, secrets: SecretsManagerClient) -> None:
    secrets.put_secret_value(SecretId=SENDGRID, SecretString=make_values(stage)[SESSION])
    found = VALUES.run(around)
    assert (found.state, found.signs) == ("warning", ["secret wrong"])
    assert "SESSION_SECRET and SENDGRID_API_KEY have the same value" in found.summary
    assert [one.parameters["secret"] for one in found.suggests] == ["SENDGRID_API_KEY"]
    assert_nothing_shown(found, stage)


def test_secrets_that_may_not_be_read_are_unknown_and_the_others_are_judged(
    around: Surroundings, secrets: SecretsManagerClient
) -> None:
    secrets.put_secret_value(SecretId=ADMIN, SecretBinary=b"\x00\x01")
    secrets.put_secret_value(SecretId=SESSION, SecretString="changeme")
    found = VALUES.run(around)
    assert found.state == "critical"
    assert [one for one in found.evidence if "holds bytes" in one]


@pytest.mark.parametrize(
    ("overwritten", "words"),
    [
        ("TODO", "is not a PostgreSQL URL"),
        ("postgresql://traitortrack:x@[db/traitortrack", "is not a PostgreSQL URL"),
        ("postgresql://traitortrack:geheim@db.invalid/traitortrack", "does not log in"),
    ],
)
def test_a_url_that_leads_nowhere(
    around: Surroundings, world: World, stage: Stage, secrets: SecretsManagerClient, overwritten: str, words: str
) -> None:
    secrets.put_secret_value(SecretId=DATABASE_URL_SECRET, SecretString=overwritten)
    found = LOGIN.run(around)
    assert (found.state, words in found.summary) == ("critical", True), found
    assert_nothing_shown(found, stage, "geheim")
    [back] = found.suggests
    assert bad(perform(world, back.action, **back.parameters)[1]) == []
    assert LOGIN.run(around).state == "ok"


def test_a_url_that_leads_to_the_server_itself(around: Surroundings, secrets: SecretsManagerClient) -> None:
    """The bot's own way is not here; with the stage, where everything is on one machine, it would be right."""
    away = replace(around, environment={URL: "postgresql://traitortrack:x@db.example.com/traitortrack"})
    found = LOGIN.run(away)
    assert (found.state, found.signs) == ("critical", ["secret wrong"])
    assert "that is the server itself" in found.summary


def test_a_url_that_leads_to_another_database(
    around: Surroundings, stage: Stage, secrets: SecretsManagerClient
) -> None:
    other = stage.cluster.url("postgres", role="postgres")
    secrets.put_secret_value(SecretId=DATABASE_URL_SECRET, SecretString=other)
    for environment in (around.environment, {}):
        found = LOGIN.run(replace(around, environment=environment))
        assert (found.state, found.signs) == ("warning", ["wrong address"]), found
        assert "/postgres" in found.summary
        assert [one.action for one in found.suggests] == ["roll_back_secret"]
