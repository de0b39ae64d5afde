"""`holdfast demo`: the sandbox in a browser, or a whole scenario without a person."""

from __future__ import annotations

import signal
import sys
import time

import click

from bot.sandbox.demo import leave, open_sandbox, write_terminal_environment
from bot.sandbox.headless import tell
from bot.sandbox.stories import STORIES, play


@click.command()
@click.option("--port", default=0, help="Port of the page; by default a free one.")
@click.option("--bags", default=50_000, show_default=True, help="How many bags the warehouse starts with.")
@click.option("--headless", is_flag=True, help="Play a whole scenario without a person, then stop.")
@click.option("--scenario", default="lost-bags", show_default=True, help="Which one, with --headless.")
@click.option("--json", "as_json", is_flag=True, help="With --headless: print JSON.")
def demo(port: int, bags: int, headless: bool, scenario: str, as_json: bool) -> None:
    """Start the sandbox: a Slack-like page, a warehouse to break, and the real bot."""
    if headless and scenario not in STORIES:
        raise click.BadParameter(f"{scenario} has no story to play; these have: {', '.join(STORIES)}.")
    signal.signal(signal.SIGTERM, leave)
    began = time.monotonic()
    try:
        with open_sandbox(port=port, bags=bags, furnished=not headless) as sandbox:
            if headless:
                story = play(sandbox, scenario, ready_s=time.monotonic() - began)
                click.echo(tell(story, as_json=as_json))
                sys.exit(0 if story.good else 1)
            click.echo(f"\nReady after {time.monotonic() - began:.1f} s. Open  {sandbox.url}\n")
            click.echo(f"In another terminal:  source {write_terminal_environment(sandbox)}; holdfast --help")
            click.echo("Ctrl-C stops everything.")
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        click.echo("\nStopped; nothing is left running.")
