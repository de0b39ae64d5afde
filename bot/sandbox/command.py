"""`holdfast demo`: the sandbox in a browser, or a whole scenario without a person."""

from __future__ import annotations

import signal
import sys
import time

import click

from bot.sandbox.children import ChildFailed
from bot.sandbox.demo import leave, open_sandbox, write_terminal_environment
from bot.sandbox.headless import tell
from bot.sandbox.ports import why_taken
from bot.sandbox.postgres_binaries import PostgresNotFound
from bot.sandbox.postgres_cluster import ClusterFailed
from bot.sandbox.stories import STORIES, play

FIRST_STORY = "lost-bags"


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the page; by default a free one.")
@click.option(
    "--bags",
    type=click.IntRange(min=1),
    default=50_000,
    show_default=True,
    help="How many bags the warehouse starts with.",
)
@click.option("--headless", is_flag=True, help="Play a whole scenario without a person, then stop.")
@click.option(
    "--scenario", type=click.Choice(list(STORIES)), help=f"With --headless: which one.  [default: {FIRST_STORY}]"
)
@click.option("--json", "as_json", is_flag=True, help="With --headless: print JSON.")
def demo(port: int, bags: int, headless: bool, scenario: str | None, as_json: bool) -> None:
    """Start the sandbox: a Slack-like page, a warehouse to break, and the real bot."""
    if not headless and (scenario or as_json):
        raise click.UsageError("--scenario and --json go with --headless; on the page, scenarios are in the menu.")
    taken = why_taken(port)
    if taken:
        raise click.UsageError(f"The page cannot be at port {port}: {taken}. Without --port it takes a free one.")
    signal.signal(signal.SIGTERM, leave)
    began = time.monotonic()
    try:
        with open_sandbox(port=port, bags=bags, furnished=not headless) as sandbox:
            if headless:
                story = play(sandbox, scenario or FIRST_STORY, ready_s=time.monotonic() - began)
                click.echo(tell(story, as_json=as_json))
                sys.exit(0 if story.good else 1)
            click.echo(f"\nReady after {time.monotonic() - began:.1f} s. Open  {sandbox.url}\n")
            click.echo(f"In another terminal:  source {write_terminal_environment(sandbox)}; holdfast --help")
            click.echo("Ctrl-C stops everything.")
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        click.echo("\nStopped; nothing is left running.")
    except (ChildFailed, ClusterFailed, PostgresNotFound) as error:
        raise click.ClickException(f"The sandbox could not be started: {error}") from error
