"""`holdfast serve`: the bot itself, over Socket Mode where an app token is given, else over HTTP."""

from __future__ import annotations

import logging
import signal
import threading
from contextlib import ExitStack

import click
from slack_bolt.adapter.socket_mode import SocketModeHandler

from bot.diagnostics.check import all_checks
from bot.services import Services
from bot.settings import Settings
from bot.slack.channels import join_or_create
from bot.slack.client import SlackRefusal, SlackUnavailable
from bot.systems.aws import read_descriptions
from bot.systems.redaction import redact_log
from bot.terminal.session import TerminalSession, guarded, pass_session
from bot.web.server import build_web, serve_web

log = logging.getLogger(__name__)
CONCURRENCY = 32
RETRY_S = 3.0
SETTLED_S = 5.0
"""So long after its start a bot makes itself ready for the first diagnosis."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of the web server.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=3000, show_default=True, help="Its port; 0 takes a free one."
)
@pass_session
@guarded
def serve(session: TerminalSession, host: str, port: int) -> None:
    """Run the bot until it is told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("dbos").setLevel(logging.WARNING)
    services = session.services
    redact_log(services.runs.world.redactor)
    services.settings.require_secret("SLACK_BOT_TOKEN")
    socket_mode = services.settings.slack_app_token is not None
    if not socket_mode:
        services.settings.require_secret("SLACK_SIGNING_SECRET")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    bolt = session.parts.build_bolt(services)
    if services.status_site:
        services.status_site.start()
    with ExitStack() as stack:
        web = build_web(services, None if socket_mode else bolt)
        bound = stack.enter_context(serve_web(web, host, port))
        threading.Thread(target=services.engine.lead_or_end, name="election", daemon=True).start()
        services.prober.start()
        services.sampler.start()
        threading.Thread(target=_prepare_channel, args=(services, stop), name="channel", daemon=True).start()
        stack.callback(_prepare_diagnosis().cancel)
        if socket_mode:
            handler = SocketModeHandler(bolt, _app_token(services.settings), concurrency=CONCURRENCY)
            threading.Thread(target=_connect, args=(handler, stop), name="socket-mode", daemon=True).start()
            stack.callback(handler.close)
        click.echo(f"Holdfast serves on http://{host}:{bound} ({'Socket Mode' if socket_mode else 'HTTP'})")
        stop.wait()
    services.engine.stop()


def _app_token(settings: Settings) -> str:
    return settings.require_secret("SLACK_APP_TOKEN")


def _prepare_diagnosis() -> threading.Timer:
    rights = [right for check in all_checks().values() for right in check.permissions]
    timer = threading.Timer(SETTLED_S, read_descriptions, [rights])
    timer.daemon = True
    timer.start()
    return timer


def _connect(handler: SocketModeHandler, stop: threading.Event) -> None:
    """Slack may be down when the bot starts; the bot must come up all the same."""
    while not stop.is_set():
        try:
            handler.connect()  # type: ignore[no-untyped-call]
            return
        except Exception as error:  # noqa: BLE001 (the library raises whatever its transport did: not yet)
            log.warning("Slack cannot be reached over Socket Mode yet (%s); trying again", type(error).__name__)
            stop.wait(RETRY_S)


def _prepare_channel(services: Services, stop: threading.Event) -> None:
    """See to it that the incidents channel exists and that we are in it, before the first incident."""
    name = services.policy.slack.incidents_channel
    while not stop.is_set():
        try:
            join_or_create(services.slack, name)
            return
        except SlackRefusal as refusal:
            log.warning("the incidents channel #%s cannot be used: %s", name, refusal)
            return
        except SlackUnavailable:
            stop.wait(RETRY_S)
