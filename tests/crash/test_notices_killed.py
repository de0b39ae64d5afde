"""kill -9 at random while everybody is told of a P1: each hears each thing, once and in order.

Twice only where the far side has no way to know it again (a mail server), and then the message says so.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from starlette.applications import Starlette

from bot.comms.wording import Wording
from bot.sandbox.demo_policy import Postbox
from bot.sandbox.mailbox.letters import Letter, Mailbox
from bot.sandbox.mailbox.mails import catch_mails
from bot.sandbox.mailbox.routes import CAUGHT, mailbox_routes
from bot.store.tables import Bulletin, Delivery
from bot.web.server import serve_web
from tests.crash.rig import Rig, open_rig
from tests.stage_fixtures import SharedStage

pytestmark = pytest.mark.crash

SEED = 20_261_128
WITHIN = {"dr-team@example.com", "management@example.com"}
OUTSIDE = {"customers@example.com"}
TWICE = "may reach you twice"
SAID = ("The disk of the database is full.", "It is being restored.")


@contextmanager
def open_postbox(mailbox: Mailbox) -> Iterator[Postbox]:
    web = Starlette(routes=mailbox_routes(mailbox))
    with catch_mails(mailbox) as smtp_port, serve_web(web, "127.0.0.1", 0) as port:
        yield Postbox(smtp_port, f"http://127.0.0.1:{port}{CAUGHT}")


def set_up(path: Path, postbox: Postbox, site: Path) -> None:
    """Every channel, and a status page in a folder."""
    text: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    text["channels"].pop("statuspage")
    text["channels"] |= {**postbox.channels(), "status_site": {"folder": str(site)}}
    path.write_text(yaml.safe_dump(text, sort_keys=False, allow_unicode=True), encoding="utf-8")


@pytest.mark.timeout(400)
def test_everybody_hears_everything_once_and_in_order(fresh_stage: SharedStage, tmp_path: Path) -> None:
    chance, mailbox, site = random.Random(SEED), Mailbox(), tmp_path / "site"
    site.mkdir()
    with ExitStack() as stack:
        postbox = stack.enter_context(open_postbox(mailbox))
        secrets = postbox.environment()
        rig = stack.enter_context(
            open_rig(
                fresh_stage, tmp_path, adapt=lambda path: set_up(path, postbox, site),
                PAGERDUTY_ROUTING_KEY=secrets["PAGERDUTY_ROUTING_KEY"],
                TEAMS_WEBHOOK_URL=secrets["TEAMS_WEBHOOK_URL"],
                INCIDENT_WEBHOOK_SECRET=secrets["INCIDENT_WEBHOOK_SECRET"],
            )
        )  # fmt: skip
        rig.start_and_wait()
        number = rig.services.desk.declare(
            actor="amara", severity="P1", title="Nobody can scan", impact="All warehouses", components=["database"]
        ).id
        works: list[Callable[[], object]] = [lambda: publish(rig, number)]
        for text in SAID:
            works += [lambda text=text: rig.services.desk.update(number, actor="mei", text=text)]  # type: ignore[misc]
            works += [lambda: publish(rig, number)]
        works += [lambda: rig.services.desk.resolve(number, actor="amara", text="Scanning works again.")]
        works += [lambda: publish(rig, number)]
        for work in works:
            time.sleep(chance.uniform(0.0, 0.4))
            rig.kill()
            work()
            rig.start_and_wait()
        rig.settle()
        assert_told(rig, number, mailbox.letters())
        assert_public(site)
        rig.assert_sound()


def publish(rig: Rig, number: int) -> None:
    """The newest draft goes out as it is."""
    drafts = sa.select(Bulletin.id).where(Bulletin.incident_id == number, Bulletin.state == "draft")
    with rig.services.database.read() as session:
        draft = session.scalar(drafts.order_by(Bulletin.id.desc()))
    assert draft is not None
    rig.services.bulletins.publish(draft, person=rig.person("priya"), wording=Wording())


def assert_told(rig: Rig, number: int, letters: list[Letter]) -> None:
    with rig.services.database.read() as session:
        states = {(one.channel, one.state) for one in session.scalars(sa.select(Delivery))}
        bulletins = list(
            session.scalars(sa.select(Bulletin).where(Bulletin.state == "published").order_by(Bulletin.id))
        )
    assert {state for _, state in states} == {"sent"}, states
    assert {channel for channel, _ in states} >= {"slack", "email", "pagerduty", "teams", "webhook", "status_site"}
    for address in WITHIN | OUTSIDE:
        mails = [one for one in letters if one.kind == "mail" and one.recipient == address]
        audience = "customers" if address in OUTSIDE else "management" if "management" in address else "dr_team"
        wanted = [one.statement.text for one in bulletins if audience in one.audiences]
        firsts = drop_repeated(mails)
        assert len(firsts) == len(wanted), [one.subject for one in mails]
        assert all(text in mail.text for text, mail in zip(wanted, firsts, strict=True)), "in order"
    hooks = Counter(str(one.headers) for one in letters if one.kind == "webhook")
    assert len(hooks) == len([one for one in bulletins if "dr_team" in one.audiences])
    pages = [one for one in letters if one.kind == "page" and "coordinator" not in one.thread]
    assert len({one.thread for one in pages}) == 1, "one matter on the pager, however often it was told"
    assert pages[-1].headers["action"] == "resolve"
    room = rig.room(number)
    assert [len(rig.said(room, f"Update by Mei Tanaka: {text}")) for text in SAID] == [1, 1]


def drop_repeated(mails: list[Letter]) -> list[Letter]:
    """Each once; what came again has the same id and says so."""
    firsts: dict[str, Letter] = {}
    for mail in mails:
        identity = mail.headers["Message-ID"]
        if identity in firsts:
            assert TWICE in mail.text, mail.subject
        firsts.setdefault(identity, mail)
    return list(firsts.values())


def assert_public(site: Path) -> None:
    """The incident's own page has every update once."""
    pages = [path.read_text(encoding="utf-8") for path in sorted(site.rglob("*.html"))]
    (page,) = [
        one for one in pages if "<h1" in one and "Nobody can scan" in one.partition("</h1>")[0].partition("<h1")[2]
    ]
    for text in (*SAID, "Scanning works again."):
        assert page.count(text) == 1, text
