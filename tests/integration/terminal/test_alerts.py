"""`holdfast alerts …`: what monitoring says, for when Slack is down."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.alerts.alert import make_incoming
from bot.app import build_services
from bot.store.tables import Incident
from tests.integration.terminal.conftest import Terminal


def keep_alert(terminal: Terminal, title: str) -> None:
    services = build_services(terminal.environment)
    now = datetime.now(UTC)
    services.alerts.receive([make_incoming("generic", fingerprint=title, title=title, state="firing", at=now)])
    services.database.close()


def test_alerts_are_listed_and_muted(terminal: Terminal) -> None:
    assert terminal.ok("alerts").out == "No alert is firing.\n"
    keep_alert(terminal, "Postgres is slow")
    listed = terminal.ok("alerts", "--json").facts["groups"]
    assert [(one["group"], one["title"], one["firing"], one["rule"]) for one in listed] == [
        (1, "Postgres is slow", 1, "database")
    ]
    assert "1 firing, 0 resolved" in terminal.ok("alerts").out
    assert "muted for 1 hour" in terminal.ok("alerts", "mute", "1", "1h").out
    assert "muted until" in terminal.ok("alerts", "list").out
    assert terminal.ok("alerts", "list", "--all", "--json").facts["groups"][0]["muted_until"]
    assert "not muted any more" in terminal.ok("alerts", "unmute", "1").out
    assert "not a duration" in terminal.refused("alerts", "mute", "1", "long")
    assert "muted for up to 7 days" in terminal.refused("alerts", "mute", "1", "30 days")
    assert "no group of alerts 9" in terminal.refused("alerts", "mute", "9", "1h")


def test_a_private_incident_is_its_members(terminal: Terminal) -> None:
    keep_alert(terminal, "Private matter")
    services = build_services(terminal.environment)
    services.desk.declare(actor="amara", severity="P2", title="Hush", claim=services.alerts.claim(1))
    assert terminal.ok("alerts", "--json").facts["groups"][0]["incident"] == 1
    with services.database.write() as session:
        session.get_one(Incident, 1).private = True
    services.database.close()
    assert terminal.ok("alerts", "--json").facts["groups"][0]["incident"] is None
