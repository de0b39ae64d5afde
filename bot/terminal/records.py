"""`holdfast policy …` and `holdfast ledger …`: what was decided, and what was recorded."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from bot.policy import check_policy, load_policy, render_policy
from bot.postmortem.ledger_heads import read_heads
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
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="HOLDFAST_POLICY",
    help="Another policy than that of HOLDFAST_POLICY.",
)
@guarded
def show(file: Path | None) -> None:
    """Show the policy in force as text."""
    click.echo(render_policy(load_policy(file)))


@click.group()
def ledger() -> None:
    """Look at the ledger."""


HEAD = re.compile(r"[0-9a-f]{64}")


def _read_head(_context: click.Context, _option: click.Parameter, heads: tuple[str, ...]) -> list[chain.Mark]:
    for head in heads:
        if not HEAD.fullmatch(head):
            raise click.BadParameter(f"{head} is no head: those have 64 of the digits 0 to 9 and a to f.")
    return [chain.Mark(head, "as you gave it") for head in heads]


@ledger.command()
@click.option(
    "--head",
    "marks",
    multiple=True,
    callback=_read_head,
    metavar="HASH",
    help="A head that was posted when an incident was resolved: an entry must have it.",
)
@click.option("--stored", is_flag=True, help="Compare with the heads that are kept beside the backups as well.")
@json_option
@pass_session
@guarded
def verify(session: TerminalSession, marks: list[chain.Mark], stored: bool, as_json: bool) -> None:
    """Check the whole chain; a changed, removed or reordered entry is named.

    Somebody who wrote all of it anew, or cut off its end, is found by a head that is kept elsewhere: see --head and
    --stored.
    """
    policy = session.services.policy
    marks = [*marks, *(read_heads(policy) if stored else [])]
    with session.services.database.snapshot() as store:
        entries, breaks = chain.verify(store, marks)
        _, head = chain.read_head(store)
    facts = {"entries": entries, "head": head, "breaks": [{"seq": one.seq, "words": one.words} for one in breaks]}
    facts["heads_compared"] = len(marks)
    good = f"{entries} entries, unbroken. Head: {head}" + (f"\nHeads compared: {len(marks)}" if marks else "")
    words = "\n".join(one.words for one in breaks) or good
    answer(as_json, facts, words)
    if breaks:
        sys.exit(1)
