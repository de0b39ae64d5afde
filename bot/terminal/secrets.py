"""`holdfast secrets`: the encrypted offline copy of the secrets, made and restored by a person at a terminal."""

from __future__ import annotations

import getpass
import resource
import sys

import click
from pydantic import JsonValue, SecretStr

from bot.outcome import Refused
from bot.recovery.offline_copy import Difference, compare, make_copy, put_back, read_copy
from bot.recovery.plans import refuse_requests
from bot.store import ledger
from bot.systems.gpg import require_gpg
from bot.systems.secrets import fingerprint
from bot.terminal.dr import request_plan
from bot.terminal.session import TerminalSession, guarded, pass_session


@click.group()
def secrets() -> None:
    """The encrypted offline copy of the secrets. The passphrase is asked for here, and is kept nowhere."""


@secrets.command()
@pass_session
@guarded
def export(session: TerminalSession) -> None:
    """Encrypt the secrets of the policy's offline copy, store them in S3, and prove that they can be read back."""
    begin(session)
    made = make_copy(session.services.runs.world, ask_passphrase(twice=True))
    names = ", ".join(made.fingerprints)
    text = f"Offline copy of the secrets made and read back: {names}"
    record(session, "secrets.exported", text, {"archive": made.archive, "fingerprints": dict(made.fingerprints)})
    lines = [f"  {name}  {shown}" for name, shown in made.fingerprints.items()]
    click.echo("\n".join([f"Stored at {made.place}, decrypted again, the same:", *lines]))
    click.echo("Keep the passphrase where it can be had when nothing here works; without it the copy is worth nothing.")


@secrets.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every secret that differs or is missing.")
@click.option("--key", help="Another copy than the newest, by its key in the bucket.")
@pass_session
@guarded
def restore(session: TerminalSession, names: tuple[str, ...], everything: bool, key: str | None) -> None:
    """Show how the offline copy differs from what there is now, and put the secrets called NAMES back.

    A value is put as a version that nobody reads; the plan that is asked for then moves readers to it, and is approved
    like any other. A secret that is missing is made at once: nothing reads what is not there.
    """
    begin(session)
    world = session.services.runs.world
    refuse_unknown(session, names)
    copy, values = read_copy(world, ask_passphrase(), key)
    differences = compare(world, values)
    click.echo(f"{copy.place}, of {copy.stored_at:%Y-%m-%d %H:%M} UTC:")
    click.echo("\n".join(f"  {describe(one)}" for one in differences))
    for one in differences:
        if one.state != "the same" and (everything or one.variable in names):
            restore_one(session, one, values[one.variable])
    missing = [name for name in names if name not in values]
    if missing:
        raise Refused(f"{', '.join(missing)} is not in this copy.", "`--key` names another one.")


def restore_one(session: TerminalSession, difference: Difference, value: SecretStr) -> None:
    """Put one back, and ask for the plan that moves readers to it."""
    name = difference.variable
    if difference.state == "scheduled for deletion":
        ask_for(session, "restore_secret", {"secret": name})
        return
    version = put_back(session.services.runs.world, name, value)
    facts: dict[str, JsonValue] = {"secret": name, "fingerprint": fingerprint(value), "version": version}
    if version is None:
        record(session, "secrets.restored", f"{name} was missing and is made from the offline copy", facts)
        click.echo(f"{name} was missing; it is there again.")
        return
    record(session, "secrets.restored", f"{name} put beside the current version from the offline copy", facts)
    ask_for(session, "roll_back_secret", {"secret": name, "version": version})


def ask_for(session: TerminalSession, action: str, parameters: dict[str, JsonValue]) -> None:
    try:
        plan = request_plan(session, action, parameters)
    except Refused as refusal:
        click.echo(f"{parameters['secret']}: {refusal.words.replace('`', '')}")
        return
    click.echo(f"{parameters['secret']}: plan {plan.id} ({action}) is {plan.state}.")


def describe(difference: Difference) -> str:
    present = f", now {difference.present}" if difference.present and difference.state != "the same" else ""
    return f"{difference.variable}: {difference.state} ({difference.copied}{present})"


def begin(session: TerminalSession) -> None:
    """Whatever cannot work is refused before anybody is asked for a passphrase."""
    forbid_core_files()
    refuse_requests(session.services.policy, session.person)
    require_gpg()


def forbid_core_files() -> None:
    """No crash of this process, or of gpg, leaves what is in its memory in a file."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def refuse_unknown(session: TerminalSession, names: tuple[str, ...]) -> None:
    known = session.services.policy.secrets
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Refused(f"{', '.join(unknown)} is not a secret of the policy.", f"Known: {', '.join(known)}.")


def ask_passphrase(*, twice: bool = False) -> SecretStr:
    """From the terminal and nowhere else: neither an argument nor a variable of the environment nor a pipe."""
    if not sys.stdin.isatty():
        raise Refused("The passphrase is asked for at a terminal, and there is none.", "Run it in a shell of yours.")
    given = getpass.getpass("Passphrase: ")
    if twice and getpass.getpass("Again: ") != given:
        raise Refused("The two are not the same.", "Begin again.")
    return SecretStr(given)


def record(session: TerminalSession, kind: str, text: str, facts: dict[str, JsonValue]) -> None:
    with session.services.database.write() as store:
        ledger.append(store, kind=kind, actor=session.person.key, text=text, data=facts)
