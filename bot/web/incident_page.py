"""What the page of one incident shows, read in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session, defer

from bot.comms.delivery_log import Told
from bot.comms.messages.playbook import read_clock, read_progress
from bot.comms.messages.subject import Subject, name_person
from bot.comms.summary_fields import Facts, Field, read_fields
from bot.incidents.details import list_dependents, name_components
from bot.incidents.reading import find_visible, list_same
from bot.incidents.tasks import place_of
from bot.outcome import Refused
from bot.policy import Policy
from bot.services import Services
from bot.slack.blocks.findings import ORDER
from bot.slack.blocks.playbook import Clock, Progress
from bot.store import ledger
from bot.store.documents import Finding, PlanDocument
from bot.store.tables import (
    Approval,
    ChartPicture,
    Incident,
    IncidentRole,
    LedgerEntry,
    Link,
    Plan,
    PlaybookRun,
    PlaybookTask,
    Postmortem,
    Run,
    RunStep,
    Sweep,
    Task,
)

COUNTED = ("approve", "break_glass")
Row = TypeVar("Row", Sweep, Run, Postmortem, PlaybookRun)


@dataclass(frozen=True)
class Seat:
    """A role and the name of its holder; empty where nobody holds it."""

    title: str
    holder: str


@dataclass(frozen=True)
class RunShown:
    run: Run
    document: PlanDocument | None
    steps: Sequence[RunStep]
    approvers: Sequence[str]


@dataclass(frozen=True)
class PlaybookShown:
    run: PlaybookRun
    title: str
    steps: Sequence[Progress]
    clock: Clock | None


@dataclass(frozen=True)
class IncidentPage:
    """All of it. Names of people and components are plain words; `fields` are mrkdwn, as in the pinned summary."""

    incident: Incident
    fields: Sequence[Field]
    seats: Sequence[Seat]
    components: str
    dependents: str
    waiting: Sequence[Plan]
    """Plans that wait for approval."""
    runs: Sequence[RunShown]
    playbooks: Sequence[PlaybookShown]
    tasks: Sequence[Task]
    sweep: Sweep | None
    """The newest one."""
    findings: Sequence[Finding]
    """Its findings, the worst first."""
    charts: Sequence[ChartPicture]
    """The newest of each series that was drawn, without the pictures themselves (`read_chart`)."""
    entries: Sequence[LedgerEntry]
    """The timeline, the newest first."""
    told: Sequence[Told]
    lacking: Mapping[str, str]
    links: Sequence[Link]
    draft: Postmortem | None


def read_page(services: Services, incident_id: int, viewer: str, now: datetime) -> IncidentPage:
    """Raises `Refused` where there is no such incident for the viewer."""
    policy = services.policy
    with services.database.read() as session:
        incident = find_visible(session, incident_id, viewer)
        same = list_same(session, incident_id)
        sweep = session.scalar(_newest(Sweep, same))
        return IncidentPage(
            incident=incident,
            fields=read_fields(Facts(session, incident, policy, now)),
            seats=_list_seats(session, incident, policy),
            components=name_components(policy, incident.components),
            dependents=name_components(policy, list_dependents(policy, incident.components)),
            waiting=_list_waiting(session, same),
            runs=[_read_run(session, run, policy) for run in session.scalars(_newest(Run, same))],
            playbooks=_list_playbooks(session, same, Subject(services.database, policy, services.prose, lambda: now)),
            tasks=sorted(session.scalars(sa.select(Task).where(Task.incident_id.in_(same))), key=place_of),
            sweep=sweep,
            findings=sorted(sweep.findings, key=lambda one: ORDER.index(one.state)) if sweep else [],
            charts=_list_charts(session, same),
            entries=ledger.read_timeline(session, *same)[::-1],
            told=services.deliveries.read(session, incident_id),
            lacking=services.deliveries.lacking,
            links=list(session.scalars(sa.select(Link).where(Link.incident_id.in_(same)).order_by(Link.id))),
            draft=session.scalar(_newest(Postmortem, [incident_id])),
        )


def read_chart(services: Services, incident_id: int, chart_id: int, viewer: str) -> bytes:
    """A chart of the incident as PNG. Raises `Refused` where there is none for the viewer."""
    with services.database.read() as session:
        find_visible(session, incident_id, viewer)
        chart = session.get(ChartPicture, chart_id)
        if chart is None or chart.picture is None or chart.incident_id not in list_same(session, incident_id):
            raise Refused(f"There is no chart {chart_id}.", "The incident's page shows those that there are.")
        return chart.picture


def _list_charts(session: Session, incidents: Sequence[int]) -> list[ChartPicture]:
    drawn = ChartPicture.incident_id.in_(incidents), ChartPicture.picture.is_not(None)
    query = sa.select(ChartPicture).where(*drawn).options(defer(ChartPicture.picture)).order_by(ChartPicture.id)
    return list({one.series: one for one in session.scalars(query)}.values())


def _newest(table: type[Row], incidents: Sequence[int]) -> sa.Select[Row]:
    return sa.select(table).where(table.incident_id.in_(incidents)).order_by(table.id.desc())


def _list_seats(session: Session, incident: Incident, policy: Policy) -> list[Seat]:
    rows = sa.select(IncidentRole).where(IncidentRole.incident_id == incident.id)
    held = {row.role: name_person(policy, row.person) for row in session.scalars(rows)}
    return [Seat(role.title, held.get(key, "")) for key, role in policy.roles.items()]


def _list_waiting(session: Session, incidents: Sequence[int]) -> list[Plan]:
    query = sa.select(Plan).where(Plan.incident_id.in_(incidents), Plan.state == "pending")
    return list(session.scalars(query.order_by(Plan.id)))


def _read_run(session: Session, run: Run, policy: Policy) -> RunShown:
    approvals = sa.select(Approval.person).where(Approval.plan_id == run.plan_id, Approval.decision.in_(COUNTED))
    return RunShown(
        run=run,
        document=session.get_one(Plan, run.plan_id).document,
        steps=list(session.scalars(sa.select(RunStep).where(RunStep.run_id == run.id).order_by(RunStep.index))),
        approvers=[name_person(policy, person) for person in session.scalars(approvals.order_by(Approval.id))],
    )


def _list_playbooks(session: Session, incidents: Sequence[int], subject: Subject) -> list[PlaybookShown]:
    return [_read_playbook(session, run, subject) for run in session.scalars(_newest(PlaybookRun, incidents))]


def _read_playbook(session: Session, run: PlaybookRun, subject: Subject) -> PlaybookShown:
    query = sa.select(PlaybookTask).where(PlaybookTask.playbook_run_id == run.id).order_by(PlaybookTask.index)
    steps = [read_progress(session, task) for task in session.scalars(query)]
    incident = session.get_one(Incident, run.incident_id)
    playbook = subject.policy.playbooks.get(run.playbook)
    title = playbook.title if playbook else run.playbook
    return PlaybookShown(run, title, steps, read_clock(run, steps, incident, subject))
