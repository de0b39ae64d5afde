"""Scenes of the actions on servers: machines in the stage's cloud, which writes every call down."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from bot.sandbox.fleet import TEMPLATE
from bot.store.tables import Run
from tests.crash.rig import Rig
from tests.crash.scenes import Scene
from tests.fleets import Servers, servers_of
from tests.integration.rds.driver import wait_until
from tests.stage_fixtures import SharedStage

ACTIONS = ("replace_server", "terminate_server")


def describe_servers(shared: SharedStage, path: Path) -> None:
    """Put them into the policy file of a bot."""
    servers_of(shared.stage).describe(path)


def replace_server(_stack: ExitStack, shared: SharedStage) -> Scene:
    """One server was launched, whoever died; who is cancelled in time leaves none."""
    servers = _open(shared)

    def done(rig: Rig, run: Run) -> None:
        (new,) = servers.list_others()
        assert servers.fleet.list_states() == {servers.well: "healthy", new: "healthy"}
        assert servers.list_members() == {servers.well, new}
        assert servers.state_of(servers.failed) == "stopped"

    def untouched(rig: Rig, run: Run) -> None:
        wait_until("the end of what was launched", lambda: not servers.list_others())
        assert servers.list_members() == set(servers.fleet.instance_ids)
        assert servers.state_of(servers.failed) == "running"

    return Scene({"host": "app_1"}, done, untouched)


def terminate_server(_stack: ExitStack, shared: SharedStage) -> Scene:
    """A server from the template that nobody needs any more."""
    servers = _open(shared)
    ec2 = servers.client("ec2")
    made = ec2.run_instances(LaunchTemplate={"LaunchTemplateName": TEMPLATE}, MinCount=1, MaxCount=1)
    name = str(made["Instances"][0]["InstanceId"])
    wait_until("it runs", lambda: servers.state_of(name) == "running")
    ec2.stop_instances(InstanceIds=[name])
    wait_until("its stop", lambda: servers.state_of(name) == "stopped")

    def done(rig: Rig, run: Run) -> None:
        assert servers.state_of(name) == "terminated"

    def untouched(rig: Rig, run: Run) -> None:
        assert servers.state_of(name) == "stopped"

    return Scene({"instance": name}, done, untouched)


def _open(shared: SharedStage) -> Servers:
    servers = servers_of(shared.stage)
    servers.reset()
    return servers
