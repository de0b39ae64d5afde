"""`holdfast dr chart` and the post-mortem with its charts, as files."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.clock import utc_now
from bot.diagnostics import pictures
from bot.diagnostics.charts.drawing import draw
from bot.diagnostics.series import Series
from bot.policy import load_policy
from bot.store.database import Database
from bot.store.migrate import migrate
from tests.integration.terminal.conftest import Terminal


@pytest.fixture(autouse=True)
def _drawn_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in a process of its own, which has its own test."""
    monkeypatch.setattr(pictures, "render", lambda charts: [draw(one) for one in charts])


def fill(terminal: Terminal) -> None:
    """Two hours of figures, with rows missing for ten minutes."""
    database = Database(terminal.environment["HOLDFAST_DATABASE_URL"])
    migrate(database)
    series = Series(database, load_policy(None))
    with database.write() as session:
        for minute in range(120):
            values = {"rows:traitortrack.bag": 900.0 if minute < 10 else 5000.0}
            series.record(session, utc_now() - timedelta(minutes=minute), values)
    database.close()


def test_a_chart_is_written_to_a_file_or_told_in_words(terminal: Terminal) -> None:
    fill(terminal)
    path = terminal.folder / "rows.png"
    facts = terminal.ok("dr", "chart", "rows", "1h", "--output", str(path), "--json").facts
    assert facts["title"].startswith("Rows: fewer since ")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert "Trend: falling." in terminal.ok("dr", "chart", "rows").out
    assert "health_latency" in terminal.ok("dr", "chart").out
    assert "Did you mean rows?" in terminal.refused("dr", "chart", "rowes")
    said = terminal.run("dr", "chart", "rows", "--output", str(terminal.folder / "nowhere" / "rows.png"))
    assert (said.status, "cannot be written" in said.err) == (1, True)


def test_the_post_mortem_is_written_with_its_charts(terminal: Terminal) -> None:
    fill(terminal)
    terminal.ok("incident", "declare", "P1", "Bags", "are", "gone")
    terminal.ok("incident", "resolve", "They", "are", "back")
    document = terminal.folder / "draft.md"
    written = terminal.ok("incident", "postmortem", "--output", str(document), "--json").facts["files"]
    assert written[0] == str(document)
    assert len(written) == 2
    picture = document.with_name(written[1].rpartition("/")[2])
    assert f"]({picture.name})" in document.read_text(encoding="utf-8")
    assert picture.read_bytes().startswith(b"\x89PNG")
