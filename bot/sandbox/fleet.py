"""The servers of the warehouse in the cloud, set up as the document has them.

A launch template, an auto-scaling group, a target group behind a load balancer, and two servers in them. Each has the
application's environment file, and the newest good release of its repository where this machine has Git.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from bot.sandbox.children import ChildFailed
from bot.sandbox.cloud import REGION, Cloud
from bot.sandbox.machines.disk import Disk
from bot.sandbox.primary_instance import let_in, open_client
from bot.sandbox.repositories import Repositories, make_repositories
from bot.sandbox.service import ask
from bot.systems.hosts.programs import read_program

GROUP, TEMPLATE, TARGETS = "traitortrack-asg", "traitortrack-app-template", "traitortrack-app"
SECURITY_GROUP = "traitortrack-app"
IMAGE, TYPE, PROFILE = "ami-0123456789abcdef0", "t3.medium", "traitortrack-app-role"
LEAST, MOST = 2, 5
ATTRIBUTES = {"stickiness.enabled": "true", "deregistration_delay.timeout_seconds": "30"}
"""Each server keeps its own sessions, so a user stays with one."""
RELEASE = "v1.2.0"
UP_WITHIN_S = 60.0
LOOK_EVERY_S = 0.05


class Application(Protocol):
    """The warehouse application, on this machine or on those of the cloud."""

    @property
    def running(self) -> bool: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def wait_until(self, condition: Callable[[], bool], what: str, deadline_s: float) -> None: ...


class Fleet:
    """So many servers that were there at the beginning; who replaces them is behind the same load balancer."""

    def __init__(self, cloud: Cloud, size: int, port: int, git_folder: Path) -> None:
        """`port`: where the load balancer answers; `git_folder`: where the repository and its mirror are made."""
        self._cloud, self._size, self.port, self._git_folder = cloud, size, port, git_folder
        self.instance_ids: list[str] = []
        self.target_group = ""

    def launch(self, environment: Mapping[str, str]) -> None:
        """Set everything up, with the application started on every server. Raises ChildFailed."""
        ec2, balancing = (open_client(self._cloud, service, REGION) for service in ("ec2", "elbv2"))
        vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
        self._make_template(ec2, vpc)
        named = {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": TARGETS}]}
        made = ec2.run_instances(
            LaunchTemplate={"LaunchTemplateName": TEMPLATE}, MinCount=self._size, MaxCount=self._size,
            TagSpecifications=[named],
        )  # fmt: skip
        self.instance_ids = [one["InstanceId"] for one in made["Instances"]]
        self.target_group = self._make_target_group(balancing, vpc)
        self._cloud.serve_target_group(self.target_group, self.port)
        repositories = make_repositories(self._git_folder) if shutil.which("git") else None
        with ThreadPoolExecutor() as parts:
            list(parts.map(lambda name: self._set_up(name, environment, repositories), self.instance_ids))
        self._make_group()

    @property
    def running(self) -> bool:
        """Whether the application runs on any server."""
        return any(status == 0 for status, _ in self._say("is-running"))

    def list_states(self) -> dict[str, str]:
        """What the load balancer says of each instance that is registered with it."""
        balancing = open_client(self._cloud, "elbv2", REGION)
        found = balancing.describe_target_health(TargetGroupArn=self.target_group)["TargetHealthDescriptions"]
        return {one["Target"]["Id"]: one["TargetHealth"]["State"] for one in found}

    def list_members(self) -> list[str]:
        """Instances that get requests now, or would if they were well."""
        return [name for name, state in self.list_states().items() if state != "draining"]

    def start(self) -> None:
        """Start the application on every server that is up."""
        self._say("start")

    def stop(self) -> None:
        self._say("stop")

    def kill(self) -> None:
        """Kill the application on every server; the servers stay up."""
        self._say("kill")

    def wait_until(self, condition: Callable[[], bool], what: str, deadline_s: float) -> None:
        """Return once `condition()` holds. Raises ChildFailed at the deadline."""
        deadline = time.monotonic() + deadline_s
        while not condition():
            if time.monotonic() > deadline:
                raise ChildFailed(f"the application on {', '.join(self.instance_ids)}: not {what} in {deadline_s:g} s")
            time.sleep(LOOK_EVERY_S)

    def _say(self, verb: str) -> list[tuple[int, str]]:
        """To every server that is up; the status and the words of each."""
        machines = [self._cloud.describe_machine(name) for name in self.list_members()]
        with ThreadPoolExecutor() as parts:
            up = [str(one.disk.init_socket) for one in machines if one.is_up]
            return list(parts.map(lambda socket: ask(socket, verb), up))

    @property
    def repositories(self) -> Repositories:
        """The application's repository and its mirror."""
        return Repositories(self._git_folder)

    def _set_up(self, name: str, environment: Mapping[str, str], repositories: Repositories | None) -> None:
        def is_up() -> bool:
            found = self._cloud.describe_machine(name)
            return found.is_up and found.state == "running"

        self.wait_until(is_up, f"up ({name})", UP_WITHIN_S)
        disk = self._cloud.describe_machine(name).disk
        if repositories:
            deploy(disk, repositories, RELEASE)
        lines = [f'{key}="{value}"\n' for key, value in environment.items()]
        disk.environment_file.touch(mode=0o600)
        disk.environment_file.write_text("".join(lines), encoding="utf-8")
        status, words = ask(str(disk.init_socket), "start")
        if status:
            raise ChildFailed(f"{name}: {words}")

    def _make_template(self, ec2: Any, vpc: str) -> None:
        group = ec2.create_security_group(GroupName=SECURITY_GROUP, Description="Who may reach the servers", VpcId=vpc)
        let_in(ec2, str(group["GroupId"]))
        data = {
            "ImageId": IMAGE, "InstanceType": TYPE, "SecurityGroupIds": [group["GroupId"]],
            "IamInstanceProfile": {"Name": PROFILE},
        }  # fmt: skip
        ec2.create_launch_template(LaunchTemplateName=TEMPLATE, LaunchTemplateData=data)

    def _make_target_group(self, balancing: Any, vpc: str) -> str:
        made = balancing.create_target_group(
            Name=TARGETS, Protocol="HTTP", Port=5000, VpcId=vpc, TargetType="instance", HealthCheckPath="/health",
            HealthyThresholdCount=2, UnhealthyThresholdCount=2,
        )  # fmt: skip
        arn = str(made["TargetGroups"][0]["TargetGroupArn"])
        attributes = [{"Key": key, "Value": value} for key, value in ATTRIBUTES.items()]
        balancing.modify_target_group_attributes(TargetGroupArn=arn, Attributes=attributes)
        return arn

    def _make_group(self) -> None:
        """With the servers that run already, which registers them."""
        scaling = open_client(self._cloud, "autoscaling", REGION)
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=GROUP, LaunchTemplate={"LaunchTemplateName": TEMPLATE}, MinSize=0, DesiredCapacity=0,
            MaxSize=MOST, HealthCheckType="ELB", HealthCheckGracePeriod=300, AvailabilityZones=[f"{REGION}a"],
            TargetGroupARNs=[self.target_group],
        )  # fmt: skip
        scaling.attach_instances(AutoScalingGroupName=GROUP, InstanceIds=self.instance_ids)
        scaling.update_auto_scaling_group(AutoScalingGroupName=GROUP, MinSize=min(LEAST, self._size))


def deploy(disk: Disk, repositories: Repositories, revision: str) -> None:
    """Put a release onto a machine's disk, by the programs that recovery brings to a host. Raises ChildFailed."""
    folder = str(disk.install_folder)
    found = _run("fetch_release", "fetch", folder, repositories.primary, repositories.mirror, revision, "")
    name = str(json.loads(found.splitlines()[-1])["name"])
    _run("finish_release", folder, name, "true", "--", "true")
    _run("switch_release", folder, name)


def _run(program: str, *arguments: str) -> str:
    words = [sys.executable, "-I", "-c", read_program(program), *arguments]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ChildFailed(f"{program}: {done.stderr.strip()}")
    return done.stdout
