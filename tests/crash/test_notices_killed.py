"""Everybody is told of a P1 once and in order, although the bot dies whenever the far side has taken something and that
is not written down yet: once for every kind of notice on every channel. Whoever was told is not told again; where that
cannot be known, the message says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette

from bot.comms.channels.slack import MARK
from bot.comms.wording import Wording
from bot.policy.plain_yaml import dump_plain, load_plain
from bot.sandbox.demo_policy import Postbox
from bot.sandbox.mailbox.letters import Letter, Mailbox
from bot.sandbox.mailbox.mails import catch_mails
from bot.sandbox.mailbox.routes import CAUGHT, mailbox_routes
from bot.store.tables import Bulletin, Delivery
from bot.web.server import serve_web
from tests.crash.points import read_points
from tests.crash.rig import Rig, open_rig
from tests.stage_fixtures import SharedStage
from tests.unit.comms import statuspage_stand_in as statuspage
from tests.unit.comms.channels.vendors import OpsgenieStandIn, open_vendor

pytestmark = pytest.mark.crash

CHANNELS = {"slack", "email", "pagerduty", "opsgenie", "teams", "webhook", "statuspage", "status_site"}
UNKNOWING = {"mail", "card"}
"""What arrives by ways that have no key for doing a thing once."""
WITHIN = {"dr-team@example.com", "management@example.com"}
OUTSIDE = {"customers@example.com"}
TWICE = "This may reach you twice: an earlier attempt to send it got no answer."
SAID = ("The disk of the database is full.", "It is being restored.")
OVER = "Scanning works again."


@dataclass
class World:
    """Everybody outside who is told of something."""

    site: Path
    mailbox: Mailbox = field(default_factory=Mailbox)
    pager: OpsgenieStandIn = field(default_factory=OpsgenieStandIn)
    page: statuspage.StandIn = field(default_factory=statuspage.StandIn)
    secrets: dict[str, str] = field(default_factory=dict)


@contextmanager
def open_postbox(mailbox: Mailbox) -> Iterator[Postbox]:
    web = Starlette(routes=mailbox_routes(mailbox))
    with catch_mails(mailbox) as smtp_port, serve_web(web, "127.0.0.1", 0) as port:
        yield Postbox(smtp_port, f"http://127.0.0.1:{port}{CAUGHT}")


@contextmanager
def open_world(folder: Path) -> Iterator[tuple[World, Callable[[Path], None]]]:
    """The world, and what makes a policy file lead to it."""
    world = World(folder / "site")
    world.site.mkdir()
    with open_postbox(world.mailbox) as postbox, open_vendor(world.pager), statuspage.serve_stand_in() as page:
        world.page = page
        world.secrets = {
            **postbox.environment(),
            "OPSGENIE_API_KEY": world.pager.key,
            "STATUSPAGE_API_KEY": statuspage.KEY,
        }
        yield world, lambda path: set_up(path, postbox, world)


def set_up(path: Path, postbox: Postbox, world: World) -> None:
    text: dict[str, Any] = load_plain(path)
    text["channels"] |= {
        **postbox.channels(),
        "opsgenie": {"api_key_env": "OPSGENIE_API_KEY", "api_url": world.pager.url},
        "statuspage": {
            "page_id": statuspage.PAGE, "api_key_env": "STATUSPAGE_API_KEY", "api_url": world.page.url,
            "components": {"database": "cdatabase"},
        },
        "status_site": {"folder": str(world.site)},
    }  # fmt: skip
    dump_plain(path, text)


@pytest.mark.timeout(400)
def test_nobody_is_told_twice_by_a_bot_that_died_before_it_could_write_it_down(
    fresh_stage: SharedStage, tmp_path: Path
) -> None:
    dies_in = tmp_path / "deaths"
    with ExitStack() as stack:
        world, adapt = stack.enter_context(open_world(tmp_path))
        environment: dict[str, Any] = {**world.secrets, "DIES_TELLING_IN": str(dies_in)}
        rig = stack.enter_context(open_rig(fresh_stage, tmp_path, adapt=adapt, only_works=True, **environment))
        desk = rig.services.desk
        number = desk.declare(actor="amara", severity="P1", title="Nobody can scan", components=["database"]).id
        outlive(rig)
        publish(rig, number)
        outlive(rig)
        for text in SAID:
            desk.update(number, actor="mei", text=text)
            publish(rig, number)
        outlive(rig)
        desk.resolve(number, actor="amara", text=OVER)
        publish(rig, number)
        outlive(rig)
        deaths = read_points(dies_in)
        assert {one.partition(": ")[0] for one in deaths} == CHANNELS
        assert rig.bot.starts == len(deaths) + 1
        assert not {one.state for one in list_deliveries(rig)} - {"sent"}
        assert_once_in_slack(rig)
        assert_once_elsewhere(world, rig)
        assert_in_order(rig, number, world.mailbox.letters())
        rig.assert_sound()


def outlive(rig: Rig) -> None:
    """Start the bot again whenever it has died, until everything is said."""

    def look() -> bool | None:
        if not rig.bot.running:
            rig.start()
        return rig.is_settled() or None

    rig.wait("rest", look)


def list_deliveries(rig: Rig) -> list[Delivery]:
    with rig.services.database.read() as session:
        return list(session.scalars(sa.select(Delivery)))


def assert_once_in_slack(rig: Rig) -> None:
    """In channels; what was said to one person alone the bot may not read, so that may come twice."""
    shared = [one for one in rig.workspace.state.channels.values() if not one.is_im]
    told = Counter(
        message["metadata"]["event_payload"]["delivery"]
        for channel in shared
        for message in channel.messages.values()
        if (message.get("metadata") or {}).get("event_type") == MARK
    )
    assert len(told) > 5
    assert set(told.values()) == {1}


def assert_once_elsewhere(world: World, rig: Rig) -> None:
    letters = world.mailbox.letters()
    assert {one.kind for one in letters} == {"mail", "card", "page", "webhook"}
    for kind in UNKNOWING:
        assert_repetitions_say_so([one for one in letters if one.kind == kind])
    hooks = [one for one in letters if one.kind == "webhook"]
    sent = [one for one in list_deliveries(rig) if one.channel == "webhook"]
    assert {one.headers["idempotency-key"] for one in hooks} == {one.receipt["idempotency_key"] for one in sent}
    assert [effect for effect, _ in world.pager.effects if effect == "created"] == ["created"]
    assert world.pager.open == set()
    (told,) = world.page.incidents
    bodies = [one["body"].partition("\n")[0] for one in told["incident_updates"]][::-1]
    assert bodies[1:] == [*SAID, OVER]
    assert told["status"] == "resolved"
    assert_public(world.site)


def assert_repetitions_say_so(letters: list[Letter]) -> None:
    """The bot died after the first of a kind, so one came twice; it must say that it may be a repetition."""
    same: dict[tuple[str, str], list[bool]] = {}
    for one in letters:
        said = same.setdefault((one.recipient, one.text.replace(TWICE, "").strip()), [])
        said.append(TWICE in one.text)
    assert any(len(said) > 1 for said in same.values()), "the bot did not die where it should"
    assert all(all(said[1:]) for said in same.values())


def publish(rig: Rig, number: int) -> None:
    """The newest draft goes out as it is."""
    drafts = sa.select(Bulletin.id).where(Bulletin.incident_id == number, Bulletin.state == "draft")
    with rig.services.database.read() as session:
        draft = session.scalar(drafts.order_by(Bulletin.id.desc()))
    assert draft is not None
    rig.services.bulletins.publish(draft, person=rig.person("priya"), wording=Wording())


def assert_in_order(rig: Rig, number: int, letters: list[Letter]) -> None:
    """Every address had every bulletin that is for it, in order; a pager and a room had theirs once."""
    with rig.services.database.read() as session:
        bulletins = list(
            session.scalars(sa.select(Bulletin).where(Bulletin.state == "published").order_by(Bulletin.id))
        )
    for address in WITHIN | OUTSIDE:
        mails = [one for one in letters if one.kind == "mail" and one.recipient == address]
        audience = "customers" if address in OUTSIDE else "management" if "management" in address else "dr_team"
        wanted = [one.statement.text for one in bulletins if audience in one.audiences]
        firsts = drop_repeated(mails)
        assert len(firsts) == len(wanted), [one.subject for one in mails]
        assert all(text in mail.text for text, mail in zip(wanted, firsts, strict=True)), "in order"
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
    for text in (*SAID, OVER):
        assert page.count(text) == 1, text
