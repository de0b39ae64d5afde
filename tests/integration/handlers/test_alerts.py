"""Alerts over the real web server: kept before they are acknowledged, one card, buttons, one incident."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from bot.alerts.call import sign
from bot.alerts.desk import AlertDesk, card_key
from bot.sandbox.actor import ActorStuck
from bot.sandbox.actor import wait_for as wait_until
from bot.store.tables import Alert, AlertGroup, Incident
from tests.integration.handlers.rig import SECRET, WAIT_S, Bot, Human, show
from tests.unit.alerts.conftest import make_policy
from tests.unit.slack.test_blocks import refuse_commands

pytestmark = pytest.mark.parametrize("running", ["http"], indirect=True)
Json = dict[str, Any]
STORM = 500


@pytest.fixture
def fresh(bot: Bot) -> Iterator[Bot]:
    """No alert is kept from before."""
    with bot.services.database.write() as session:
        session.execute(sa.delete(Alert))
        session.execute(sa.update(AlertGroup).values(closed_at=AlertGroup.opened_at, key="over"))
    yield bot
    bot.settle()


def post(bot: Bot, source: str, body: bytes | Json, **headers: str) -> requests.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Authorization": f"Bearer {SECRET}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return requests.post(f"{bot.url}/alerts/{source}", data=content, headers=given, timeout=30)


def send(bot: Bot, title: str, state: str = "firing", **facts: Any) -> None:
    answer = post(bot, "generic", {"title": title, "state": state, **facts})
    assert (answer.status_code, answer.json()) == (202, {"status": "kept", "alerts": 1})


def newest_card(bot: Bot) -> Json:
    lobby = bot.workspace.state.channels[bot.human("mei").lobby]
    cards = [one for one in list(lobby.messages.values()) if str(one["text"]).startswith("Alerts: ")]
    return cards[-1]


def newest_group(bot: Bot) -> AlertGroup:
    with bot.services.database.read() as session:
        found = session.scalar(sa.select(AlertGroup).order_by(AlertGroup.id.desc()).limit(1))
    assert found is not None
    return found


def test_a_storm_is_one_incident_and_nothing_is_lost(fresh: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 different alerts at once, with Slack's own rate limits."""
    bot = fresh
    monkeypatch.setattr(bot.services.alerts, "policy", make_policy())
    monkeypatch.setattr(bot.workspace.rates, "enabled", True)
    began = bot.workspace.clock()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: send(bot, f"Storm {number}"), range(STORM)))
    wait_until("all being told", lambda: count_told(bot) == STORM or None, WAIT_S)
    wait_until("the card", lambda: f"{STORM} firing" in newest_card(bot)["text"] or None, WAIT_S)
    assert len(bot.services.desk.list_open()) == 1
    calls = [one for one in list(bot.workspace.recorder.calls) if one.at >= began]
    assert sum(one.method == "chat.postMessage" for one in calls) < 10
    assert [one.method for one in calls if one.answer.get("error") == "ratelimited"] == []


def count_told(bot: Bot) -> int:
    """How many alerts are kept, and on the incident's timeline."""
    told = sa.select(sa.func.count()).select_from(Alert).where(Alert.told == "firing")
    with bot.services.database.read() as session:
        return session.scalar(told) or 0


def test_a_repeated_delivery_doubles_nothing(fresh: Bot) -> None:
    body = json.dumps({"title": "Twice <!channel>", "at": "2026-03-01T12:00:00Z"}).encode()
    for _ in range(3):
        signature = f"sha256={sign(SECRET, body)}"
        assert post(fresh, "generic", body, X_Holdfast_Signature=signature, Authorization="").status_code == 202
    fresh.settle()
    with fresh.services.database.read() as session:
        assert [one.received for one in session.scalars(sa.select(Alert))] == [3]
    refuse_commands(newest_card(fresh)["blocks"])
    assert newest_card(fresh)["text"] == "Alerts: Twice &lt;!channel&gt;: 1 firing"


@pytest.mark.parametrize(
    ("source", "body", "headers", "status", "words"),
    [
        ("nagios", b"{}", {}, 404, "'nagios' is no source of alerts here."),
        ("generic", b"{}", {"Authorization": "Bearer wrong"}, 401, "must be `Bearer`"),
        ("generic", b"{", {}, 400, "line 1, column 2"),
        ("generic", b'{"title": 7}', {}, 400, "`title` is a number; it must be a text."),
        ("generic", b" " * 1_000_001, {}, 413, "larger than 1,000,000 bytes"),
        ("datadog", b"{}", {}, 503, "DATADOG_WEBHOOK_SECRET is not set"),
        ("cloudwatch", b'{"TopicArn": "x"}', {}, 401, "topic"),
    ],
)
def test_what_is_turned_away_is_told_why(
    bot: Bot, source: str, body: bytes, headers: dict[str, str], status: int, words: str
) -> None:
    answer = post(bot, source, body, **headers)
    assert answer.status_code == status
    assert words in answer.json()["error"]
    if status == 404:
        assert "pagerduty" in answer.json()["sources"]


def test_a_body_without_a_length_is_bounded_too(bot: Bot) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(1200):
            yield b" " * 1000

    url = f"{bot.url}/alerts/generic"
    with suppress(requests.ConnectionError):  # it may hang up on us while we are still sending
        assert requests.post(url, data=pieces(), timeout=30).status_code == 413


def test_the_card_declares_filled_in(fresh: Bot, mei: Human, amara: Human) -> None:
    send(fresh, "Postgres does not answer", labels={"host": "db-1"}, link="https://grafana.example.com/d/1")
    fresh.settle()
    mei.press(mei.lobby, "alerts.declare")
    form = mei.wait_for_form("severity", "title", "category", "components", "impact")
    given = {one["block_id"]: one["element"] for one in form["blocks"] if one["type"] == "input"}
    assert given["severity"]["initial_option"]["value"] == "P2"
    assert given["title"]["initial_value"] == "Postgres does not answer"
    assert given["category"]["initial_option"]["value"] == "database"
    assert [one["value"] for one in given["components"]["initial_options"]] == ["database"]
    amara.press(amara.lobby, "alerts.declare")
    late = amara.wait_for_form("title")
    values = {"severity": "P2", "title": "Postgres is down", "category": "database", "impact": ""}
    mei.submit(form, **values, components="database\napplication")
    with pytest.raises(ActorStuck, match="taken care of these alerts"):
        amara.submit(late, **values, components="")
    made = fresh.services.desk.list_open()
    assert [(one.title, one.declared_by, one.components) for one in made] == [
        ("Postgres is down", "mei", ["database", "application"])
    ]
    fresh.room(made[0].id)
    shown = f"*#{made[0].id}* Postgres is down"
    wait_until("the card", lambda: shown in show(newest_card(fresh)) or None, WAIT_S)
    told = [entry.text for entry in fresh.services.desk.timeline(made[0].id)]
    assert "Alert: Postgres does not answer" in told
    send(fresh, "Postgres does not answer", "resolved", labels={"host": "db-1"})
    wait_until("the suggestion", lambda: said(fresh, made[0].id, "All alerts of") or None, WAIT_S)
    assert fresh.services.desk.find(made[0].id).is_open


def said(bot: Bot, incident_id: int, words: str) -> list[str]:
    return [text for text in bot.texts(bot.room(incident_id)) if words in text]


def test_the_card_attaches_to_an_open_incident(fresh: Bot, mei: Human) -> None:
    send(fresh, "Scanner offline")
    fresh.settle()
    mei.press(mei.lobby, "alerts.attach")
    wait_until("the refusal", lambda: "No incident is open" in str(mei.told()[-1:]) or None, WAIT_S)
    made = fresh.services.desk.declare(actor="mei", severity="P3", title="Scanners <odd>", confirmed=True)
    fresh.room(made.id)
    mei.press(mei.lobby, "alerts.attach")
    mei.submit(mei.wait_for_form("incident"), incident=str(made.id))
    assert newest_group(fresh).incident_id == made.id
    wait_until("the card", lambda: "Scanners" in show(newest_card(fresh)) or None, WAIT_S)


def test_a_private_incident_is_not_named_on_the_card(fresh: Bot, mei: Human) -> None:
    made = fresh.services.desk.declare(actor="mei", severity="P3", title="Hush hush", confirmed=True)
    fresh.room(made.id)
    with fresh.services.database.write() as session:
        session.get_one(Incident, made.id).private = True
    send(fresh, "Private matter")
    with fresh.services.database.write() as session:
        group = session.get_one(AlertGroup, newest_group(fresh).id)
        group.incident_id = made.id
        fresh.services.notices.refresh(session, card_key(group.id))
    wait_until("the card", lambda: "Somebody sees to it" in show(newest_card(fresh)) or None, WAIT_S)
    assert "Hush" not in json.dumps(newest_card(fresh))
    assert "Hush" not in json.dumps(mei.ask("alerts all"))


def test_the_card_is_muted_for_a_while(fresh: Bot, mei: Human, amara: Human) -> None:
    send(fresh, "Noise")
    fresh.settle()
    mei.press(mei.lobby, "alerts.mute")
    mei.submit(mei.wait_for_form("time"), time="4h")
    name = next(one.name for one in fresh.policy.people if one.key == "mei")
    wait_until("the card", lambda: f"by {name}" in show(newest_card(fresh)) or None, WAIT_S)
    assert newest_group(fresh).muted_by == "mei"
    amara.press(amara.lobby, "alerts.unmute")
    wait_until("noise", lambda: newest_group(fresh).muted_by is None or None, WAIT_S)


def test_a_bystander_presses_in_vain(fresh: Bot) -> None:
    send(fresh, "Not theirs")
    fresh.settle()
    for button in ("alerts.mute", "alerts.declare", "alerts.attach"):
        fresh.bystander.press(fresh.bystander.lobby, button)
        wait_until("the refusal", lambda: "not among the people" in str(fresh.bystander.told()[-1:]) or None, WAIT_S)
    assert newest_group(fresh).muted_by is None


def test_the_list_says_what_fires(fresh: Bot, mei: Human) -> None:
    assert "No alert is firing" in show(mei.ask("alerts"))
    send(fresh, "One thing", labels={"alertname": "a"})
    send(fresh, "Other thing", labels={"alertname": "b"})
    send(fresh, "Other thing", "resolved", labels={"alertname": "b"})
    assert "One thing" in show(mei.ask("alerts"))
    assert "Other thing" not in show(mei.ask("alerts"))
    assert "Other thing" in show(mei.ask("alerts all"))


def test_a_store_that_fails_asks_for_another_try(fresh: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise sa.exc.OperationalError("disk full", None, Exception())

    monkeypatch.setattr(AlertDesk, "receive_in", fail)
    answer = post(fresh, "generic", {"title": "x"})
    assert (answer.status_code, "Send them again" in answer.json()["error"]) == (503, True)
