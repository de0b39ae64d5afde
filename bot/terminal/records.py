"""`holdfast policy …` and `holdfast ledger …`: what was decided, and what was recorded."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bot.policy import check_policy, load_policy, render_policy
from bot.recovery.playbooks.check import list_playbook_problems
from bot.recovery.registry import all_actions
from bot.recovery.rules import list_unknown_actions
from bot.store import ledger as chain
from bot.terminal.session import TerminalSession, answer, guarded, json_option, pass_session


@click.group()
def policy() -> None:
    """Look at the policy."""


@policy.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Check a policy file; every problem is named with its line."""
    problems = check_policy(file) or [
        *list_playbook_problems(file),
        *map(str, list_unknown_actions(load_policy(file), file, all_actions())),
    ]
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        sys.exit(1)
    click.echo(f"{file} is a good policy.")


@policy.command()
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), envvar="HOLDFAST_POLICY")
@guarded
def show(file: Path | None) -> None:
    """Show the policy in force as text."""
    click.echo(render_policy(load_policy(file)))


@click.group()
def ledger() -> None:
    """Look at the ledger."""


@ledger.command()
@json_option
@pass_session
@guarded
def verify(session: TerminalSession, as_json: bool) -> None:
    """Check the whole chain; a changed, removed or reordered entry is named."""
    with session.services.database.snapshot() as store:
        entries, breaks = chain.verify(store)
        _, head = chain.read_head(store)
    facts = {"entries": entries, "head": head, "breaks": [{"seq": one.seq, "words": one.words} for one in breaks]}
    words = "\n".join(one.words for one in breaks) or f"{entries} entries, unbroken. Head: {head}"
    answer(as_json, facts, words)
    if breaks:
        sys.exit(1)
