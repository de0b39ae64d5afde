"""Who hears of what, and which workflow is whose: what no room may know of another."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy.orm import Session

from bot.alerts.desk import WORKFLOW as TEND_ALERTS
from bot.alerts.prober import WORKFLOW as PROBE
from bot.clock import utc_now
from bot.comms import outages
from bot.comms.cadence import WORKFLOW as REMIND_OF_UPDATE
from bot.comms.cadence import Cadence
from bot.comms.channel_watch import ChannelWatch
from bot.comms.channels.slack import SlackChannel
from bot.comms.coordinator_seat import WORKFLOW as NAG_COORDINATOR
from bot.comms.coordinator_seat import CoordinatorSeat
from bot.comms.deliveries import Channel, Deliveries
from bot.comms.incident_desk import IncidentNotices
from bot.comms.invitations import Invitations
from bot.comms.messages.subject import Subject
from bot.comms.notices import SLACK
from bot.comms.notices import WORKFLOW as DELIVER
from bot.comms.pages import Pages
from bot.comms.pinning import WORKFLOW as FOLLOW_MESSAGE
from bot.comms.resolution_told import ResolutionTold
from bot.comms.room import WORKFLOW as OPEN_ROOM
from bot.comms.room import Rooms
from bot.comms.room_door import RoomDoor
from bot.comms.room_keeping import ARCHIVE, FOLLOW, RoomKeeping
from bot.comms.status_site.site import WORKFLOW as RENEW_STATUS_SITE
from bot.comms.task_reminders import WORKFLOW as REMIND_OF_TASK
from bot.comms.task_reminders import TaskReminders
from bot.diagnostics.pictures import ASKED as DRAW_CHART
from bot.diagnostics.pictures import INCIDENT as DRAW_INCIDENT_CHARTS
from bot.diagnostics.sampling import WORKFLOW as MEASURE
from bot.diagnostics.sweeps import WORKFLOW as SWEEP
from bot.engine import Engine
from bot.incidents.desk import Change, Listener
from bot.incidents.follow_ups import FollowUps
from bot.postmortem.drafts import WORKFLOW as DRAFT
from bot.postmortem.ledger_heads import WORKFLOW as KEEP_HEAD
from bot.postmortem.ledger_heads import LedgerHeads
from bot.recovery.execution import WORKFLOW as RUN
from bot.recovery.execution import Execution
from bot.recovery.nudges import Nudges
from bot.recovery.plans import ADVANCE, EXPIRE, MAKE
from bot.recovery.playbooks.desk import DRAFT as PLAN_PLAYBOOK
from bot.recovery.playbooks.desk import TICK as TICK_PLAYBOOK
from bot.recovery.rules import NUDGE
from bot.rooms import Comms
from bot.services import Services
from bot.store import ledger
from bot.store.tables import Incident


def wire(services: Services, comms: Comms) -> None:
    """Register every workflow, and let each room hear of what happens in those below it, in this order."""
    _register_workflows(services, comms.channels)
    comms.bulletins.published.append(outages.bulletin_published)
    _keep_on_time(services, comms.cadence, comms.pages)
    services.desk.listeners += [
        outages.follow_incidents(utc_now),  # before a draft says which components are impaired
        IncidentNotices(services.notices, comms.bulletins).changed,
        _record_when_resolved(services.engine),
        services.alerts.incident_changed,
        services.pictures.changed,
        services.sweeps.incident_changed,
    ]
    services.sweeps.ended.append(services.pictures.diagnosed)
    if services.status_site:
        services.desk.listeners.append(services.status_site.incident_changed)
        services.engine.register(RENEW_STATUS_SITE, services.status_site.renew)
    services.runs.ended.append(services.playbooks.turns.run_ended)


def _register_workflows(services: Services, others: Mapping[str, Channel]) -> None:
    subject = Subject(services.database, services.policy, services.prose, has_pages=services.web_access.is_on)
    store = (services.database, services.policy)
    door = RoomDoor(*store, services.notices, services.slack)
    channels = {SLACK: SlackChannel(services.slack, subject, door), **others}
    invitations = Invitations(*store, services.slack, services.directory, services.on_call)
    keeping = RoomKeeping(*store, services.notices, services.slack, invitations)
    watch = ChannelWatch(services.notices, services.bulletins.audiences)
    pagers = services.bulletins.audiences.pagers()
    nudges = Nudges(*store, services.notices, services.approvals.look_up, pagers)
    workflows: dict[str, Callable[..., None]] = {
        DELIVER: Deliveries(services.database, services.notices, channels, watch).deliver,
        OPEN_ROOM: Rooms(*store, services.notices, services.slack, invitations).open,
        FOLLOW_MESSAGE: services.pinning.follow,
        FOLLOW: keeping.follow,
        ARCHIVE: keeping.archive,
        SWEEP: services.sweeps.run,
        TEND_ALERTS: services.alerts.tend,
        PROBE: services.prober.probe,
        MEASURE: services.sampler.measure,
        DRAW_CHART: services.pictures.draw_asked,
        DRAW_INCIDENT_CHARTS: services.pictures.draw_for_incident,
        MAKE: services.plans.make,
        EXPIRE: services.plans.expire,
        NUDGE: nudges.nudge,
        PLAN_PLAYBOOK: services.playbooks.plan,
        ADVANCE: services.playbooks.turns.advance,
        TICK_PLAYBOOK: services.playbooks.tick,
        RUN: Execution(services.runs).execute,
        DRAFT: services.drafts.draft,
        KEEP_HEAD: LedgerHeads(services.database, services.engine, services.policy).keep,
    }
    for name, workflow in workflows.items():
        services.engine.register(name, workflow)


def _keep_on_time(services: Services, cadence: Cadence, pages: Pages) -> None:
    """Clocks, the coordinator's seat and follow-ups: they hear of a change before what is said of it winds them on."""
    database, policy, notices, desk = services.database, services.policy, services.notices, services.desk
    seat = CoordinatorSeat(database, policy, notices, pages, services.on_call)
    follow_ups = FollowUps(policy, desk.listeners)
    reminders = TaskReminders(database, policy, notices)
    desk.listeners += [cadence.changed, seat.changed, follow_ups.changed, reminders.changed]
    services.bulletins.published += [cadence.told, ResolutionTold(policy, follow_ups).told]
    services.drafts.drafted.append(follow_ups.drafted)
    services.engine.register(REMIND_OF_UPDATE, cadence.remind)
    services.engine.register(NAG_COORDINATOR, seat.nag)
    services.engine.register(REMIND_OF_TASK, reminders.remind)


def _record_when_resolved(engine: Engine) -> Listener:
    def changed(session: Session, incident: Incident, change: Change) -> None:
        if change == "resolved":
            entries, head = ledger.read_head(session)
            engine.enqueue(session, DRAFT, incident.id, key=f"postmortem-{incident.id}-{entries}")
            engine.enqueue(session, KEEP_HEAD, entries, head, 1, key=f"{KEEP_HEAD}-{entries}-1")

    return changed
