"""The one place where everything is put together."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

from click import Command
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult

from bot import cli
from bot.alerts.desk import AlertDesk
from bot.alerts.prober import HealthProber
from bot.comms.pinning import Pinning
from bot.comms.update_desk import UpdateDesk
from bot.incidents.desk import Desk
from bot.incidents.pins import Pins
from bot.incidents.web_access import WebAccess
from bot.postmortem.drafts import Drafts
from bot.rooms import lay_ground, open_comms, open_eyes, open_hands
from bot.services import Services
from bot.settings import Settings
from bot.slack.client import build_client
from bot.slack.directory import Directory
from bot.slack.user_groups import UserGroups
from bot.terminal.session import Parts
from bot.wiring import wire
from handlers import home
from handlers.buttons import press
from handlers.commands import listener
from handlers.events import event
from handlers.modals import form
from handlers.shortcuts import shortcut

LISTENERS = 32


def build_services(environment: Mapping[str, str]) -> Services:
    """Migrate the store and wire every room. Raises `SettingsError`, `PolicyError`, or `Failed` without a store."""
    ground = lay_ground(environment)
    settings, policy, database, engine = ground.settings, ground.policy, ground.database, ground.engine
    slack, notices, prose = ground.slack, ground.notices, ground.prose
    directory, desk, pins = Directory(slack, database, policy), Desk(database, policy), Pins(database)
    comms, eyes = open_comms(ground), open_eyes(ground)
    hands = open_hands(ground, UserGroups(directory).find_members, comms.audiences.pagers())
    alerts = AlertDesk(database, policy, notices, desk)
    services = Services(
        settings=settings,
        policy=policy,
        database=database,
        engine=engine,
        world=hands.world,
        slack=slack,
        directory=directory,
        desk=desk,
        alerts=alerts,
        prober=HealthProber(alerts, heard=[eyes.sampler.heard]),
        series=eyes.series,
        sampler=eyes.sampler,
        pictures=eyes.pictures,
        notices=notices,
        pins=pins,
        pinning=Pinning(database, notices, policy, pins, slack, directory),
        bulletins=comms.bulletins,
        updates=UpdateDesk(comms.cadence, desk),
        on_call=comms.on_call,
        lacking_channels=comms.lacking,
        status_site=comms.status_site,
        deliveries=comms.log,
        prose=prose,
        sweeps=eyes.sweeps,
        plans=hands.plans,
        approvals=hands.approvals,
        break_glass=hands.break_glass,
        handovers=hands.handovers,
        runs=hands.runs,
        playbooks=hands.playbooks,
        drafts=Drafts(database, policy, notices, prose, comms.log, eyes.pictures),
        web_access=WebAccess(settings, policy),
    )
    wire(services, comms)
    return services


def build_bolt(services: Services) -> App:
    """The listeners. Starts without asking Slack anything, so a slow Slack does not hold it up."""
    log = logging.getLogger("slack_bolt.App")
    log.addFilter(_keep_nothing)  # it would warn that the environment's token is not used, which is what is meant
    app = App(
        client=build_client("", services.settings.slack_api_url),  # the token comes with the authorisation
        authorize=_authorize(services),
        signing_secret=_signing_secret(services.settings),
        token_verification_enabled=False,
        request_verification_enabled=services.settings.slack_app_token is None,
        listener_executor=ThreadPoolExecutor(max_workers=LISTENERS, thread_name_prefix="listener"),
    )
    log.removeFilter(_keep_nothing)
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


def _keep_nothing(_record: logging.LogRecord) -> bool:
    return False


def _authorize(services: Services) -> Callable[..., AuthorizeResult]:
    """The one workspace that there is. Bolt's own way asks Slack first, and a slow one would spoil the first answer."""

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=services.slack.token)

    return authorize


def _signing_secret(settings: Settings) -> str | None:
    return settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret else None
