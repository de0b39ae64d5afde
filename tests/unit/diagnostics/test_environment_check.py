"""What is said of the environment files on hosts, by fingerprints alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bot.clock import utc_now
from bot.diagnostics.check import Surroundings
from bot.diagnostics.checks.secrets_environment import CHECK, judge_file
from bot.policy import Host, load_policy
from bot.systems.secrets import fingerprint_text

URL = "PRODUCTION_DATABASE_URL"
RIGHT = "postgresql://traitortrack:right@db/traitortrack"
KNOWN = {URL: {fingerprint_text(RIGHT)}, "SESSION_SECRET": {fingerprint_text("s")}, "SENDGRID_API_KEY": set[str]()}


def answer(mode: str = "600", **values: str) -> dict[str, object]:
    return {"present": True, "mode": mode, "variables": {name: fingerprint_text(one) for name, one in values.items()}}


@pytest.mark.parametrize(
    ("seen", "state", "sign"),
    [
        (answer(**{URL: RIGHT, "SESSION_SECRET": "s", "SENDGRID_API_KEY": "any"}), "ok", ""),
        (answer(**{URL: RIGHT.replace("right", "wrong")}), "critical", "environment wrong"),
        (answer(SESSION_SECRET="s"), "critical", "environment wrong"),
        (answer(**{URL: RIGHT, "SESSION_SECRET": "old"}), "warning", "secret wrong"),
        (answer("644", **{URL: RIGHT}), "warning", "secrets exposed"),
        ({"present": False}, "critical", "environment wrong"),
    ],
)
def test_a_file_is_judged_by_what_is_known_to_be_right(seen: dict[str, object], state: str, sign: str) -> None:
    points = list(judge_file("app 1", json.loads(json.dumps(seen)), KNOWN, URL))
    assert points[0].state == state
    assert points[0].signs == ((sign,) if sign else ())


def test_a_wrong_password_in_the_file_of_one_host_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real program on this machine; Secrets Manager is away, so the bot's own URL is what is right."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    file = tmp_path / ".env"
    file.write_text(f"{URL}={RIGHT.replace('right', 'geheim')}\n")
    os.chmod(file, 0o600)
    policy = load_policy(None)
    application = policy.applications["traitortrack"].model_copy(
        update={"environment_file": str(file), "environment_secrets": []}
    )
    local = Host(title="Here", application="traitortrack", reach="local")
    policy = policy.model_copy(update={"applications": {"traitortrack": application}, "hosts": {"here": local}})
    found = CHECK.run(Surroundings(policy, {URL: RIGHT}, utc_now, "traitortrack"))
    assert (found.state, found.signs) == ("critical", ["environment wrong"])
    assert "geheim" not in found.model_dump_json()
    file.write_text(f"{URL}={RIGHT}\n")
    assert CHECK.run(Surroundings(policy, {URL: RIGHT}, utc_now, "traitortrack")).state == "ok"
