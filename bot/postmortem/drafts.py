"""The post-mortem draft in the shape of the document's template; what only people know is marked as a question."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.delivery_log import DeliveryLog, Told
from bot.comms.messages.subject import name_person
from bot.comms.notices import Notices, incident_room
from bot.comms.outgoing import BULLETIN, PAGE
from bot.comms.prose import Prose
from bot.diagnostics.pictures import Pictures
from bot.incidents.follow_ups import list_follow_ups
from bot.incidents.reading import list_same, seen_by
from bot.policy import Policy
from bot.store import ledger
from bot.store.database import Database
from bot.store.documents import Finding, Proof
from bot.store.tables import ChartPicture, Incident, LedgerEntry, Plan, Postmortem, Run, Sweep
from bot.words import show_duration

log = logging.getLogger(__name__)

WORKFLOW = "draft-postmortem"
FAILURES = ("delivery.failed", "run.failed", "run.refused", "run.cancelled", "plan.expired", "plan.void")


@dataclass(frozen=True)
class Mark:
    """One of the moments that the document's timeline asks for; None where the ledger does not know it."""

    title: str
    at: datetime | None


@dataclass(frozen=True)
class RunStory:
    id: int
    title: str
    state: str
    words: str
    proof: Proof | None


class Drafts:
    """Writes drafts and keeps them."""

    def __init__(
        self, database: Database, policy: Policy, notices: Notices, prose: Prose, deliveries: DeliveryLog,
        pictures: Pictures | None = None,
    ) -> None:  # fmt: skip
        self.database, self.policy, self.notices, self.prose = database, policy, notices, prose
        self.deliveries, self.pictures = deliveries, pictures
        self.drafted: list[Callable[[Session, Incident], None]] = []
        """Told in the same transaction that a draft is there."""

    def draft(self, incident_id: int) -> None:
        """The workflow: write the draft once for each resolution, keep it, and post it as a file after its charts."""
        self._draw(incident_id)
        with self.database.write() as session:
            resolved_at = session.get_one(Incident, incident_id).resolved_at
            if resolved_at is None or self._is_written(session, incident_id, resolved_at):
                return
            draft = Postmortem(
                incident_id=incident_id, markdown=self._write(session, incident_id), drafted_at=self.notices.clock()
            )
            session.add(draft)
            session.flush()
            ledger.append(
                session, key=f"postmortem:{draft.id}", kind="postmortem.drafted", actor="holdfast",
                text="Post-mortem draft written", incident_id=incident_id, data={"draft": draft.id},
            )  # fmt: skip
            self.notices.say(
                session, "postmortem", key=f"postmortem:{draft.id}", to=[incident_room(incident_id)],
                incident_id=incident_id, subject_id=draft.id,
            )  # fmt: skip
            for listener in self.drafted:
                listener(session, session.get_one(Incident, incident_id))

    def _draw(self, incident_id: int) -> None:
        """The charts first: the document names them."""
        try:
            if self.pictures:
                self.pictures.draw_resolution(incident_id)
        except Exception:  # a boundary: a document that people wait for does not depend on its pictures
            log.exception("the post-mortem of #%d is written without its charts", incident_id)

    def _is_written(self, session: Session, incident_id: int, resolved_at: datetime) -> bool:
        query = sa.select(Postmortem.id).where(Postmortem.incident_id == incident_id)
        return session.scalar(query.where(Postmortem.drafted_at >= resolved_at)) is not None

    def latest(self, incident_id: int) -> Postmortem | None:
        query = sa.select(Postmortem).where(Postmortem.incident_id == incident_id).order_by(Postmortem.id.desc())
        with self.database.read() as session:
            return session.scalar(query.limit(1))

    def list_charts(self, session: Session, incident_id: int) -> list[ChartPicture]:
        """The pictures that belong to the draft."""
        return self.pictures.list_final(session, incident_id) if self.pictures else []

    def recent(self, limit: int, viewer: str) -> list[tuple[Incident, datetime]]:
        """The incidents whose drafts are the newest, drills left out, each with when its last one was written.

        Those that the viewer may know of.
        """
        written = sa.func.max(Postmortem.drafted_at).label("written")
        newest = sa.select(Postmortem.incident_id, written).group_by(Postmortem.incident_id).subquery()
        query = sa.select(Incident, newest.c.written).join(newest, newest.c.incident_id == Incident.id)
        ordered = (
            query.where(Incident.drill.is_(False), seen_by(Incident.id, viewer))
            .order_by(newest.c.written.desc())
            .limit(limit)
        )
        with self.database.read() as session:
            return [(incident, at) for incident, at in session.execute(ordered)]

    def _write(self, session: Session, incident_id: int) -> str:
        incident = session.get_one(Incident, incident_id)
        same = list_same(session, incident_id)
        entries = ledger.read_timeline(session, *same)
        runs = _tell_runs(session, same)
        ended_at = incident.resolved_at or self.notices.clock()
        head_seq, head_hash = ledger.read_head(session)
        return self.prose.markdown(
            "postmortem/draft.md",
            incident=incident,
            name=partial(name_person, self.policy),
            severity=self.policy.severities[incident.severity],
            category=self.policy.categories[incident.category],
            ended_at=ended_at,
            total=ended_at - incident.detected_at,
            marks=_find_marks(incident, entries, runs),
            entries=entries,
            runs=runs,
            findings=_find_trouble(session, same),
            alone=[entry for entry in entries if entry.kind == "approval.break_glass"],
            deliveries=[one for one in self.deliveries.read(session, incident_id) if _is_told(one)],
            lacking=[{"channel": name, "reason": reason} for name, reason in self.deliveries.lacking.items()],
            charts=[_name_chart(one) for one in self.list_charts(session, incident_id)],
            failures=[entry for entry in entries if entry.kind in FAILURES],
            data_loss=_measured(runs, "loss"),
            downtime=_measured(runs, "downtime"),
            revenue=self._estimate_revenue(ended_at - incident.detected_at),
            follow_ups=[
                {"title": one.title, "due": due_at} for one, due_at in list_follow_ups(self.policy, incident, ended_at)
            ],
            head_seq=head_seq,
            head_hash=head_hash,
        )

    def _estimate_revenue(self, total: timedelta) -> str:
        """The policy's figures for a day, scaled to the duration."""
        impact, days = self.policy.business_impact, total / timedelta(days=1)
        low, high = impact.revenue_loss_per_day_usd_low * days, impact.revenue_loss_per_day_usd_high * days
        return f"${low:,.0f} to ${high:,.0f} if nothing worked for {show_duration(total)}. QUESTION: is that so?"


def file_name(chart: ChartPicture) -> str:
    """What the draft calls the picture of a chart, which lies beside it when it is saved."""
    return f"chart-{chart.id}.png"


def _name_chart(chart: ChartPicture) -> dict[str, str]:
    text = chart.alt_text.replace("[", "(").replace("]", ")")  # a bracket would end Markdown's description of a picture
    return {"title": chart.title, "text": text, "file": file_name(chart) if chart.picture else ""}


def _tell_runs(session: Session, incidents: list[int]) -> list[RunStory]:
    query = sa.select(Run, Plan).join(Plan, Plan.id == Run.plan_id).where(Run.incident_id.in_(incidents))
    return [
        RunStory(run.id, plan.document.title if plan.document else run.action, run.state, run.words, run.proof)
        for run, plan in session.execute(query.order_by(Run.id))
    ]


def _find_marks(incident: Incident, entries: list[LedgerEntry], runs: list[RunStory]) -> list[Mark]:
    """The moments of the document's template, as far as the ledger knows them."""

    def when(kind: str, status: str | None = None) -> datetime | None:
        found = (one for one in entries if one.kind == kind and status in (None, one.data.get("status")))
        return next((one.happened_at for one in found), None)

    recoveries = [run for run in runs if run.proof and "downtime" in run.proof.measured]
    fixed = max((run.proof.at for run in recoveries if run.proof), default=None)
    return [
        Mark("Incident started (first symptoms)", None),
        Mark("Detected", incident.detected_at),
        Mark("DR team notified", when("incident.room")),
        Mark("Root cause identified", when("incident.status", "identified")),
        Mark("Fix implemented", fixed),
        Mark("Service restored", fixed),
        Mark("Incident closed", incident.resolved_at),
    ]


def _find_trouble(session: Session, incidents: list[int]) -> list[Finding]:
    """What the sweeps of the incident found wrong, the newest answer of each check."""
    sweeps = session.scalars(sa.select(Sweep).where(Sweep.incident_id.in_(incidents)).order_by(Sweep.id))
    newest: dict[str, Finding] = {}
    for sweep in sweeps:
        newest.update({finding.key: finding for finding in sweep.findings if finding.state in ("critical", "warning")})
    return list(newest.values())


def _is_told(one: Told) -> bool:
    """What audiences were told, and all that did not simply arrive; the room's own messages are in the room."""
    return one.kind in (BULLETIN, PAGE) or one.state != "sent"


def _measured(runs: list[RunStory], name: str) -> str:
    """A figure of the newest run that measured it."""
    found = [str(run.proof.measured[name]) for run in runs if run.proof and name in run.proof.measured]
    return found[-1] if found else ""
