"""`holdfast incident publish`, `holdfast incident bulletins` and `holdfast status-site build`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.policy.plain_yaml import dump_plain, load_plain
from tests.integration.terminal.conftest import Terminal


@pytest.fixture
def site(terminal: Terminal) -> Path:
    """Where the policy has the status page."""
    path, folder = Path(terminal.environment["HOLDFAST_POLICY"]), terminal.folder / "site"
    policy = load_plain(path)
    policy["channels"]["status_site"] = {"folder": str(folder)}
    dump_plain(path, policy)
    return folder


def test_the_public_is_told_without_slack(terminal: Terminal, site: Path) -> None:
    terminal.ok("incident", "declare", "P1", "db-3 is gone")
    assert not (site / "index.html").exists()
    waiting = terminal.ok("incident", "bulletins", "--json").facts["bulletins"]
    assert [one["state"] for one in waiting if "users" in one["audiences"]] == ["draft"]
    told = terminal.ok("incident", "publish", "--text", "Scanning is down; we restore the database.", "--json").facts
    assert (told["state"], told["decided_by"], told["stage"]) == ("published", "amara", "declared")
    assert any("status page https://" in one for one in told["reach"])
    page = (site / "index.html").read_text()
    assert "Scanning is down; we restore the database." in page
    assert "Amara" not in page
    assert "published" in terminal.ok("incident", "bulletins").out
    for one in site.rglob("*.html"):
        one.unlink()
    assert terminal.ok("status-site", "build", "--json").facts["files"] == 6
    assert (site / "index.html").read_text().count("Scanning is down") == page.count("Scanning is down")
    elsewhere = terminal.folder / "elsewhere"
    terminal.ok("status-site", "build", "--folder", str(elsewhere))
    assert (elsewhere / "incidents" / "1.html").exists()


def test_who_may_not_publish_is_refused(terminal: Terminal, site: Path) -> None:
    path = Path(terminal.environment["HOLDFAST_POLICY"])
    policy = load_plain(path)
    me, mei = policy["people"][0]["os_user"], policy["people"][2]
    policy["people"][0]["os_user"], mei["os_user"] = "somebody", me
    other = terminal.folder / "mei.yml"
    dump_plain(other, policy)
    as_mei = replace(terminal, environment={**terminal.environment, "HOLDFAST_POLICY": str(other)})
    as_mei.ok("incident", "declare", "P1", "db-3 is gone")
    assert "may publish to the public" in as_mei.refused("incident", "publish", "--text", "I may not")
    assert not site.exists()


def test_without_a_status_page_it_says_what_to_do(terminal: Terminal) -> None:
    assert "channels.status_site" in terminal.refused("status-site", "build")
