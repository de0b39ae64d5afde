"""Nothing about a private incident reaches anybody outside it: one walk over all surfaces, looking for a marker."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.orm import Session

from bot.app import build_bolt
from bot.cli import holdfast
from bot.comms.room import WORKFLOW as OPEN_ROOM
from bot.incidents.details import Wanted
from bot.recovery.nudges import Nudges
from bot.sandbox.actor import wait_for as wait_until
from bot.store.documents import Loss, PlanDocument, Prediction
from bot.store.tables import Bulletin, Delivery, Incident, Notice, Plan, PlaybookRun, Run
from bot.terminal.session import Parts, TerminalSession
from bot.web.server import build_web, serve_web
from handlers.home import publish
from tests.integration.handlers.rig import LOBBY, WAIT_S, WEB_URL, Bot, Human, show

pytestmark = pytest.mark.parametrize("running", ["socket"], indirect=True)
MARK = "Zebrafish"
GUESS = Prediction(seconds=60.0, source="a guess")


def live(bot: Bot, mei: Human) -> tuple[Incident, str]:
    """A private incident with everything that an incident can have, the marker in every text."""
    mei.ask(f"declare private P1 {MARK} was here")
    incident = bot.services.desk.list_recent(1)[0]
    room, desk = bot.room(incident.id), bot.services.desk
    wanted = Wanted(impact=MARK, next_steps=MARK, estimated_recovery=MARK, components=["database"])
    desk.details.change(incident.id, actor="mei", wanted=wanted)
    desk.update(incident.id, actor="mei", text=f"{MARK} update")
    desk.note(incident.id, actor="mei", text=f"{MARK} note")
    desk.severities.change(incident.id, actor="mei", severity="P2", reason=MARK)
    desk.set_status(incident.id, actor="mei", status="identified", reason=MARK)
    desk.roles.assign(incident.id, actor="mei", role="devops_engineer", person="mei")
    desk.tasks.add(incident.id, actor="mei", title=f"{MARK} task", owner="mei")
    desk.links.add(incident.id, actor="mei", url=f"https://example.com/{MARK}", title=MARK)
    bot.settle()
    return incident, room


def add_recovery(session: Session, bot: Bot, incident: Incident) -> int:
    """A plan that waits, a run and a playbook of the incident; the plan's number."""
    now = bot.services.desk.clock()
    document = PlanDocument(
        action="restore_database", title=MARK, risk="high", target=MARK, parameters={}, observed={}, steps=[],
        loss=Loss(seconds=1, rows=1, words=MARK), downtime=GUESS, duration=GUESS, way_back=MARK, confirm=None, notes=[],
    )  # fmt: skip
    facts = {"action": "restore_database", "parameters": {}, "incident_id": incident.id, "requested_by": "mei",
             "place": f"channel:{LOBBY}", "target": MARK, "created_at": now}  # fmt: skip
    later = now.replace(year=now.year + 1)
    plan = Plan(**facts, state="pending", document=document, hash="f" * 64, expires_at=later)
    session.add(plan)
    session.flush()
    session.add(
        Run(plan_id=plan.id, action="restore_database", target=MARK, incident_id=incident.id, place="p", state="failed",
            words=MARK, cancel_requested_by="", created_at=now)
    )  # fmt: skip
    session.add(
        PlaybookRun(playbook=MARK, database=MARK, incident_id=incident.id, place="p", requested_by="mei",
                    state="paused", words=MARK, created_at=now)
    )  # fmt: skip
    bot.services.notices.say(
        session, "plan", key=f"plan:{plan.id}", to=[plan.place], incident_id=incident.id, subject_id=plan.id
    )
    return plan.id


def what_others_can_read(bot: Bot, human: Human, incident: Incident, plan: int) -> Iterator[tuple[str, str]]:
    """Every surface, with what is on it for somebody outside."""
    state = bot.workspace.state
    for channel in state.channels.values():
        if human.user_id in channel.members or not (channel.is_private or channel.is_im):
            yield f"#{channel.name}", json.dumps([channel.name, channel.topic.value, list(channel.messages.values())])
            yield f"answers in #{channel.name}", json.dumps(human.told(channel.id))
    yield "names of channels", " ".join(one.name for one in state.channels.values())
    number = incident.id
    run = bot.services.runs.list_recent(1)[0].id
    for command, words in (
        ("/incident", ("list", "list all", f"search {MARK}", "status", "timeline", "tasks", "members",
                       f"merge {number}", "task 1 done", "note x", "resolve", "close", "details", "publish", "alerts")),
        ("/dr", ("runs", "plans", "approvals", "playbook", f"plan {plan}", f"run {run}", f"output {run}",
                 f"retry {run}", f"undo {run}", f"cancel {run}", f"skip {run} x", "playbook 1")),
    ):  # fmt: skip
        for text in words:
            yield f"{command} {text}", show(human.ask(text, command))
    publish(bot.services, human.user_id)
    view = bot.workspace.state.views[bot.workspace.state.homes[human.user_id]]
    yield "home", json.dumps(view.payload)
    for arguments in (
        "incident list --all", f"incident search {MARK}", f"incident timeline --incident {number}",
        f"incident postmortem --incident {number}", f"incident note --incident {number} x",
        f"incident task list --incident {number}", f"incident members list --incident {number}",
        f"incident bulletins --incident {number}", f"incident web {number}",
        "dr runs", f"dr runs {run}", "dr approvals", f"dr plan {plan}", f"dr output {run}", f"dr retry {run}",
        f"dr deny {plan}", "dr playbook list", "dr playbook show 1", "ledger verify",
    ):  # fmt: skip
        session = TerminalSession(Parts(lambda: bot.services, build_bolt))
        said = CliRunner().invoke(holdfast, arguments.split(), obj=session)
        yield f"holdfast {arguments}", said.output
    yield from read_pages(bot, human, number)


def read_pages(bot: Bot, human: Human, number: int) -> Iterator[tuple[str, str]]:
    """What a browser shows to whoever has opened a link of their own."""
    person = bot.services.directory.person(human.user_id)
    with serve_web(build_web(bot.services, None), "127.0.0.1", 0) as port:
        address = f"http://127.0.0.1:{port}"
        arrival = requests.get(
            bot.services.web_access.make_link(person)[0].replace(WEB_URL, address),
            allow_redirects=False,
            timeout=WAIT_S,
        )
        visit = {"Cookie": arrival.headers["Set-Cookie"].partition(";")[0]}
        for path in ("/incidents", f"/incidents/{number}"):
            page = requests.get(f"{address}{path}", headers=visit, timeout=WAIT_S)
            assert page.status_code == (404 if path.endswith(str(number)) else 200)
            yield f"the page {path}", page.text


def read_recipients(bot: Bot, incident: Incident) -> set[tuple[str, str]]:
    """Channel and recipient of everything that was said about an incident."""
    query = sa.select(Delivery.channel, Delivery.recipient).join(Notice, Notice.id == Delivery.notice_id)
    with bot.services.database.read() as session:
        return {
            (channel, recipient)
            for channel, recipient in session.execute(query.where(Notice.incident_id == incident.id))
        }


def test_a_walk_over_all_surfaces(bot: Bot, mei: Human, monkeypatch: pytest.MonkeyPatch) -> None:
    incident, room = live(bot, mei)
    services, diego = bot.services, bot.human("diego")
    with services.database.write() as session:
        plan = add_recovery(session, bot, incident)
    bot.settle()
    channel = bot.workspace.state.channels[room]
    assert channel.is_private
    assert channel.name == f"inc-{incident.id}"
    assert MARK in json.dumps(list(channel.messages.values())), "the walk would find it"
    assert MARK in show(mei.ask(f"search {MARK}"))
    assert MARK in show(mei.ask("approvals", "/dr"))
    monkeypatch.setenv("LOGNAME", "diego")
    for surface, text in what_others_can_read(bot, diego, incident, plan):
        assert MARK not in text, surface
    assert read_recipients(bot, incident) == {("slack", f"incident:{incident.id}"), ("slack", "person:mei")}
    with services.database.read() as session:
        assert session.scalar(sa.select(Bulletin.id).where(Bulletin.incident_id == incident.id)) is None
        assert session.get_one(Plan, plan).state == "pending", "nobody outside could decide about it"


def test_approvers_who_are_asked_become_members_first(bot: Bot, mei: Human) -> None:
    incident, room = live(bot, mei)
    services = bot.services
    with services.database.write() as session:
        plan = add_recovery(session, bot, incident)
    Nudges(services.database, services.policy, services.notices).nudge(plan, 1)
    assert set(services.desk.members.of(incident.id)) == {"mei", "amara", "diego", "jonas"}
    told = [entry.text for entry in services.desk.timeline(incident.id)]
    assert f"Diego Alvarez is a member: plan {plan} waits for approval" in told
    bot.settle()
    members = bot.workspace.state.channels[room].members
    wait_until("the invitation", lambda: "U0DIEGO" in members or None, WAIT_S)
    assert "U0PRIYA" not in members
    assert ("slack", "person:diego") in read_recipients(bot, incident)


def test_who_is_removed_leaves_the_channel(bot: Bot, mei: Human) -> None:
    _, room = live(bot, mei)
    members = bot.workspace.state.channels[room].members
    assert "is being invited" in mei.ask("members add @diego", channel=room)["text"]
    wait_until("the invitation", lambda: "U0DIEGO" in members or None, WAIT_S)
    bot.settle()
    mei.ask("members remove @diego", channel=room)
    wait_until("the removal", lambda: "U0DIEGO" not in members or None, WAIT_S)
    assert "is known to Mei Tanaka" in mei.ask("members", channel=room)["text"]


def test_without_a_private_channel_nothing_goes_elsewhere(bot: Bot, mei: Human) -> None:
    bot.workspace.faults.fail_with["conversations.create"] = "restricted_action"
    mei.ask(f"declare private P1 {MARK} was here")
    incident = bot.services.desk.list_recent(1)[0]
    timeline = bot.services.desk.timeline
    wait_until("the entry", lambda: any("restricted" in one.text for one in timeline(incident.id)) or None, WAIT_S)
    assert bot.services.desk.find(incident.id).channel_id is None
    assert MARK not in "".join(bot.texts(mei.lobby))
    bot.workspace.faults.fail_with.clear()
    with bot.services.database.write() as session:  # what the workflow does by itself ten minutes later
        bot.services.engine.enqueue(session, OPEN_ROOM, incident.id, 9, key=f"room-{incident.id}-9")
    assert bot.workspace.state.channels[bot.room(incident.id)].is_private
    bot.settle()
