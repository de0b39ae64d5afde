"""Who is who over the Web API: an address counts for people of our own workspace who are still in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.outcome import Refused
from bot.policy import load_policy
from bot.policy.plain_yaml import load_plain
from bot.sandbox.people import list_members
from bot.sandbox.workspace import Workspace, build_workspace, serve
from bot.settings import manifest_path
from bot.slack.client import build_client
from bot.slack.directory import Directory
from tests.integration.store.stores import open_store
from tests.unit.incidents.conftest import HandClock

POLICY = load_policy(None)
GUEST = "U0GUEST"


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    workspace = build_workspace(list_members(POLICY), manifest=load_plain(manifest_path()))
    with serve(workspace):
        yield workspace


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def directory(workspace: Workspace, tmp_path: Path, clock: HandClock) -> Iterator[Directory]:
    with open_store(f"sqlite:///{tmp_path / 'holdfast.db'}") as database:
        client = build_client(workspace.installed.bot_token, workspace.environment["SLACK_API_URL"])
        yield Directory(client, database, POLICY, clock)


def test_an_address_from_another_workspace_gives_no_rights(directory: Directory, workspace: Workspace) -> None:
    """In a shared channel anybody may come with the address of one of ours."""
    amara = workspace.state.users["U0AMARA"]
    assert directory.person("U0AMARA").key == "amara"
    workspace.state.users[GUEST] = replace(amara, id=GUEST, name="amara2", home="T0ELSEWHERE")
    with pytest.raises(Refused, match="is not among the people of the policy"):
        directory.person(GUEST)
    assert directory.find_slack_id(POLICY.people[0]) == "U0AMARA"


def test_whoever_was_deactivated_has_no_rights_and_is_not_written_to(
    directory: Directory, workspace: Workspace, clock: HandClock
) -> None:
    amara = workspace.state.users["U0AMARA"]
    assert directory.find_slack_id(POLICY.people[0]) == "U0AMARA"
    workspace.state.users["U0AMARA"] = replace(amara, is_deactivated=True)
    clock.turn(hours=13)
    assert directory.find_slack_id(POLICY.people[0]) is None
    with pytest.raises(Refused):
        directory.person("U0AMARA")


def test_an_address_that_went_to_another_account_is_found_there(
    directory: Directory, workspace: Workspace, clock: HandClock
) -> None:
    amara = workspace.state.users["U0AMARA"]
    assert directory.find_slack_id(POLICY.people[0]) == "U0AMARA"
    workspace.state.users["U0AMARA"] = replace(amara, email="amara.before@example.com")
    workspace.state.users["U0NEW"] = replace(amara, id="U0NEW")
    clock.turn(hours=13)
    assert directory.find_slack_id(POLICY.people[0]) == "U0NEW"
    assert directory.find_slack_id(POLICY.people[0]) == "U0NEW", "and remembered"


def test_while_slack_is_away_what_was_known_is_good_enough(
    directory: Directory, workspace: Workspace, clock: HandClock
) -> None:
    assert directory.person("U0AMARA").key == "amara"
    clock.turn(hours=13)
    workspace.set_outage(True)
    assert directory.find_slack_id(POLICY.people[0]) == "U0AMARA"
    assert directory.person("U0AMARA").key == "amara"
