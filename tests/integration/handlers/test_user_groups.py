"""Slack user groups over the Web API: looked up, remembered for five minutes, and refused when Slack does not say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.outcome import Refused
from bot.policy import load_policy
from bot.policy.plain_yaml import load_plain
from bot.sandbox.people import list_members
from bot.sandbox.workspace import Workspace, build_workspace, serve
from bot.sandbox.workspace.people import Usergroup
from bot.settings import manifest_path
from bot.slack.client import build_client
from bot.slack.directory import Directory
from bot.slack.user_groups import UserGroups
from tests.integration.store.stores import open_store
from tests.unit.incidents.conftest import HandClock

GROUP = Usergroup("S0DBATEAM", "dba-team", "DBAs", ["U0DIEGO", "U0PRIYA", "U0BYSTANDER"])


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    manifest = load_plain(manifest_path())
    scopes = manifest["oauth_config"]["scopes"]["bot"]
    scopes += [] if "usergroups:read" in scopes else ["usergroups:read"]
    workspace = build_workspace(list_members(load_policy(None)), manifest=manifest)
    with serve(workspace):
        yield workspace


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def groups(workspace: Workspace, tmp_path: Path, clock: HandClock) -> Iterator[UserGroups]:
    workspace.state.usergroups = {GROUP.id: GROUP}
    with open_store(f"sqlite:///{tmp_path / 'holdfast.db'}") as database:
        client = build_client(workspace.installed.bot_token, workspace.environment["SLACK_API_URL"])
        yield UserGroups(Directory(client, database, load_policy(None), clock))
    workspace.set_outage(False)


@pytest.mark.parametrize("name", ["S0DBATEAM", "dba-team"])
def test_members_are_the_people_of_the_policy(groups: UserGroups, name: str) -> None:
    assert groups.find_members(name) == {"diego", "priya"}


@pytest.mark.parametrize(("name", "why"), [
    ("dba-tema", "no Slack user group @dba-tema"), ("S0NOSUCH", "cannot be looked up now"),
])  # fmt: skip
def test_a_group_that_there_is_not(groups: UserGroups, name: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        groups.find_members(name)


def test_a_change_is_seen_within_five_minutes(groups: UserGroups, workspace: Workspace, clock: HandClock) -> None:
    groups.find_members(GROUP.id)
    workspace.state.usergroups[GROUP.id] = Usergroup(GROUP.id, GROUP.handle, GROUP.name, ["U0MEI"])
    clock.turn(minutes=4, seconds=59)
    assert groups.find_members(GROUP.id) == {"diego", "priya"}
    clock.turn(seconds=1)
    assert groups.find_members(GROUP.id) == {"mei"}
    workspace.state.usergroups[GROUP.id] = GROUP
    clock.turn(hours=-1)
    assert groups.find_members(GROUP.id) == {"diego", "priya"}, "a clock that was put back keeps nothing alive"


def test_without_slack_what_is_remembered_serves_for_five_minutes(
    groups: UserGroups, workspace: Workspace, clock: HandClock
) -> None:
    groups.find_members(GROUP.id)
    workspace.set_outage(True)
    clock.turn(minutes=4)
    assert groups.find_members(GROUP.id) == {"diego", "priya"}
    clock.turn(minutes=2)
    with pytest.raises(Refused, match="cannot be looked up now"):
        groups.find_members(GROUP.id)
