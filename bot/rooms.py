"""The rooms that several services are made of, each built from the ground that all stand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from slack_sdk import WebClient

from bot.clock import utc_now
from bot.comms.audiences import Audiences
from bot.comms.bulletins import Bulletins
from bot.comms.cadence import Cadence
from bot.comms.channels import Wiring, build_channels
from bot.comms.deliveries import Channel
from bot.comms.delivery_log import DeliveryLog
from bot.comms.notices import SLACK, Address, Notices
from bot.comms.pages import Pages
from bot.comms.prose import Prose
from bot.comms.status_site.site import Renewals, StatusSite, open_place
from bot.comms.templates_check import check_templates
from bot.diagnostics.deploys import find_deploys
from bot.diagnostics.pictures import Pictures
from bot.diagnostics.sampling import Sampler
from bot.diagnostics.series import Series
from bot.diagnostics.sketches import Sketches
from bot.diagnostics.sweeps import Sweeps
from bot.engine import Engine
from bot.incidents.on_call import OnCall
from bot.policy import Policy, default_policy_path, load_policy
from bot.recovery.action import World
from bot.recovery.approvals import Approvals
from bot.recovery.break_glass import BreakGlass
from bot.recovery.electorate import GroupLookup
from bot.recovery.handovers import Handovers
from bot.recovery.plans import Plans
from bot.recovery.playbooks.check import check_playbooks
from bot.recovery.playbooks.desk import Playbooks
from bot.recovery.playbooks.whole import PLAYBOOK
from bot.recovery.registry import all_actions
from bot.recovery.rules import refuse_unknown_actions
from bot.recovery.runs import Runs, list_under_way
from bot.settings import Settings, templates_dir
from bot.slack.client import build_client
from bot.store.database import Database
from bot.store.opening import open_store


@dataclass(frozen=True)
class Ground:
    """What everything stands on."""

    environment: Mapping[str, str]
    settings: Settings
    policy: Policy
    database: Database
    engine: Engine
    slack: WebClient
    prose: Prose
    notices: Notices


@dataclass(frozen=True)
class Comms:
    """Who is told what, on which ways, and when."""

    channels: Mapping[str, Channel]
    lacking: Mapping[str, str]
    audiences: Audiences
    bulletins: Bulletins
    pages: Pages
    on_call: OnCall
    cadence: Cadence
    log: DeliveryLog
    status_site: Renewals | None


@dataclass(frozen=True)
class Eyes:
    """What is measured, drawn and diagnosed."""

    series: Series
    sampler: Sampler
    pictures: Pictures
    sweeps: Sweeps


@dataclass(frozen=True)
class Hands:
    """What changes real systems, and who decides about it."""

    world: World
    plans: Plans
    runs: Runs
    approvals: Approvals
    break_glass: BreakGlass
    handovers: Handovers
    playbooks: Playbooks


def lay_ground(environment: Mapping[str, str]) -> Ground:
    """Read settings and policy, and migrate the store. Raises `SettingsError`, `PolicyError` or `Failed`."""
    settings = Settings.from_environment(environment)
    policy = load_policy(settings.policy_path)
    refuse_unknown_actions(policy, settings.policy_path or default_policy_path(), [*all_actions(), PLAYBOOK])
    check_playbooks(policy, settings.policy_path)
    database = open_store(settings.database_url)
    engine = Engine(database)
    token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else ""
    prose = Prose(templates_dir(), settings.templates_path)
    check_templates(prose, settings.templates_path)
    slack = build_client(token, settings.slack_api_url)
    return Ground(environment, settings, policy, database, engine, slack, prose, Notices(engine))


def open_comms(ground: Ground) -> Comms:
    database, policy, notices = ground.database, ground.policy, ground.notices
    channels, lacking = build_channels(Wiring(policy, ground.environment, database, ground.prose))
    audiences = Audiences(policy, {SLACK, *channels})
    pages, on_call = Pages(notices, audiences), OnCall(policy, ground.environment)
    return Comms(
        channels=channels,
        lacking=lacking,
        audiences=audiences,
        bulletins=Bulletins(database, policy, notices, audiences),
        pages=pages,
        on_call=on_call,
        cadence=Cadence(database, policy, notices, pages, on_call),
        log=DeliveryLog(database, policy, lacking),
        status_site=_build_renewals(ground),
    )


def open_eyes(ground: Ground) -> Eyes:
    database, policy, engine, notices = ground.database, ground.policy, ground.engine, ground.notices
    series = Series(database, policy)
    sampler = Sampler(database, engine, policy, series, ground.environment)
    deploys = partial(find_deploys, policy, ground.environment)
    return Eyes(
        series=series,
        sampler=sampler,
        pictures=Pictures(database, policy, notices, Sketches(series, sampler, policy), deploys),
        sweeps=Sweeps(database, engine, policy, notices, ground.environment),
    )


def open_hands(ground: Ground, members: GroupLookup, pagers: Sequence[Address]) -> Hands:
    """`members` looks up who is in a user group of Slack's; `pagers` are called when somebody decides alone."""
    database, policy, engine, notices = ground.database, ground.policy, ground.engine, ground.notices
    world = World(policy, ground.environment, utc_now, partial(list_under_way, database))
    plans = Plans(database, engine, policy, notices, world)
    runs = Runs(plans)
    return Hands(
        world=world,
        plans=plans,
        runs=runs,
        approvals=Approvals(database, engine, policy, notices, members),
        break_glass=BreakGlass(database, engine, policy, notices, pagers),
        handovers=Handovers(database, policy, notices, members),
        playbooks=Playbooks(runs, members),
    )


def _build_renewals(ground: Ground) -> Renewals | None:
    settings = ground.policy.channels.status_site
    if settings is None:
        return None
    return Renewals(ground.engine, StatusSite(ground.database, ground.policy), open_place(settings))
