"""Charts as people get them in Slack: asked for, chosen, misspelt, and by themselves when an incident is declared."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.clock import utc_now
from bot.diagnostics import pictures
from bot.diagnostics.charts.drawing import draw
from bot.incidents.reading import Reading
from bot.sandbox.actor import wait_for
from bot.store.tables import Sample
from tests.integration.handlers.rig import WAIT_S, Bot, Human

Json = dict[str, Any]
ROWS = "rows:traitortrack.bag"


@pytest.fixture(autouse=True)
def measured(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two hours of figures, with rows missing for ten minutes. Drawn here, not in a process of its own."""
    monkeypatch.setattr(pictures, "render", lambda charts: [draw(one) for one in charts])
    now = utc_now()
    with bot.services.database.write() as session:
        session.execute(sa.delete(Sample))
        for minute in range(120):
            values = {ROWS: 900.0 if minute < 10 else 5000.0, "connections:traitortrack": 20.0}
            bot.services.series.record(session, now - timedelta(minutes=minute), values)
    yield
    bot.settle()
    with bot.services.database.write() as session:  # other tests' incidents have no charts
        session.execute(sa.delete(Sample))


def pictures_in(bot: Bot, channel: str) -> list[Json]:
    bot.settle()
    messages = list(bot.workspace.state.channels[channel].messages.values())
    return [file for message in messages for file in message.get("files", []) if file["name"].endswith(".png")]


def test_a_chart_is_asked_for(bot: Bot, mei: Human) -> None:
    assert "It is being drawn" in mei.ask("chart connections 6h", "/dr")["text"]
    shown = pictures_in(bot, mei.lobby)[-1]
    kept = bot.workspace.state.files[shown["id"]]
    assert shown["title"] == "TraitorTrack database: connections"
    assert kept.alt_text.startswith("Connections: as usual.")
    assert kept.content
    assert kept.content.startswith(b"\x89PNG")


def test_without_a_word_there_is_a_choice(bot: Bot, mei: Human) -> None:
    before = len(pictures_in(bot, mei.lobby))
    choice = mei.ask("chart", "/dr")
    buttons = {one["action_id"]: one for block in choice["blocks"] for one in block.get("elements", [])}
    assert "chart.draw:connections" in buttons
    mei.press(mei.lobby, "chart.draw:rows")
    wait_for("the chart", lambda: len(pictures_in(bot, mei.lobby)) == before + 1, WAIT_S)


def test_what_is_misspelt_is_refused_with_the_nearest(mei: Human) -> None:
    assert "Did you mean connections?" in mei.ask("chart conections", "/dr")["text"]
    assert "is not a span" in mei.ask("chart connections 5h", "/dr")["text"]


def test_an_incident_is_shown_what_left_its_usual_range_and_the_end(bot: Bot, mei: Human) -> None:
    mei.ask("declare P1 Bags are gone")
    incident = Reading(bot.services.database).list_recent(1)[0]
    room = bot.room(incident.id)
    assert [one["name"].partition("-rows")[1] for one in pictures_in(bot, room)] == ["-rows"]
    bot.services.desk.resolve(incident.id, actor="mei")
    first, last = pictures_in(bot, room)
    assert first["title"] == last["title"] == "TraitorTrack database, bag: rows"
    assert "resolved" in bot.workspace.state.files[last["id"]].alt_text
    draft = bot.services.drafts.latest(incident.id)
    assert draft
    assert "### Charts" in draft.markdown
    assert "](chart-" in draft.markdown
