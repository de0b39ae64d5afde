"""Publishing, discarding and changing an incident at the same instant, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from bot.comms.wording import Wording
from bot.outcome import Refused
from bot.store.database import Database
from bot.store.tables import Bulletin, Delivery, Incident, Notice
from tests.integration.store.test_desk_at_once import at_once
from tests.unit.comms.newsroom import make_newsroom

ROUNDS = 4


def test_one_draft_is_decided_about_once(database: Database, tmp_path: Path) -> None:
    """Three publish, two discard, three change the incident, which puts a newer draft in its place."""
    newsroom = make_newsroom(database, tmp_path)
    worse = Wording(components={"database": "major_outage"})
    for _ in range(ROUNDS):
        number = newsroom.declare()
        draft = newsroom.bulletins.draft(number, actor="mei").id

        def act(who: int, number: int = number, draft: int = draft) -> object:
            person = newsroom.publisher
            acts: list[Callable[[], object]] = [
                lambda: newsroom.bulletins.publish(draft, person=person, wording=worse),
                lambda: newsroom.bulletins.discard(draft, person=person),
                lambda: newsroom.desk.update(number, actor="mei", text="More."),
            ]
            return acts[who % 3]()

        came = at_once(act)
        assert sum(isinstance(one, Bulletin) for one in came) <= 1
        assert all(isinstance(one, (Bulletin, Incident, Refused)) for one in came), came
        with database.read() as session:
            told = sa.select(sa.func.count()).select_from(Delivery).join(Notice, Notice.id == Delivery.notice_id)
            sent = session.scalar(told.where(Notice.key == f"bulletin:{draft}"))
        published = newsroom.bulletins.find(draft).state == "published"
        assert sent == (3 if published else 0)
        drafts = [one for one in newsroom.bulletins.list_all(number) if one.state == "draft"]
        assert len(drafts) == 1, "the newest"
