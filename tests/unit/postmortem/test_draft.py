"""The draft: the document's headings, filled from what the ledger knows; what it cannot know is a question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.comms.delivery_log import DeliveryLog
from bot.comms.notices import Address, Notices
from bot.comms.prose import Prose, plain_markdown
from bot.diagnostics.pictures import Pictures
from bot.engine import Engine
from bot.incidents.desk import Desk
from bot.policy import load_policy
from bot.postmortem.drafts import Drafts
from bot.settings import templates_dir
from bot.store import ledger
from bot.store.database import Database
from bot.store.documents import Finding, Phase, Proof, Verdict
from bot.store.tables import ChartPicture, Delivery, Notice, Plan, Run, Sweep
from tests.integration.store.stores import open_store
from tests.unit.comms.conftest import HandQueue
from tests.unit.incidents.conftest import HandClock
from tests.unit.slack.shapes import HOSTILE

TEN = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
HEADINGS = [
    "# Incident Post-Mortem:", "## Summary", "## Timeline", "## Root Cause", "## Resolution", "## Impact Assessment",
    "## What Went Well", "## What Could Be Improved", "## Action Items", "## Lessons Learned",
]  # fmt: skip
"""Of the source document's template ("Post-Incident Report"), in its order."""
MOMENTS = [
    "Incident started (first symptoms)", "Detected", "DR team notified", "Root cause identified", "Fix implemented",
    "Service restored", "Incident closed",
]  # fmt: skip
PHASES = {"detection": 300, "decision": 300, "retrieval": 600, "restore": 1200, "restart": 300, "validation": 600}


class Office:
    """The desk and the drafts on one store, with a clock turned by hand."""

    def __init__(self, database: Database) -> None:
        policy, self.clock = load_policy(None), HandClock()
        self.clock.now = TEN
        notices = Notices(cast(Engine, HandQueue(self.clock)), self.clock)
        self.database = database
        self.desk = Desk(database, policy, self.clock)
        self.drafts = Drafts(database, policy, notices, Prose(templates_dir()), DeliveryLog(database, policy, {}))

    def draft(self, number: int) -> str:
        self.drafts.draft(number)
        found = self.drafts.latest(number)
        assert found is not None
        return found.markdown


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_store(f"sqlite:///{tmp_path / 'holdfast.db'}") as database:
        yield Office(database)


def headings(markdown: str) -> list[str]:
    return re.findall(r"^#{1,2} .*$", markdown, flags=re.MULTILINE)


def section(markdown: str, title: str) -> str:
    return markdown.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def tell_the_documents_example(office: Office) -> int:
    """The source document's "Scenario 1: Database Corruption at 10:00 AM"."""
    desk, clock = office.desk, office.clock
    clock.turn(minutes=5)
    number = desk.declare(
        actor="amara", severity="P1", title="Bags are missing", category="database", impact="Nobody can scan"
    ).id
    with office.database.write() as session:
        ledger.append(
            session, kind="incident.room", actor="holdfast", text="Channel opened", at=clock(), incident_id=number
        )
        session.add(make_sweep(number, clock()))
    clock.turn(minutes=5)
    desk.set_status(number, actor="diego", status="identified")
    clock.turn(minutes=45)
    add_run(office, number)
    desk.note(number, actor="mei", text="two\nlines")
    clock.turn(minutes=5)
    desk.resolve(number, actor="amara", text="All bags are back.")
    return number


def make_sweep(number: int, at: datetime) -> Sweep:
    bad = Finding(check="database_rows", title="Rows", state="critical", summary="98 % of bag are gone")
    good = Finding(check="database_size", title="Size", state="ok", summary="50 GB")
    return Sweep(
        incident_id=number, scope="database", requested_by="diego", place="p", started_at=at, findings=[bad, good]
    )


def add_run(office: Office, number: int) -> None:
    phases = [Phase(name=name, seconds=length, expected_s=length) for name, length in PHASES.items()]
    verdict = Verdict(name="rows of bag", expected="50,000", found="50,000", good=True)
    measured = {"loss": "5 min, 12 rows", "downtime": "1.2 s", "downtime_s": 1.2}
    proof = Proof(verdicts=[verdict], phases=phases, measured=measured, at=office.clock())
    facts = {"action": "restore_database", "place": "p", "created_at": office.clock(), "incident_id": number}
    with office.database.write() as session:
        plan = Plan(parameters={}, requested_by="diego", state="approved", **facts)
        session.add(plan)
        session.flush()
        session.add(
            Run(plan_id=plan.id, target="traitortrack", state="done", words="Brought back.", proof=proof, **facts)
        )


def test_the_headings_are_the_documents_in_their_order(office: Office) -> None:
    markdown = office.draft(tell_the_documents_example(office))
    found = headings(markdown)
    assert [one for one in found if one != "## Recovery clock"] == [f"{HEADINGS[0]} Bags are missing", *HEADINGS[1:]]
    timeline = section(markdown, "Timeline")
    assert [moment for moment in MOMENTS if f" - {moment}" in timeline] == MOMENTS


def test_it_is_filled_from_the_ledger(office: Office) -> None:
    markdown = office.draft(tell_the_documents_example(office))
    timeline, clock = section(markdown, "Timeline"), section(markdown, "Recovery clock")
    assert "(55 min)" in markdown
    assert "P1" in markdown
    assert "Nobody can scan" in markdown
    assert "All bags are back." in section(markdown, "Summary")
    assert "- 2026-03-01 10:05:00 UTC - Detected" in timeline
    assert "- 2026-03-01 10:10:00 UTC - Root cause identified" in timeline
    assert "- 2026-03-01 10:55:00 UTC - Service restored" in timeline
    assert "two\n  lines" in timeline, "what belongs to an item stays in it"
    assert [line.split("|")[1].strip().lower() for line in clock.splitlines() if "min" in line] == list(PHASES)
    assert "| Restore | 20 min | 20 min |" in clock
    assert "| rows of bag | 50,000 | 50,000 | good |" in clock
    assert "98 % of bag are gone" in section(markdown, "Root Cause")
    assert "50 GB" not in section(markdown, "Root Cause"), "only what was wrong"
    impact = section(markdown, "Impact Assessment")
    assert "Data loss: 5 min, 12 rows" in impact
    assert "Downtime: 1.2 s" in impact


def test_what_nobody_recorded_is_a_question(office: Office) -> None:
    number = office.desk.declare(actor="amara", severity="P3", title="Quiet").id
    office.desk.resolve(number, actor="amara")
    markdown = office.draft(number)
    assert [one for one in headings(markdown) if one != "## Recovery clock"][1:] == HEADINGS[1:]
    for title in ("Summary", "Timeline", "Root Cause", "Resolution", "Impact Assessment", "What Went Well"):
        assert "QUESTION" in section(markdown, title)
    assert "No recovery action was run" in markdown
    assert re.findall(r"^\d+\. \[ \] .* - Owner: .* - Due: 2026-", section(markdown, "Action Items"), re.MULTILINE)


def test_it_is_written_once_and_kept_and_announced(office: Office) -> None:
    number = tell_the_documents_example(office)
    first = office.draft(number)
    office.clock.turn(days=1)
    assert office.draft(number) == first
    with office.database.read() as session:
        kinds = [entry.kind for entry in ledger.read_timeline(session, number)]
        notices = [notice.kind for notice in session.query(Notice)]
        assert ledger.verify(session)[1] == []
    assert kinds.count("postmortem.drafted") == 1
    assert notices == ["postmortem"]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_people_is_never_a_template(office: Office, text: str) -> None:
    title = " ".join(text.split()) or "x"
    number = office.desk.declare(actor="amara", severity="P1", title=f"a {title}", impact=text).id
    office.desk.note(number, actor="mei", text=text)
    office.desk.resolve(number, actor="amara", text=text)
    markdown = office.draft(number)
    assert markdown.startswith("# Incident Post-Mortem: a ")
    assert "49" not in markdown.split("\n", 1)[0]
    assert plain_markdown(office.desk.find(number).title) in markdown


def test_a_long_incident_has_its_duration_in_days(office: Office) -> None:
    number = office.desk.declare(actor="amara", severity="P4", title="Slow").id
    office.clock.now += timedelta(days=3, hours=2)
    office.desk.resolve(number, actor="amara")
    assert "(3 d 2 h)" in office.draft(number)


def test_a_broken_glass_becomes_a_question(office: Office) -> None:
    number = tell_the_documents_example(office)
    with office.database.write() as session:
        ledger.append(
            session, kind="approval.break_glass", actor="mei", text="Mei broke the glass: nobody answered",
            at=office.clock(), incident_id=number,
        )  # fmt: skip
    improved = section(office.draft(number), "What Could Be Improved")
    assert "- Mei broke the glass: nobody answered. QUESTION: Why could nobody else approve" in improved


def test_whom_it_was_told_is_listed(office: Office) -> None:
    number = tell_the_documents_example(office)
    with office.database.write() as session:
        to = [Address("email", "management@example.com"), Address("pagerduty", "all")]
        data: dict[str, JsonValue] = {"alias": "a", "summary": "s", "details": "d"}
        office.drafts.notices.say(session, "page", key="k", to=to, incident_id=number, data=data)
        mail, page = session.scalars(sa.select(Delivery).where(Delivery.channel != "slack").order_by(Delivery.id))
        mail.state, mail.attempts, mail.receipt = "sent", 2, {"message_id": "m", "repeated": True}
        page.state, page.error = "failed", "PagerDuty answered 401. It does not accept the key: look at *KEY*."
    told = section(office.draft(number), "Deliveries")
    assert "| management@example.com | E-mail | sent | took 2 attempts; may have arrived twice |" in told
    refused = "PagerDuty answered 401. It does not accept the key: look at \\*KEY\\*."
    assert f"| everybody there | PagerDuty | failed | {refused} |" in told


def test_where_nobody_was_told_it_says_so(office: Office) -> None:
    number = tell_the_documents_example(office)
    assert "Nobody outside the incident's channel was told." in section(office.draft(number), "Deliveries")


class Broken(Pictures):
    """Charts that cannot be made, for a reason that nobody thought of."""

    def __init__(self) -> None:
        """Nothing is needed to fail."""

    def draw_resolution(self, incident_id: int) -> None:
        raise ZeroDivisionError(incident_id)

    def list_final(self, session: Session, incident_id: int) -> list[ChartPicture]:
        return []


def test_the_draft_does_not_depend_on_its_charts(office: Office) -> None:
    office.drafts.pictures = Broken()
    markdown = office.draft(tell_the_documents_example(office))
    assert "## Root Cause" in markdown
    assert "### Charts" not in markdown


def test_charts_are_in_the_draft_by_the_name_of_their_file(office: Office) -> None:
    class Two(Broken):
        def draw_resolution(self, incident_id: int) -> None:
            """They are there already."""

        def list_final(self, session: Session, incident_id: int) -> list[ChartPicture]:
            facts = {"title": "Rows: fewer since 10:02", "alt_text": "Lowest 1 [of 2]."}
            return [ChartPicture(id=3, picture=b"PNG", **facts), ChartPicture(id=4, picture=None, **facts)]

    office.drafts.pictures = Two()
    charts = section(office.draft(tell_the_documents_example(office)), "Timeline").partition("### Charts\n")[2]
    assert "**Rows: fewer since 10:02**" in charts
    assert "![Lowest 1 (of 2).](chart-3.png)" in charts
    assert "chart-4" not in charts
    assert charts.count("Lowest 1 (of 2).") == 2
