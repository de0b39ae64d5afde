"""Every kind of message, made from rows full of hostile text: Slack takes it, obeys none of it, and shows it all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import JsonValue

from bot.comms.messages import Message, compose, kinds
from bot.comms.messages.subject import Subject
from bot.comms.prose import Prose
from bot.policy import PlaybookStep, load_policy
from bot.sandbox.workspace.limits.surfaces import check_message_blocks
from bot.settings import templates_dir
from bot.store.database import Database
from bot.store.documents import Finding, Loss, PlanDocument, PlannedStep, Prediction, Proof, Statement, Verdict
from bot.store.tables import (
    Alert,
    AlertGroup,
    Approval,
    Bulletin,
    ChartPicture,
    Handover,
    IncidentRole,
    Notice,
    PlaybookRun,
    PlaybookTask,
    Postmortem,
    RunOutput,
    RunStep,
    Task,
    UpdateClock,
)
from tests.integration.store.stores import empty_store, open_store
from tests.unit.slack import rows
from tests.unit.slack.shapes import HOSTILE
from tests.unit.slack.test_blocks import readable, refuse_commands, unguarded

TEXTS = [*HOSTILE, "x" * 5000, "<!channel> " * 900]
GUESS = Prediction(seconds=60.0, source="a guess")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('messages') / 'holdfast.db'}") as database:
        yield database


POLICY = load_policy(None)


@pytest.fixture
def subject(database: Database) -> Subject:
    empty_store(database)
    return Subject(database, POLICY, Prose(Path(templates_dir())), lambda: rows.NOON)


def fill(database: Database, text: str) -> None:
    """One row of everything, with the text wherever somebody's text can be."""
    line = " ".join(text.split())[:200]
    document = PlanDocument(
        action="restore_database", title=line, risk="destructive", target=line, parameters={"database": text},
        observed={"what": text}, steps=[PlannedStep(name="s", title=line)], loss=Loss(seconds=1, rows=1, words=text),
        downtime=GUESS, duration=GUESS, way_back=text, confirm=line, notes=[text],
    )  # fmt: skip
    statement = Statement(
        title=line, severity="P1", severity_title="Critical", drill=False, detected_at=rows.NOON, impact=text,
        components={"database": "major_outage"}, status="identified", text=text, next_steps=text,
        estimated_recovery=text, coordinator=line, at=rows.NOON,
    )  # fmt: skip
    finding = Finding(check="c", title=line, state="critical", summary=text, evidence=[text, text])
    proof = Proof(verdicts=[Verdict(name=line, expected=text, found=text, good=False)], at=rows.NOON)
    with database.write() as session:
        session.add(rows.make_incident(title=line, impact=text, last_update=text, last_update_at=rows.NOON))
        session.add(rows.make_plan(document, state="pending", reason=text, target=line))
        session.flush()
        session.add(rows.make_run(target=line, words=text, proof=proof))
        session.add(rows.make_sweep([finding], scope=line))
        session.add(
            PlaybookRun(
                id=9, playbook="database_corruption", database=line, incident_id=7, place="p", requested_by=line,
                state="paused", words=text, created_at=rows.NOON,
            )
        )  # fmt: skip
        session.flush()
        step = PlaybookStep(title="T", manual="M", skipping="S")
        session.add(PlaybookTask(playbook_run_id=9, index=0, definition=step, state="failed", words=text, spent={}))
        session.add_all(
            [
                IncidentRole(incident_id=7, role="dr_coordinator", person=line, since=rows.NOON),
                Approval(plan_id=4, person=line, decision="approve", plan_hash="f", at=rows.NOON, on_behalf_of=line),
                Approval(plan_id=4, person="mei", decision="break_glass", plan_hash="f", at=rows.NOON, reason=text),
                Handover(id=8, giver="mei", holder="amara", reason=text, since=rows.NOON, until=rows.NOON),
                RunStep(run_id=5, index=0, name="s", title=line, state="failed", words=text, output={}),
                RunOutput(run_id=5, step="s", at=rows.NOON, text=text),
                Bulletin(
                    id=11,
                    incident_id=7,
                    stage="update",
                    audiences=["users"],
                    statement=statement,
                    state="draft",
                    made_by=line,
                    made_at=rows.NOON,
                ),
                rows.make_entry(1, text, kind="incident.severity"),
                rows.make_task(title=line),
                rows.make_link(title=line),
                AlertGroup(
                    id=12,
                    key="k",
                    rule="r",
                    title=line or "x",
                    opened_at=rows.NOON,
                    last_at=rows.NOON,
                    incident_id=7,
                    muted_until=rows.NOON + timedelta(hours=1),
                    muted_by=line,
                    turns=1,
                ),
                make_chart(13, line or "x", text, None),
                make_chart(14, line or "x", text, b"PNG"),
                Postmortem(id=6, incident_id=7, markdown=text, drafted_at=rows.NOON),
                Task(id=12, incident_id=7, title=line, due_at=rows.NOON, created_by=line, created_at=rows.NOON),
                UpdateClock(
                    incident_id=7, audience="users", stage="first", since=rows.NOON, due_at=rows.NOON, turn=1, step=0
                ),
            ]
        )
        session.flush()
        session.add_all(_make_alert(number, text, line) for number in range(9))


def make_chart(number: int, title: str, text: str, picture: bytes | None) -> ChartPicture:
    return ChartPicture(
        id=number, incident_id=7, occasion="declared", series="rows:traitortrack.bag", span_s=3600, requested_by="mei",
        place="p", asked_at=rows.NOON, title=title, subtitle="bag: rows",
        alt_text=text, picture=picture, left_out="no matplotlib",
    )  # fmt: skip


def _make_alert(number: int, text: str, line: str) -> Alert:
    return Alert(
        group_id=12, source="generic", fingerprint=f"f{number}", title=line or "x", text=text[:2000], received=1,
        state="firing" if number % 2 else "resolved", severity="", labels={line[:60]: line, "host": "db-1"},
        link="https://example.com/?a=1&b=2", began_at=rows.NOON, last_at=rows.NOON, as_of=rows.NOON, payload={},
        told="", tellings=0,
    )  # fmt: skip


def say(kind: str, text: str, subject: Subject) -> Message:
    about = {
        "playbook": 9, "approval_nudge": 4, "break_glass": 4, "handover": 8, "plan": 4, "run": 5, "run_output": 5,
        "sweep": 3, "postmortem": 6, "bulletin": 11, "bulletin_draft": 11, "task_reminder": 12, "task_given": 12,
        "alert_card": 12, "chart": 13,
        "sweep_evidence": 3,
    }  # fmt: skip
    line = " ".join(text.split())[:200]
    data: dict[str, JsonValue] = {
        "text": text, "actor": text[:60], "entries": 12, "head": "ff00", "summary": line, "details": text, "seq": 1,
        "role": "dr_coordinator", "by": "mei", "step": "late", "turns": {"users": 1},
        "due_at": rows.NOON.isoformat(), "stage": "first", "responsible": "priya",
    }  # fmt: skip
    notice = Notice(
        id=1, key="k", kind=kind, incident_id=7, subject_id=about.get(kind), version=1, data=data, created_at=rows.NOON
    )
    return compose(notice, subject)


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize("kind", kinds())
def test_hostile_text_is_shown_and_not_obeyed(kind: str, text: str, subject: Subject) -> None:
    fill(subject.database, text)
    message = say(kind, text, subject)
    refuse_commands([{"type": "mrkdwn", "text": message.text}])
    assert 0 < len(message.text) <= 4000
    if message.file:
        assert text in str(message.file.content)
        return
    check_message_blocks(message.blocks)
    refuse_commands(message.blocks)
    if kind != "incident_resolved":
        seen, beginning = " ".join(readable(message.blocks).split()), " ".join(text.split())[:60]
        assert beginning in seen or beginning in unguarded(seen), "as rich or plain text, or as escaped mrkdwn"


@pytest.mark.parametrize("kind", kinds())
def test_every_message_has_words_for_notifications(kind: str, subject: Subject) -> None:
    fill(subject.database, "Bags are missing")
    message = say(kind, "Bags are missing", subject)
    assert re.search(r"[A-Za-z]{3}", message.text)
    assert bool(message.blocks) != bool(message.file)


def test_a_chart_is_a_picture_with_its_description(subject: Subject) -> None:
    fill(subject.database, "Lowest 1 ms <!channel>")
    notice = Notice(id=3, kind="chart", incident_id=7, subject_id=14, version=1, data={}, created_at=rows.NOON)
    file = compose(notice, subject).file
    assert file
    assert (file.name, file.content) == ("chart-14-rows-traitortrack-bag.png", b"PNG")
    assert file.alt_text == "Lowest 1 ms <!channel>"


@pytest.mark.parametrize(
    ("step", "words"), [("soon", "must hear how things stand by"), ("due", "is due now"), ("late", "has not gone out")]
)
def test_a_reminder_says_what_is_due_and_offers_it_until_it_is_seen_to(step: str, words: str, subject: Subject) -> None:
    fill(subject.database, "Bags are missing")
    data: dict[str, JsonValue] = {
        "step": step, "turns": {"users": 1, "customers": 3}, "due_at": rows.NOON.isoformat(), "stage": "first",
        "responsible": "priya",
    }  # fmt: skip
    notice = Notice(id=3, kind="update_reminder", incident_id=7, version=1, data=data, created_at=rows.NOON)
    shown = readable(compose(notice, subject).blocks)
    assert all(one in shown for one in (words, "Users, Customers", "A draft for Users waits", "Snooze", "No change"))
    notice.data = {**data, "over": True}
    shown = readable(compose(notice, subject).blocks)
    assert ("Seen to" in shown, "No change" in shown) == (True, False)


def test_who_takes_the_seat_is_named_and_the_button_goes(subject: Subject) -> None:
    fill(subject.database, "diego")
    notice = Notice(id=3, kind="coordinator_wanted", incident_id=7, version=1, data={}, created_at=rows.NOON)
    assert "Take the role" in readable(compose(notice, subject).blocks)
    notice.data = {"over": True}
    shown = readable(compose(notice, subject).blocks)
    assert ("Diego Alvarez is DR Coordinator" in shown, "Take the role" in shown) == (True, False)
