"""The encrypted offline copy: made and restored at a terminal, proven by decrypting what S3 has, never in plain."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from bot.diagnostics.check import Surroundings
from bot.diagnostics.checks.secrets_offline_copy import CHECK
from bot.outcome import Refused
from bot.policy import load_policy
from bot.recovery.action import World
from bot.recovery.offline_copy import compare, make_copy, open_copies, put_back, read_copy
from bot.sandbox.cloud import BUCKET
from bot.sandbox.primary_instance import DATABASE_URL_SECRET
from bot.sandbox.stage import DATABASE, Stage
from bot.sandbox.workspace import serve
from bot.store.database import Database
from bot.store.tables import LedgerEntry
from bot.systems.gpg import GpgFailed, GpgMissing, decrypt, encrypt
from tests.integration.handlers.rig import make_workspace
from tests.integration.rds.driver import bad, perform, refusal, wait_until
from tests.integration.secrets.keyboard import type_at
from tests.integration.terminal.conftest import Terminal, make_environment
from tests.inventory import ADMIN, SENDGRID, SESSION, forget, make_values

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

PASSPHRASE = "korrekt pferd batterie klammer"
NEWEST = "secrets/traitortrack-secrets-backup.gpg"
HIDDEN = SecretStr(PASSPHRASE)


@pytest.fixture(autouse=True)
def _no_copies(stage: Stage) -> Iterator[None]:
    yield
    for page in stage.cloud.s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET, Prefix="secrets/"):
        for entry in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            stage.cloud.s3.delete_object(Bucket=BUCKET, Key=entry["Key"], VersionId=entry["VersionId"])


def test_there_and_back_through_gpg() -> None:
    text = "umlaut ä, quote ' and \n".encode() * 1000
    closed = encrypt(text, HIDDEN, "AES256")
    assert text[:20] not in closed
    assert decrypt(closed, HIDDEN) == text
    with pytest.raises(GpgFailed, match="could not decrypt"):
        decrypt(closed, SecretStr("another passphrase"))
    with pytest.raises(GpgFailed):
        decrypt(closed[:-30], HIDDEN)
    packets = subprocess.run(
        ["gpg", "--batch", "--list-packets", "--pinentry-mode", "cancel"],
        input=closed,
        capture_output=True,
        check=False,
    )
    assert b"cipher 9" in packets.stdout + packets.stderr, "AES256 (RFC 4880, 9.2)"


def test_no_gpg_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GpgMissing, match="no gpg on this machine"):
        encrypt(b"x", HIDDEN, "AES256")


def test_made_compared_and_put_back(world: World, stage: Stage, secrets: SecretsManagerClient) -> None:
    made = make_copy(world, HIDDEN)
    assert list(made.fingerprints) == world.policy.secrets_offline_copy.holds
    head = stage.cloud.s3.head_object(Bucket=BUCKET, Key=NEWEST)
    assert head["ServerSideEncryption"] == "AES256"
    body = stage.cloud.s3.get_object(Bucket=BUCKET, Key=made.archive)["Body"].read()
    assert not [value for value in make_values(stage).values() if value.encode() in body]
    secrets.put_secret_value(SecretId=SESSION, SecretString="spoiled")
    secrets.delete_secret(SecretId=ADMIN)
    forget(secrets, SENDGRID)
    copy, values = read_copy(world, HIDDEN)
    assert copy.place.endswith(NEWEST)
    states = {one.variable: one.state for one in compare(world, values)}
    assert states == {
        "SESSION_SECRET": "another value", "ADMIN_PASSWORD": "scheduled for deletion",
        "PRODUCTION_DATABASE_URL": "the same", "SENDGRID_API_KEY": "missing",
    }  # fmt: skip
    version = put_back(world, "SESSION_SECRET", values["SESSION_SECRET"])
    assert secrets.get_secret_value(SecretId=SESSION)["SecretString"] == "spoiled", "nobody reads it yet"
    assert put_back(world, "SESSION_SECRET", values["SESSION_SECRET"]) == version, "twice is once"
    assert bad(perform(world, "roll_back_secret", secret="SESSION_SECRET", version=version)[1]) == []
    assert put_back(world, "SENDGRID_API_KEY", values["SENDGRID_API_KEY"]) is None
    for name in (SESSION, SENDGRID):
        assert secrets.get_secret_value(SecretId=name)["SecretString"] == make_values(stage)[name]


def test_a_connection_that_was_spoiled_comes_back(world: World, stage: Stage, secrets: SecretsManagerClient) -> None:
    make_copy(world, HIDDEN)
    secrets.put_secret_value(SecretId=DATABASE_URL_SECRET, SecretString="garbage")
    _, values = read_copy(world, HIDDEN)
    version = put_back(world, "PRODUCTION_DATABASE_URL", values["PRODUCTION_DATABASE_URL"])
    perform(world, "roll_back_secret", secret="PRODUCTION_DATABASE_URL", version=version)
    assert secrets.get_secret_value(SecretId=DATABASE_URL_SECRET)["SecretString"] == stage.cluster.url(DATABASE)
    wrong = secrets.put_secret_value(
        SecretId=DATABASE_URL_SECRET, SecretString=stage.cluster.url(DATABASE).replace("@", "x@"), VersionStages=["old"]
    )["VersionId"]
    words = refusal(world, "roll_back_secret", secret="PRODUCTION_DATABASE_URL", version=wrong)
    assert "does not lead into its database" in words


def test_a_weak_passphrase_is_refused(world: World) -> None:
    with pytest.raises(Refused, match="fewer than 12 characters"):
        make_copy(world, SecretStr("short"))


def test_its_age_is_looked_at(world: World, stage: Stage, secrets: SecretsManagerClient) -> None:
    def look(days: float = 0) -> tuple[str, str]:
        def later() -> datetime:
            return world.now() + timedelta(days=days)

        found = CHECK.run(Surroundings(world.policy, world.environment, later, DATABASE))
        return found.state, " ".join([found.summary, *found.evidence])

    state, words = look()
    assert (state, "There is no copy" in words) == ("warning", True)
    make_copy(world, HIDDEN)
    assert look()[0] == "ok"
    assert "more than 90 d" in look(days=91)[1]
    made_at = open_copies(world).look(NEWEST).stored_at
    wait_until("another second", lambda: world.now() > made_at + timedelta(seconds=2))
    secrets.put_secret_value(SecretId=SESSION, SecretString="newer")
    assert "Changed since it was made: SESSION_SECRET" in look()[1]


@pytest.fixture
def shell(world: World, stage: Stage, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What a terminal has in which `holdfast` works on the stage's cloud."""
    with serve(workspace := make_workspace(world.policy)):
        yield {**make_environment(workspace, tmp_path), **stage.cloud.environment()}


def test_at_the_keyboard(shell: dict[str, str], stage: Stage, secrets: SecretsManagerClient, tmp_path: Path) -> None:
    answers = {"Passphrase: ": [PASSPHRASE], "Again: ": [PASSPHRASE]}
    made = type_at(shell, "secrets", "export", answers=answers)
    assert made.status == 0, made.screen
    assert "decrypted again, the same" in made.screen
    secrets.put_secret_value(SecretId=SESSION, SecretString="spoiled")
    done = type_at(shell, "secrets", "restore", "SESSION_SECRET", answers={"Passphrase: ": [PASSPHRASE]})
    assert done.status == 0, done.screen
    assert "SESSION_SECRET: another value" in done.screen
    assert "plan 1 (roll_back_secret) is pending" in done.screen
    assert secrets.get_secret_value(SecretId=SESSION)["SecretString"] == "spoiled", "until the plan is approved"
    store = Database(shell["HOLDFAST_DATABASE_URL"])
    with store.read() as session:
        entries = list(session.scalars(sa.select(LedgerEntry).order_by(LedgerEntry.seq)))
    store.close()
    kinds = [one.kind for one in entries if one.kind.startswith("secrets.")]
    assert kinds == ["secrets.exported", "secrets.restored"]
    everything = made.screen + done.screen + json.dumps([one.data for one in entries])
    everything += "".join(path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file())
    assert not [value for value in [PASSPHRASE, *make_values(stage).values()] if value in everything]


def test_without_a_terminal_it_asks_for_nothing(
    shell: dict[str, str], secrets: SecretsManagerClient, tmp_path: Path
) -> None:
    with serve(workspace := make_workspace(load_policy(None))):
        terminal = Terminal(shell, workspace, tmp_path)
        assert "asked for at a terminal, and there is none" in terminal.refused("secrets", "export")
        assert "Known: SESSION_SECRET" in terminal.refused("secrets", "restore", "$(id)")
