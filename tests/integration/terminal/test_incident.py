"""`holdfast incident …`: the whole desk without Slack, and Slack is told when it can be."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bot.store.tables import Incident
from tests.integration.handlers.rig import LOBBY
from tests.integration.terminal.conftest import Terminal


def room_texts(terminal: Terminal, channel: str) -> list[str]:
    place = terminal.workspace.state.channel_named(channel)
    assert place is not None
    return [message["text"] for message in place.messages.values() if not message.get("subtype")]


def test_a_whole_incident_without_a_bot(terminal: Terminal) -> None:
    declared = terminal.started(
        "incident", "declare", "P1", "Bags", "are", "missing", "--category", "database", "--json"
    )
    facts = declared.facts
    assert (facts["incident"], facts["severity"], facts["status"]) == (1, "P1", "investigating")
    assert facts["channel"].startswith("inc-1-bags-are-missing")
    assert "#1" in terminal.refused("incident", "declare", "P1", "Bags are missing")
    assert "updated" in terminal.ok("incident", "update", "half", "of", "them", "are", "back").out
    assert "timeline of #1" in terminal.ok("incident", "note", "--incident", "1", "the nightly job").out
    assert terminal.ok("incident", "status", "monitoring", "--json").facts["status"] == "monitoring"
    assert "#1 P1 monitoring" in terminal.ok("incident", "list").out
    assert terminal.started("incident", "resolve", "all back", "--json").facts["status"] == "resolved"
    assert "No incident is open" in terminal.ok("incident", "list").out
    told = [
        entry["text"] for entry in terminal.ok("incident", "timeline", "--incident", "1", "--json").facts["entries"]
    ]
    for text in ("Declared P1: Bags are missing", "half of them are back", "the nightly job", "Resolved: all back"):
        assert told.count(text) == 1
    assert "# Incident Post-Mortem: Bags are missing" in terminal.ok("incident", "postmortem").out
    said = room_texts(terminal, facts["channel"])
    assert any("half of them are back" in text for text in said)
    assert any(text.startswith("Resolved: #1") for text in said)
    verified = terminal.ok("ledger", "verify", "--json").facts
    assert verified["breaks"] == []
    assert verified["entries"] >= len(told)


def test_beside_a_running_bot_which_does_the_work(beside_bot: Terminal) -> None:
    facts = beside_bot.started("incident", "declare", "P2", "Both at once", "--json").facts
    assert facts["channel"].startswith("inc-1-both-at-once")
    assert "resolved" in beside_bot.ok("incident", "resolve").out
    assert "Both at once" in beside_bot.ok("incident", "postmortem").out
    assert len([text for text in room_texts(beside_bot, LOBBY) if "Both at once" in text]) == 1


def test_while_slack_is_down_everything_works_and_is_said_later(terminal: Terminal) -> None:
    terminal.workspace.set_outage(True)
    facts = terminal.ok("incident", "declare", "P1", "Slack is down too", "--json").facts
    assert (facts["incident"], facts["channel"]) == (1, None)
    terminal.ok("incident", "update", "we work without it")
    terminal.workspace.set_outage(False)
    resolved = terminal.ok("incident", "resolve", "--json").facts
    assert resolved["status"] == "resolved"


def test_what_is_asked_wrongly_is_refused_in_words(terminal: Terminal) -> None:
    assert "no incident yet" in terminal.refused("incident", "postmortem")
    assert "No incident is open" in terminal.refused("incident", "update", "x")
    assert "There is no incident #7" in terminal.refused("incident", "note", "x", "--incident", "7")
    assert "is not a severity" in terminal.refused("incident", "declare", "P9", "x")
    assert "The title is missing" in terminal.refused("incident", "declare", "P1", " ")
    assert "not in the range" in terminal.refused("incident", "note", "x", "--incident", "9" * 30)


def test_several_open_incidents_must_be_named(terminal: Terminal) -> None:
    for title in ("One", "Two"):
        terminal.ok("incident", "declare", "P3", title)
    assert "Several incidents are open" in terminal.refused("incident", "update", "which?")
    terminal.ok("incident", "note", "this one", "--incident", "2")
    with terminal.store().read() as session:
        assert list(session.scalars(sa.select(Incident.title).order_by(Incident.id))) == ["One", "Two"]


@pytest.mark.parametrize("command", [["incident", "declare", "P1", "x"], ["dr", "diagnose"], ["dr", "backup"]])
def test_nobody_of_the_policy_is_refused(terminal: Terminal, command: list[str]) -> None:
    words = terminal.refused(*command, LOGNAME="intruder", USER="intruder")
    assert "The operating system's user intruder is nobody in the policy" in words


def test_an_incidents_life_in_a_terminal(terminal: Terminal) -> None:
    """Whoever runs the tests is Amara, the coordinator."""
    ok = terminal.ok
    ok("incident", "declare", "P1", "Bags are missing", "--component", "database")
    assert "severity is P2 now" in ok("incident", "severity", "P2", "one", "gate").out
    assert "The reason is missing" in terminal.refused("incident", "severity", "P1")
    ok("incident", "role", "database_admin", "diego")
    changed = ok("incident", "details", "--impact", "gate 3", "--component", "application", "--json").facts
    assert (changed["impact"], changed["components"]) == ("gate 3", ["application"])
    assert "1 open: Check" in ok("incident", "task", "add", "Check", "--owner", "diego", "--due", "in 2h").out
    assert ok("incident", "task", "done", "1", "--json").facts["done_at"]
    ok("incident", "close", "false", "alarm", "--incident", "1")
    assert "open again" in ok("incident", "reopen", "not quite", "--incident", "1").out


def test_a_private_incident_in_a_terminal(terminal: Terminal) -> None:
    facts = terminal.ok("incident", "declare", "--private", "P1", "Somebody was here", "--json").facts
    assert facts["private"] is True
    assert terminal.ok("incident", "members", "add", "diego", "--json").facts["members"] == ["amara", "diego"]
    for name in ("list", "search"):
        words = ("Somebody",) if name == "search" else ()
        assert "Somebody" in terminal.ok("incident", name, *words).out
        assert "Somebody" not in terminal.ok("incident", name, *words, LOGNAME="nobody-we-know").out
    assert "There is no incident" in terminal.refused("incident", "timeline", "--incident", "1", LOGNAME="mei")


def test_whom_everything_has_reached_and_what_is_not_set_up(terminal: Terminal) -> None:
    terminal.started("incident", "declare", "P1", "Bags", "are", "missing", "--json")
    facts = terminal.ok("incident", "deliveries", "--json").facts
    assert {one["state"] for one in facts["deliveries"]} == {"sent"}
    assert {one["channel"] for one in facts["deliveries"]} == {"Slack"}
    assert all(one["attempts"] >= 1 and one["receipt"] and one["age_s"] >= 0 for one in facts["deliveries"])
    assert facts["lacking"]["E-mail"] == "SENDGRID_API_KEY is not set in the bot's environment"
    words = terminal.ok("incident", "deliveries").out
    assert "Slack to the incident's channel: incident summary" in words
    assert "PagerDuty is not set up: PAGERDUTY_ROUTING_KEY is not set" in words
    preview = terminal.ok("templates", "preview", "email/bulletin/subject.txt", "--incident", "1").out
    assert "[INCIDENT] TraitorTrack - P1-Critical - Bags are missing" in preview
    assert "email/bulletin/body.html" in terminal.ok("templates", "list").out
    assert terminal.ok("templates", "preview", "email/page", "--html").out.count("</html>") == 1
    assert "no such template" in terminal.refused("templates", "preview", "email/nosuch")
