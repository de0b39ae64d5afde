"""The same listeners, whichever way Slack reaches the bot; and what it serves over HTTP beside them."""

from __future__ import annotations

import time
from dataclasses import replace
from urllib.parse import urlencode

import pytest
import requests
import sqlalchemy as sa
from slack_sdk.signature import SignatureVerifier

from bot.sandbox.actor import ActorStuck
from bot.sandbox.actor import wait_for as wait_until
from bot.sandbox.ports import free_port
from bot.store.database import Database
from bot.web.server import build_web, serve_web
from tests.integration.handlers.rig import SECRET, WAIT_S, Bot, Human, show

OVER_HTTP = pytest.mark.parametrize("running", ["http"], indirect=True)


def test_command_form_button_and_home_tab(bot: Bot, mei: Human, amara: Human) -> None:
    mei.ask("declare")
    form = mei.wait_for_form("title")
    with pytest.raises(ActorStuck, match="title"):
        mei.submit(form, severity="P1", title=" \u200b ", category="database", impact="")
    mei.submit(form, severity="P1", title="Both ways", category="database", impact="")
    number = bot.services.desk.list_open()[0].id
    room = bot.room(number)
    assert "Both ways" in show(amara.ask("status", channel=room))
    amara.press(room, "incident.resolve")
    wait_until("resolution", lambda: bot.services.desk.find(number).resolved_at, WAIT_S)
    told = wait_until("the answer", lambda: amara.told(room)[1:] or None, WAIT_S)
    assert f"#{number} is resolved" in told[-1]["text"]
    mei._get("home")
    homes = bot.workspace.state.homes
    wait_until("home tab", lambda: homes.get(mei.user_id), WAIT_S)


def post(bot: Bot, body: str, *, secret: str = SECRET, age_s: int = 0) -> requests.Response:
    timestamp = str(int(time.time()) - age_s)
    signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": str(signature),
    }
    return requests.post(f"{bot.url}/slack/events", data=body, headers=headers, timeout=10)


@OVER_HTTP
def test_what_slack_did_not_sign_is_refused(bot: Bot) -> None:
    body = urlencode({"command": "/incident", "text": "declare P1 Forged", "user_id": "U0MEI", "channel_id": "C1"})
    assert post(bot, body, secret="f" * 32).status_code == 401
    assert post(bot, body, age_s=600).status_code == 401, "an old request may have been overheard"
    assert requests.post(f"{bot.url}/slack/events", data=body, timeout=10).status_code == 401
    assert bot.services.desk.list_open() == []
    assert post(bot, body).status_code == 200
    assert [one.title for one in bot.services.desk.list_open()] == ["Forged"]


@OVER_HTTP
def test_health(bot: Bot) -> None:
    assert requests.get(f"{bot.url}/healthz", timeout=10).json() == {"status": "ok"}
    ready = requests.get(f"{bot.url}/readyz", timeout=10)
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "leader": True, "troubles": []})


@OVER_HTTP
def test_not_ready_while_the_store_cannot_be_read(bot: Bot) -> None:
    rename = "ALTER TABLE {} RENAME TO {}"
    engine = bot.services.database.engine
    with engine.begin() as connection:
        connection.execute(sa.text(rename.format("ledger_head", "away")))
    try:
        answer = requests.get(f"{bot.url}/readyz", timeout=10)
        assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
        assert requests.get(f"{bot.url}/healthz", timeout=10).status_code == 200, "the process lives all the same"
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text(rename.format("away", "ledger_head")))
    assert requests.get(f"{bot.url}/readyz", timeout=10).status_code == 200


@OVER_HTTP
def test_not_ready_while_the_store_is_away(bot: Bot) -> None:
    away = replace(bot.services, database=Database(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"))
    with serve_web(build_web(away, None), "127.0.0.1", 0) as port:
        assert requests.get(f"http://127.0.0.1:{port}/readyz", timeout=20).status_code == 503
        assert requests.post(f"http://127.0.0.1:{port}/slack/events", timeout=10).status_code == 404, "Socket Mode"
