"""Two hours of a P1 in sped-up time: what each audience had at each minute, as they had it.

`python -m tests.integration.comms.hour` prints the table, the letters and the status page, to be read by a person.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from starlette.applications import Starlette

from bot.comms import notices as telling
from bot.comms.channel_watch import ChannelWatch
from bot.comms.channels import Wiring, build_channels
from bot.comms.channels.slack import SlackChannel
from bot.comms.channels.status_site import StatusSiteChannel
from bot.comms.deliveries import Deliveries
from bot.comms.invitations import Invitations
from bot.comms.messages.subject import Subject
from bot.comms.prose import Prose
from bot.comms.room import WORKFLOW as OPEN_ROOM
from bot.comms.room import Rooms
from bot.comms.room_door import RoomDoor
from bot.comms.room_keeping import FOLLOW, RoomKeeping
from bot.comms.status_site.site import StatusSite, open_place
from bot.policy import Policy, default_policy_path, load_policy
from bot.policy.plain_yaml import dump_plain, load_plain
from bot.sandbox.demo_policy import Postbox
from bot.sandbox.mailbox.letters import Mailbox
from bot.sandbox.mailbox.mails import catch_mails
from bot.sandbox.mailbox.routes import CAUGHT, mailbox_routes
from bot.sandbox.workspace import Workspace, serve
from bot.settings import templates_dir
from bot.slack.client import build_client
from bot.slack.directory import Directory
from bot.store.tables import Notice
from bot.web.server import serve_web
from tests.integration.handlers.rig import LOBBY, make_workspace, show
from tests.integration.store.stores import open_store
from tests.unit.comms.on_time import Office

WHO = {
    "management@example.com": "management",
    "customers@example.com": "customers",
    "dr-team@example.com": "DR team (mail)",
}
RESTORING = "A disk of the database has failed. We restore last night's backup."
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
RESTORED = "The restored database is in place; all scanners work. We watch it."


@dataclass(frozen=True)
class Heard:
    """One thing that reached somebody: the minute of the story, who, and the words."""

    minute: int
    whom: str
    words: str


@dataclass
class Hour:
    """The desk with its real channels, and everybody's view of the incident."""

    office: Office
    workspace: Workspace
    mailbox: Mailbox
    site: Path
    number: int = 0
    began: datetime = START
    page: str = ""
    heard: list[Heard] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)

    def minute(self) -> int:
        return round((self.office.clock() - self.began) / timedelta(minutes=1))

    def until(self, minute: int) -> None:
        """Let the story go on, a minute at a time, and write down what reached whom."""
        while self.minute() < minute:
            self.office.wait(minutes=1)
            self.listen()

    def act(self, work: Callable[[], object]) -> None:
        """Something that a person does, and what comes of it at once."""
        work()
        self.office.wait(seconds=5)
        self.listen()
        self.office.stand_still(seconds=-5)

    def listen(self) -> None:
        for letter in self.mailbox.letters()[self.seen.get("letters", 0) :]:
            self._hear(WHO.get(letter.recipient, letter.recipient), letter.subject)
        self.seen["letters"] = len(self.mailbox.letters())
        for channel in list(self.workspace.state.channels.values()):
            messages = [one for one in list(channel.messages.values()) if one.get("user") == self._bot]
            for one in messages[self.seen.get(channel.id, 0) :]:
                self._hear(self._name(channel), str(one["text"]).partition("\n")[0])
            self.seen[channel.id] = len(messages)
        page = self.read_page()
        if page != self.page:
            newest = re.search(
                r"(Investigating|Identified|Monitoring|Resolved) \d+ \w+ \d{4}, [\d:]+ UTC (.{0,80})", page
            )
            self._hear("users (status page)", newest.group(0) if newest else page[:80])
            self.page = page

    def read_page(self) -> str:
        """The incident's public page as words; empty while there is none."""
        path = self.site / "incidents" / f"{self.number}.html"
        return read_html(path.read_text(encoding="utf-8")) if path.exists() else ""

    def told(self, whom: str) -> list[Heard]:
        return [one for one in self.heard if one.whom == whom]

    def newest_reminder(self) -> int:
        with self.office.database.read() as session:
            query = sa.select(Notice.id).where(Notice.kind == "update_reminder").order_by(Notice.id.desc())
            return session.scalar(query.limit(1)) or 0

    def table(self) -> str:
        """Minute by minute."""
        return "\n".join(f"{one.minute:4}  {one.whom:24} {one.words[:120]}" for one in self.heard)

    @property
    def _bot(self) -> str:
        return self.workspace.installed.bot_user_id

    def _name(self, channel: Any) -> str:
        if channel.is_im:
            person = next((one for one in channel.members if one != self._bot), "?")
            return f"{person.removeprefix('U0').capitalize()} (direct)"
        return "#incidents" if channel.name == LOBBY else "the room"

    def _hear(self, whom: str, words: str) -> None:
        self.heard.append(Heard(self.minute(), whom, words))


def read_html(html: str) -> str:
    """The words of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html.partition("<main")[2])).split())


@contextmanager
def open_hour(folder: Path) -> Iterator[Hour]:
    """The shipped policy with the sandbox's mailbox and a status page in a folder; a workspace; a clock of our own."""
    mailbox, site = Mailbox(), folder / "site"
    with ExitStack() as stack:
        smtp_port = stack.enter_context(catch_mails(mailbox))
        web = Starlette(routes=mailbox_routes(mailbox))
        postbox = Postbox(smtp_port, f"http://127.0.0.1:{stack.enter_context(serve_web(web, '127.0.0.1', 0))}{CAUGHT}")
        policy = write_policy(folder, postbox, site)
        database = stack.enter_context(open_store(f"sqlite:///{folder / 'holdfast.db'}"))
        workspace = make_workspace(policy)
        stack.enter_context(serve(workspace))
        prose = Prose(templates_dir())
        channels, lacking = build_channels(Wiring(policy, postbox.environment(), database, prose))
        assert not lacking, lacking
        office = Office(database, policy, {telling.SLACK, *channels})
        place = open_place(policy.channels.status_site) if policy.channels.status_site else None
        assert place
        channels["status_site"] = StatusSiteChannel(StatusSite(database, policy, office.clock), place)
        client = build_client(workspace.environment["SLACK_BOT_TOKEN"], workspace.environment["SLACK_API_URL"])
        client.conversations_join(channel=next(iter(workspace.state.channels)))
        door = RoomDoor(database, policy, office.notices, client)
        slack = SlackChannel(client, Subject(database, policy, prose, office.clock), door)
        watch = ChannelWatch(office.notices, office.audiences)
        invitations = Invitations(database, policy, client, Directory(client, database, policy), office.seat.on_call)
        keeping = RoomKeeping(database, policy, office.notices, client, invitations)
        office.workflows |= {
            telling.WORKFLOW: Deliveries(database, office.notices, {telling.SLACK: slack, **channels}, watch).deliver,
            OPEN_ROOM: Rooms(database, policy, office.notices, client, invitations).open,
            FOLLOW: keeping.follow,
        }
        yield Hour(office, workspace, mailbox, site)


def write_policy(folder: Path, postbox: Postbox, site: Path) -> Policy:
    text = load_plain(default_policy_path())
    text["channels"].pop("statuspage")
    text["channels"] |= {**postbox.channels(), "status_site": {"folder": str(site)}}
    path = folder / "policy.yml"
    dump_plain(path, text)
    return load_policy(path)


def live(hour: Hour) -> None:
    """What people do in it, by the minute."""
    office, desk = hour.office, hour.office.desk
    hour.began = office.clock()

    def declare() -> None:
        hour.number = desk.declare(
            actor="mei", severity="P1", title="Bags cannot be scanned", category="database",
            impact="All warehouses stand still", components=["database", "application"],
        ).id  # fmt: skip

    def publish() -> None:
        hour.act(lambda: office.publish(desk.find(hour.number)))

    def update(status: str, text: str) -> None:
        hour.act(lambda: desk.set_status(hour.number, actor="diego", status=status))
        hour.act(lambda: desk.update(hour.number, actor="diego", text=text))
        publish()

    priya = office.person("priya")
    hour.act(declare)
    hour.until(2)
    hour.act(lambda: desk.roles.assign(hour.number, actor="amara", role="dr_coordinator", person="amara"))
    hour.until(4)
    publish()
    hour.until(14)
    update("identified", RESTORING)
    hour.until(57)  # nobody says anything
    hour.act(lambda: office.updates.say_no_change(hour.number, priya, hour.newest_reminder()))
    publish()
    hour.until(60)
    hour.act(lambda: office.updates.snooze(hour.number, priya, timedelta(minutes=40), "the restore runs until then"))
    hour.until(98)  # it would have been due at 87
    hour.act(lambda: desk.severities.change(hour.number, actor="amara", severity="P2", reason="half of it works"))
    publish()
    hour.until(103)
    update("monitoring", RESTORED)
    hour.until(110)
    hour.act(lambda: desk.resolve(hour.number, actor="amara", text="Everything works. No bag was lost."))
    publish()
    hour.until(110 + 26 * 60)


def main() -> None:
    with tempfile.TemporaryDirectory() as name, open_hour(Path(name)) as hour:
        live(hour)
        print(hour.table())
        for letter in hour.mailbox.letters():
            print(f"\n===== {letter.recipient}: {letter.subject}\n{letter.text}")
        print(f"\n===== status page\n{hour.read_page()}")
        room = next(one for one in hour.workspace.state.channels.values() if one.name.startswith("inc-"))
        for message in room.messages.values():
            print(f"\n--- {show(message)}")


if __name__ == "__main__":
    main()
