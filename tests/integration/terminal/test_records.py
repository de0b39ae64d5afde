"""`holdfast policy …` and `holdfast ledger …`: for people and programs, with exit statuses that scripts can use."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from bot.sandbox.ports import free_port
from tests.integration.terminal.conftest import Terminal


def test_a_tampered_ledger_is_named_and_the_status_is_1(terminal: Terminal) -> None:
    terminal.ok("incident", "declare", "P4", "Typo on the label")
    good = terminal.ok("ledger", "verify")
    assert "unbroken" in good.out
    head = good.out.split()[-1]
    assert "Heads compared: 1" in terminal.ok("ledger", "verify", "--head", head).out
    other = terminal.run("ledger", "verify", "--head", "f" * 64)
    assert (other.status, "written anew" in other.out) == (1, True)
    assert "64" in terminal.run("ledger", "verify", "--head", head[:9]).err
    with terminal.store().write() as session:
        session.execute(sa.text("UPDATE ledger SET text = 'nothing' WHERE seq = 1"))
    bad = terminal.start("ledger", "verify")
    assert bad.status == 1
    assert "entry 1 (incident.declared, " in bad.out
    facts = terminal.run("ledger", "verify", "--json")
    assert facts.status == 1
    assert [one["seq"] for one in facts.facts["breaks"]] == [1]


def test_policies_are_checked_and_shown(terminal: Terminal) -> None:
    good = terminal.environment["HOLDFAST_POLICY"]
    assert "is a good policy" in terminal.ok("policy", "check", good).out
    bad = terminal.folder / "bad.yml"
    text = Path(good).read_text(encoding="utf-8")
    bad.write_text(text.replace("product:", "prodct:", 1), encoding="utf-8")
    said = terminal.run("policy", "check", str(bad))
    assert said.status == 1
    assert f"{bad}:" in said.err
    assert "product" in said.err
    assert "Traceback" not in said.err
    shown = terminal.ok("policy", "show").out
    assert "TraitorTrack" in shown
    assert "Amara Okafor" in shown
    assert "prodct" in terminal.refused("policy", "show", "--file", str(bad))
    assert "prodct" in terminal.refused("incident", "list", HOLDFAST_POLICY=str(bad))
    assert terminal.run("policy", "check", str(terminal.folder / "none.yml")).status == 2


def test_wrong_settings_are_refused_without_the_secret(terminal: Terminal) -> None:
    words = terminal.refused("incident", "list", SLACK_BOT_TOKEN="xapp-not-a-bot-token")
    assert "SLACK_BOT_TOKEN" in words
    assert "not-a-bot-token" not in words
    assert "HOLDFAST_DATABASE_URL" in terminal.refused("incident", "list", HOLDFAST_DATABASE_URL="mysql://x")
    assert "SLACK_SIGNING_SECRET" in terminal.refused(
        "serve", "--port", "0", SLACK_APP_TOKEN="", SLACK_SIGNING_SECRET=""
    )
    assert "SLACK_BOT_TOKEN" in terminal.refused("serve", "--port", "0", SLACK_BOT_TOKEN="")


def failed(terminal: Terminal, *arguments: str, **more: str) -> str:
    """Exit status 1, nothing on stdout, words on stderr and no traceback."""
    said = terminal.run(*arguments, **more)
    assert (said.status, said.out) == (1, ""), said
    assert "Traceback" not in said.err
    return said.err


def test_a_store_that_cannot_be_used_is_said_without_its_password(terminal: Terminal) -> None:
    away = f"postgresql://holdfast:very-secret@127.0.0.1:{free_port()}/holdfast"
    words = failed(terminal, "ledger", "verify", HOLDFAST_DATABASE_URL=away)
    assert "Connection refused" in words
    assert "HOLDFAST_DATABASE_URL" in words
    assert "very-secret" not in words
    none = terminal.folder / "none.db"
    none.write_bytes(b"this is no database" * 100)
    assert "not a database" in failed(terminal, "incident", "list", HOLDFAST_DATABASE_URL=f"sqlite:///{none}")
    nowhere = f"sqlite:///{none}/holdfast.db"
    assert "holdfast.db" in failed(terminal, "incident", "list", HOLDFAST_DATABASE_URL=nowhere)


def test_a_store_of_a_newer_holdfast_is_left_alone(terminal: Terminal) -> None:
    terminal.ok("ledger", "verify")
    with terminal.store().write() as session:
        session.execute(sa.text("UPDATE holdfast_version SET version_num = '9999'"))
    assert "newer Holdfast" in failed(terminal, "ledger", "verify")


def test_a_store_that_goes_away_meanwhile_is_said(terminal: Terminal) -> None:
    terminal.ok("ledger", "verify")
    with terminal.store().write() as session:
        session.execute(sa.text("DROP TABLE incidents"))
    assert "no such table" in failed(terminal, "incident", "list")


def test_help_and_version(terminal: Terminal) -> None:
    shown = terminal.started("--help").out
    for group in ("incident", "dr", "policy", "ledger", "serve"):
        assert group in shown
    assert terminal.ok("--version").out.strip()
    assert terminal.start("incident", "list", SLACK_BOT_TOKEN="x").status == 2
    assert terminal.run("nonsense").status == 2
    assert "65535" in terminal.run("serve", "--port", "65536").err
