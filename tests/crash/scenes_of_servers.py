"""Scenes of the actions on servers: machines in the stage's cloud, which writes every call down."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from bot.sandbox.fleet import GROUP, LEAST, TEMPLATE
from bot.store.tables import Run
from tests.crash.rig import Rig
from tests.crash.scenes import Scene
from tests.fleets import Servers, servers_of
from tests.integration.rds.driver import wait_until
from tests.stage_fixtures import SharedStage

ACTIONS = ("refresh_instances", "replace_server", "terminate_server", "verify_auto_scaling")
REFRESH = "StartInstanceRefresh"


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
        wait_until(f"the end of what was launched ({run.words})", lambda: not servers.list_others())
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


def verify_auto_scaling(stack: ExitStack, shared: SharedStage) -> Scene:
    """A group that somebody has set otherwise."""
    servers = _open(shared)
    stack.callback(servers.put_right)
    servers.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=GROUP, MinSize=1, HealthCheckType="EC2", HealthCheckGracePeriod=10
    )

    def done(rig: Rig, run: Run) -> None:
        found = servers.describe_group()
        assert (found["MinSize"], found["HealthCheckType"], found["HealthCheckGracePeriod"]) == (LEAST, "ELB", 300)
        assert servers.list_members() == set(servers.fleet.instance_ids)

    def untouched(rig: Rig, run: Run) -> None:
        assert servers.describe_group()["MinSize"] == 1

    return Scene({}, done, untouched)


def refresh_instances(_stack: ExitStack, shared: SharedStage) -> Scene:
    """One refresh, whoever died; who cancels it has stopped it."""
    servers = _open(shared)
    servers.revive()
    servers.stage.cloud.forget_calls()

    def done(rig: Rig, run: Run) -> None:
        assert [call["operation"] for call in servers.stage.cloud.calls("StartInstanceRefresh")] == [REFRESH]
        assert servers.list_members().isdisjoint(servers.fleet.instance_ids)

    def untouched(rig: Rig, run: Run) -> None:
        assert servers.count_refreshes_under_way() == 0
        assert servers.answers()

    return Scene({}, done, untouched)


def _open(shared: SharedStage) -> Servers:
    servers = servers_of(shared.stage)
    servers.reset()
    return servers
