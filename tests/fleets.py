"""Two servers of the application in a stage's cloud, and how to bring them back to where a test begins."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.clock import utc_now
from bot.policy import Policy, load_policy
from bot.policy.plain_yaml import dump_plain, load_plain
from bot.recovery.action import World
from bot.sandbox.children import http_answers
from bot.sandbox.cloud import REGION
from bot.sandbox.demo_policy import FOLDERS, describe_fleet, write_demo_policy
from bot.sandbox.fleet import GROUP, LEAST, MOST, Fleet
from bot.sandbox.ports import free_port
from bot.sandbox.primary_instance import create_secrets, open_client
from bot.sandbox.repositories import make_repositories
from bot.sandbox.service import ask
from bot.sandbox.stage import Stage
from tests.integration.rds.driver import wait_until
from tests.stage_fixtures import SharedStage

QUICK = {"pending_s": 0.05, "stopping_s": 0.05, "appears_s": 0.0, "probe_every_s": 0.1, "timeout_scale": 0.01,
    "refresh_step_s": 0.1,
}  # fmt: skip


@dataclass(frozen=True)
class Servers:
    """The first has failed at the beginning of a test: its application is dead, and it is registered."""

    stage: Stage
    fleet: Fleet

    @property
    def failed(self) -> str:
        return self.fleet.instance_ids[0]

    @property
    def well(self) -> str:
        return self.fleet.instance_ids[1]

    def client(self, service: str) -> Any:
        return open_client(self.stage.cloud, service, REGION)

    def describe(self, path: Path) -> None:
        """Write them into a policy file, as they are now."""
        self._follow_refresh()
        text: dict[str, Any] = load_plain(path)
        for application in text["applications"].values():
            application |= {"url": f"http://127.0.0.1:{self.fleet.port}", **FOLDERS}
        text["hosts"] = describe_fleet(self.fleet)
        repositories = self.fleet.repositories
        text["infrastructure"]["code"] |= {"primary": repositories.primary, "mirror": repositories.mirror}
        text["infrastructure"]["auto_scaling"]["poll_every"] = "1 second"
        dump_plain(path, text)

    def state_of(self, name: str) -> str:
        """As EC2 has it."""
        found = self.client("ec2").describe_instances(InstanceIds=[name])["Reservations"][0]["Instances"][0]
        return str(found["State"]["Name"])

    def describe_group(self) -> dict[str, Any]:
        """The auto-scaling group."""
        found = self.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])
        return dict(found["AutoScalingGroups"][0])

    def list_members(self) -> set[str]:
        """Of the auto-scaling group."""
        return {one["InstanceId"] for one in self.describe_group()["Instances"]}

    def count_refreshes_under_way(self) -> int:
        found = self.client("autoscaling").describe_instance_refreshes(AutoScalingGroupName=GROUP)
        return sum(1 for one in found["InstanceRefreshes"] if "EndTime" not in one)

    def list_others(self) -> dict[str, str]:
        """Instances that were launched since the beginning, and are there yet, with their states."""
        found = [
            one
            for kept in self.client("ec2").describe_instances()["Reservations"]
            for one in kept["Instances"]
            if one["InstanceId"] not in self.fleet.instance_ids and one["State"]["Name"] != "terminated"
        ]
        return {one["InstanceId"]: one["State"]["Name"] for one in found}

    def reset(self) -> None:
        """Both in the group and behind the load balancer, no other server, the first one's application dead."""
        create_secrets(self.stage.cloud, self.stage.application_url)
        make_repositories(self.fleet.repositories.folder)  # which other tests on the stage take away
        self._follow_refresh()
        self._remove_others()
        for name in self.fleet.instance_ids:
            self._bring_back(name)
        missing = sorted(set(self.fleet.instance_ids) - self.list_members())
        if missing:
            self.client("autoscaling").attach_instances(AutoScalingGroupName=GROUP, InstanceIds=missing)
        wanted = [{"Id": name} for name in self.fleet.instance_ids]
        self.client("elbv2").register_targets(TargetGroupArn=self.fleet.target_group, Targets=wanted)
        ask(str(self.stage.cloud.describe_machine(self.failed).disk.init_socket), "kill")
        ask(str(self.stage.cloud.describe_machine(self.well).disk.init_socket), "start")
        expected = {self.failed: "unhealthy", self.well: "healthy"}
        wait_until("the two", lambda: self.fleet.list_states() == expected)
        self.stage.cloud.change_server_pace(**QUICK)
        self.stage.cloud.forget_calls()

    def put_right(self) -> None:
        """The group's settings as at the beginning."""
        self.client("autoscaling").update_auto_scaling_group(
            AutoScalingGroupName=GROUP, MinSize=LEAST, MaxSize=MOST, HealthCheckType="ELB", HealthCheckGracePeriod=300
        )

    def revive(self) -> None:
        """Let the first one's application run again."""
        ask(str(self.stage.cloud.describe_machine(self.failed).disk.init_socket), "start")
        wait_until("its health", lambda: self.fleet.list_states()[self.failed] == "healthy")

    def answers(self) -> bool:
        """Whether users get an answer."""
        return http_answers(f"http://127.0.0.1:{self.fleet.port}/health")

    def _follow_refresh(self) -> None:
        """A refresh replaces servers by others, which are the two from then on."""
        if any(self.state_of(name) in ("shutting-down", "terminated") for name in self.fleet.instance_ids):
            self.fleet.instance_ids[:] = sorted(self.list_members())

    def _remove_others(self) -> None:
        others = list(self.list_others())
        if not others:
            return
        members = sorted(self.list_members() & set(others))
        if members:
            self.client("autoscaling").detach_instances(
                AutoScalingGroupName=GROUP, InstanceIds=members, ShouldDecrementDesiredCapacity=True
            )
        gone = [{"Id": name} for name in others]
        self.client("elbv2").deregister_targets(TargetGroupArn=self.fleet.target_group, Targets=gone)
        self.client("ec2").terminate_instances(InstanceIds=others)
        wait_until("their end", lambda: not self.list_others())

    def _bring_back(self, name: str) -> None:
        if self.state_of(name) == "running" and not self.stage.cloud.describe_machine(name).is_up:
            self.client("ec2").stop_instances(InstanceIds=[name])  # a dead machine comes back no other way
        if self.state_of(name) in ("stopping", "stopped"):
            wait_until("its stop", lambda: self.state_of(name) == "stopped")
            self.client("ec2").start_instances(InstanceIds=[name])
        wait_until(f"{name} up", lambda: self.stage.cloud.describe_machine(name).is_up)
        wait_until(f"{name} running", lambda: self.state_of(name) == "running")


def take_servers(shared: SharedStage, monkeypatch: pytest.MonkeyPatch) -> Servers:
    """Those of a stage as a test begins with them, its cloud in the environment, and their commands soon heard of."""
    for name, value in shared.stage.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("bot.systems.hosts.ssm.POLL_S", 0.05)
    servers = servers_of(shared.stage)
    servers.reset()
    return servers


def make_world(servers: Servers, folder: Path) -> World:
    """The demo's policy, kept in the folder, with these servers in it."""
    stage = servers.stage
    path, _ = write_demo_policy(folder, stage.warehouse_url, supervisor=stage.supervisor_path)
    servers.describe(path)
    return World(hurry(load_policy(path)), dict(os.environ), utc_now)


_LAUNCHED: dict[Stage, Servers] = {}


def servers_of(stage: Stage) -> Servers:
    """Launched when they are first asked for, some 5 s; they end with the stage's cloud."""
    if stage not in _LAUNCHED:
        _LAUNCHED[stage] = _launch(stage)
    return _LAUNCHED[stage]


def silence_servers(stage: Stage) -> None:
    """Where some were launched, their applications end: these have sessions in the stage's database, too."""
    if stage in _LAUNCHED:
        _LAUNCHED[stage].fleet.kill()


def _launch(stage: Stage) -> Servers:
    fleet = Fleet(stage.cloud, 2, free_port(), stage.disk.root / "git")
    stage.cloud.change_server_pace(**QUICK)
    create_secrets(stage.cloud, stage.application_url)
    fleet.launch({"PRODUCTION_DATABASE_URL": stage.application_url})
    return Servers(stage, fleet)


def hurry(policy: Policy) -> Policy:
    """The same, looking at servers oftener than a policy file can say."""
    places = policy.infrastructure
    scaling = places.auto_scaling.model_copy(update={"poll_every": timedelta(milliseconds=100)})
    return policy.model_copy(update={"infrastructure": places.model_copy(update={"auto_scaling": scaling})})
