"""The one place where everything is put together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec

from click import Command
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from sqlalchemy.orm import Session

from bot import cli
from bot.alerts.desk import WORKFLOW as TEND_ALERTS
from bot.alerts.desk import AlertDesk
from bot.alerts.prober import WORKFLOW as PROBE
from bot.alerts.prober import HealthProber
from bot.clock import utc_now
from bot.comms import outages
from bot.comms.audiences import Audiences
from bot.comms.bulletins import Bulletins
from bot.comms.cadence import WORKFLOW as REMIND_OF_UPDATE
from bot.comms.cadence import Cadence
from bot.comms.channel_watch import ChannelWatch
from bot.comms.channels import Wiring, build_channels
from bot.comms.channels.slack import SlackChannel
from bot.comms.coordinator_seat import WORKFLOW as NAG_COORDINATOR
from bot.comms.coordinator_seat import CoordinatorSeat
from bot.comms.deliveries import Channel, Deliveries
from bot.comms.delivery_log import DeliveryLog
from bot.comms.incident_desk import IncidentNotices
from bot.comms.invitations import Invitations
from bot.comms.messages.subject import Subject
from bot.comms.notices import SLACK, Notices
from bot.comms.notices import WORKFLOW as DELIVER
from bot.comms.pages import Pages
from bot.comms.pinning import WORKFLOW as FOLLOW_MESSAGE
from bot.comms.pinning import Pinning
from bot.comms.prose import Prose
from bot.comms.resolution_told import ResolutionTold
from bot.comms.room import WORKFLOW as OPEN_ROOM
from bot.comms.room import Rooms
from bot.comms.room_keeping import ARCHIVE, FOLLOW, RoomKeeping
from bot.comms.status_site.site import WORKFLOW as RENEW_STATUS_SITE
from bot.comms.status_site.site import Renewals, StatusSite, open_place
from bot.comms.task_reminders import WORKFLOW as REMIND_OF_TASK
from bot.comms.task_reminders import TaskReminders
from bot.comms.templates_check import check_templates
from bot.comms.update_desk import UpdateDesk
from bot.diagnostics.deploys import find_deploys
from bot.diagnostics.pictures import ASKED as DRAW_CHART
from bot.diagnostics.pictures import INCIDENT as DRAW_INCIDENT_CHARTS
from bot.diagnostics.pictures import Pictures
from bot.diagnostics.sampling import WORKFLOW as MEASURE
from bot.diagnostics.sampling import Sampler
from bot.diagnostics.series import Series
from bot.diagnostics.sketches import Sketches
from bot.diagnostics.sweeps import WORKFLOW as SWEEP
from bot.diagnostics.sweeps import Sweeps
from bot.engine import Engine
from bot.incidents.desk import Change, Desk, Listener
from bot.incidents.follow_ups import FollowUps
from bot.incidents.on_call import OnCall
from bot.incidents.pins import Pins
from bot.incidents.web_access import WebAccess
from bot.policy import Policy, default_policy_path, load_policy
from bot.postmortem.drafts import WORKFLOW as DRAFT
from bot.postmortem.drafts import Drafts
from bot.postmortem.ledger_heads import WORKFLOW as KEEP_HEAD
from bot.postmortem.ledger_heads import LedgerHeads
from bot.recovery.action import World
from bot.recovery.approvals import Approvals
from bot.recovery.break_glass import BreakGlass
from bot.recovery.execution import WORKFLOW as RUN
from bot.recovery.execution import Execution
from bot.recovery.handovers import Handovers
from bot.recovery.nudges import Nudges
from bot.recovery.plans import ADVANCE, EXPIRE, MAKE, Plans
from bot.recovery.playbooks.check import check_playbooks
from bot.recovery.playbooks.desk import DRAFT as PLAN_PLAYBOOK
from bot.recovery.playbooks.desk import TICK as TICK_PLAYBOOK
from bot.recovery.playbooks.desk import Playbooks
from bot.recovery.playbooks.whole import PLAYBOOK
from bot.recovery.registry import all_actions
from bot.recovery.rules import NUDGE, refuse_unknown_actions
from bot.recovery.runs import Runs, list_under_way
from bot.services import Services
from bot.settings import Settings, templates_dir
from bot.slack.client import build_client
from bot.slack.directory import Directory
from bot.slack.user_groups import UserGroups
from bot.store import ledger
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.tables import Incident
from bot.terminal.session import Parts
from handlers import home
from handlers.buttons import press
from handlers.commands import listener
from handlers.events import event
from handlers.modals import form
from handlers.shortcuts import shortcut

LISTENERS = 32


def build_services(environment: Mapping[str, str]) -> Services:
    """Migrate the store and wire every room. Raises `SettingsError` or `PolicyError`."""
    settings = Settings.from_environment(environment)
    policy = load_policy(settings.policy_path)
    refuse_unknown_actions(policy, settings.policy_path or default_policy_path(), [*all_actions(), PLAYBOOK])
    check_playbooks(policy, settings.policy_path)
    database = Database(settings.database_url)
    migrate(database)
    engine = Engine(database)
    token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else ""
    slack = build_client(token, settings.slack_api_url)
    prose = Prose(templates_dir(), settings.templates_path)
    check_templates(prose, settings.templates_path)
    world = World(policy, environment, utc_now, partial(list_under_way, database))
    notices = Notices(engine)
    channels, lacking = build_channels(Wiring(policy, environment, database, prose))
    audiences = Audiences(policy, {SLACK, *channels})
    bulletins, pages = Bulletins(database, policy, notices, audiences), Pages(notices, audiences)
    desk, on_call = Desk(database, policy), OnCall(policy, environment)
    bulletins.published.append(outages.bulletin_published)
    cadence = Cadence(database, policy, notices, pages, on_call)
    log = DeliveryLog(database, policy, lacking)
    plans = Plans(database, engine, policy, notices, world)
    directory = Directory(slack, database, policy)
    members = UserGroups(directory).find_members
    runs = Runs(plans)
    pins = Pins(database)
    alerts = AlertDesk(database, policy, notices, desk)
    series = Series(database, policy)
    sampler = Sampler(database, engine, policy, series, environment)
    deploys = partial(find_deploys, policy, environment)
    pictures = Pictures(database, policy, notices, Sketches(series, sampler, policy), deploys)
    services = Services(
        settings=settings,
        policy=policy,
        database=database,
        engine=engine,
        world=world,
        slack=slack,
        directory=directory,
        desk=desk,
        alerts=alerts,
        prober=HealthProber(alerts, heard=[sampler.heard]),
        series=series,
        sampler=sampler,
        pictures=pictures,
        notices=notices,
        pins=pins,
        pinning=Pinning(database, engine, policy, pins, slack, directory),
        bulletins=bulletins,
        updates=UpdateDesk(cadence, desk),
        on_call=on_call,
        lacking_channels=lacking,
        status_site=_build_renewals(engine, database, policy),
        deliveries=log,
        prose=prose,
        sweeps=Sweeps(database, engine, policy, notices, environment),
        plans=plans,
        approvals=Approvals(database, engine, policy, notices, members),
        break_glass=BreakGlass(database, engine, policy, notices, audiences.pagers()),
        handovers=Handovers(database, policy, notices, members),
        runs=runs,
        playbooks=Playbooks(runs, members),
        drafts=Drafts(database, policy, notices, prose, log, pictures),
        web_access=WebAccess(settings, policy),
    )
    _register_workflows(services, prose, channels)
    _keep_on_time(services, cadence, pages)
    services.desk.listeners += [
        outages.follow_incidents(utc_now),  # before a draft says which components are impaired
        IncidentNotices(notices, bulletins).changed,
        _record_when_resolved(engine),
        alerts.incident_changed,
        pictures.changed,
        services.sweeps.incident_changed,
    ]
    services.sweeps.ended.append(pictures.diagnosed)
    if services.status_site:
        services.desk.listeners.append(services.status_site.incident_changed)
        engine.register(RENEW_STATUS_SITE, services.status_site.renew)
    services.runs.ended.append(services.playbooks.turns.run_ended)
    return services


def build_bolt(services: Services) -> App:
    """The listeners. Starts without asking Slack anything, so a slow Slack does not hold it up."""
    app = App(
        client=build_client("", services.settings.slack_api_url),  # the token comes with the authorisation
        authorize=_authorize(services),
        signing_secret=_signing_secret(services.settings),
        token_verification_enabled=False,
        request_verification_enabled=services.settings.slack_app_token is None,
        listener_executor=ThreadPoolExecutor(max_workers=LISTENERS, thread_name_prefix="listener"),
    )
    for room in (listener, press, form, home, shortcut, event):
        room.register(app, services)
    return app


def main() -> None:
    """The console script."""
    parts = Parts(build_services=lambda: build_services(os.environ), build_bolt=build_bolt)
    cli.run(parts, *_sandbox_commands())


def _sandbox_commands() -> list[Command]:
    """`holdfast demo`, where the extra that it needs is installed."""
    if find_spec("moto") is None:
        return []
    from bot.sandbox.command import demo  # noqa: PLC0415 (the bot itself must not load the sandbox)

    return [demo]


def _register_workflows(services: Services, prose: Prose, others: Mapping[str, Channel]) -> None:
    subject = Subject(services.database, services.policy, prose, has_pages=services.web_access.is_on)
    channels = {SLACK: SlackChannel(services.slack, subject), **others}
    store = (services.database, services.policy)
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


def _build_renewals(engine: Engine, database: Database, policy: Policy) -> Renewals | None:
    settings = policy.channels.status_site
    return Renewals(engine, StatusSite(database, policy), open_place(settings)) if settings else None


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


def _authorize(services: Services) -> Callable[..., AuthorizeResult]:
    """The one workspace that there is. Bolt's own way asks Slack first, and a slow one would spoil the first answer."""

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=services.slack.token)

    return authorize


def _record_when_resolved(engine: Engine) -> Listener:
    def changed(session: Session, incident: Incident, change: Change) -> None:
        if change == "resolved":
            entries, head = ledger.read_head(session)
            engine.enqueue(session, DRAFT, incident.id, key=f"postmortem-{incident.id}-{entries}")
            engine.enqueue(session, KEEP_HEAD, entries, head, 1, key=f"{KEEP_HEAD}-{entries}-1")

    return changed


def _signing_secret(settings: Settings) -> str | None:
    return settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret else None
