"""EC2 instances: what a launch template launches, and how an instance comes, stops and goes.

Facts (EC2 API reference, RunInstances, DescribeInstances; Ensuring idempotency): a client token launches once, and
answers a repetition with the same instances; an instance may not be found for some seconds after its launch; a
terminated one is shown for about an hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bot.systems.aws import ACTING, READING, AwsRefused, act, ask, open_client

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

OBSERVE_PERMISSIONS = ("ec2:DescribeInstances", "ec2:DescribeLaunchTemplateVersions", "ssm:DescribeInstanceInformation")
LAUNCH_PERMISSIONS = ("ec2:RunInstances", "ec2:CreateTags", "iam:PassRole")
FROM_TEMPLATE = "aws:ec2launchtemplate:id"
"""Tag that EC2 itself gives, with the id of the launch template."""
MARK = "holdfast:run"
"""Tag that says which run launched an instance."""
REPLACES = "holdfast:replaces"
"""Tag that says in whose place an instance is: the one that the policy names, however often it was replaced."""
USED_UP = "IdempotentInstanceTerminated"
NOT_THERE = ("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed")
GOING = ("shutting-down", "terminated")
COMING = ("pending", "running")


@dataclass(frozen=True)
class Server:
    """An instance as EC2 describes it."""

    identifier: str
    state: str
    """`pending`, `running`, `stopping`, `stopped`, `shutting-down` or `terminated`."""
    kind: str
    """Its type, such as t3.medium."""
    subnet: str
    security_groups: tuple[str, ...]
    tags: Mapping[str, str]
    launched_at: datetime


@dataclass(frozen=True)
class Health:
    """What EC2 says of an instance that is there (EC2 User Guide, status checks)."""

    state: str
    machine: str
    """The machine beneath: `ok`, `impaired`, `initializing`, `insufficient-data`, `not-applicable`."""
    system: str
    """Its own operating system, in the same words."""
    events: tuple[str, ...] = ()
    """What AWS is going to do with it, in AWS's words."""


@dataclass(frozen=True)
class Template:
    """One version of a launch template."""

    name: str
    version: str
    image: str
    kind: str
    identifier: str = ""


class Servers:
    """Instances of one region."""

    def __init__(self, region: str) -> None:
        self.region = region

    @cached_property
    def _reading(self) -> Any:
        return open_client("ec2", region_name=self.region, config=READING)

    @cached_property
    def _acting(self) -> Any:
        return open_client("ec2", region_name=self.region, config=ACTING)

    def find(self, identifier: str) -> Server | None:
        """The instance; None where EC2 does not know it, or not yet. Raises AwsRefused, AwsUnclear."""
        try:
            found = self._describe(f"describe {identifier}", InstanceIds=[identifier])
        except AwsRefused as refusal:
            if refusal.code in NOT_THERE:
                return None
            raise
        return next(iter(found), None)

    def read_health(self, identifier: str) -> Health | None:
        """None where EC2 does not know it. Raises AwsRefused, AwsUnclear."""
        try:
            answer = ask(
                f"see how {identifier} is",
                lambda: self._reading.describe_instance_status(InstanceIds=[identifier], IncludeAllInstances=True),
            )
        except AwsRefused as refusal:
            if refusal.code in NOT_THERE:
                return None
            raise
        return next((_read_health(one) for one in answer["InstanceStatuses"]), None)

    def list_launched(self, mark: str) -> list[Server]:
        """What a run has launched, also what has been terminated since."""
        return self._describe("list instances", Filters=[{"Name": f"tag:{MARK}", "Values": [mark]}])

    def find_current(self, named: str) -> str:
        """The instance that is in the place of the one that the policy names: itself, unless it was replaced."""
        found = self.find(named)
        if found is not None and found.state in COMING:
            return named
        asked = [{"Name": f"tag:{REPLACES}", "Values": [named]}, {"Name": "instance-state-name", "Values": [*COMING]}]
        others = self._describe(f"see what is in the place of {named}", Filters=asked)
        return max(others, key=lambda one: one.launched_at).identifier if others else named

    def mark_successor(self, identifier: str, named: str) -> None:
        """Say that it is in the place of the one that the policy names."""
        tags = [{"Key": REPLACES, "Value": named}]
        act(f"tag {identifier}", lambda: self._acting.create_tags(Resources=[identifier], Tags=tags))

    def list_stopped(self) -> list[Server]:
        """Every stopped instance of the region."""
        return self._describe("list instances", Filters=[{"Name": "instance-state-name", "Values": ["stopped"]}])

    def find_template(self, name: str) -> Template | None:
        """The default version of a launch template; None where there is none of that name."""
        try:
            answer = ask(
                f"describe the launch template {name}",
                lambda: self._reading.describe_launch_template_versions(LaunchTemplateName=name, Versions=["$Default"]),
            )
        except AwsRefused as refusal:
            if refusal.code.startswith("InvalidLaunchTemplate"):
                return None
            raise
        for one in answer["LaunchTemplateVersions"]:
            data = one["LaunchTemplateData"]
            kind = data.get("InstanceType", "?")
            return Template(name, str(one["VersionNumber"]), data.get("ImageId", "?"), kind, one["LaunchTemplateId"])
        return None

    def launch(
        self, template: Template, token: str, tags: Mapping[str, str], subnet: str | None = None
    ) -> Server | None:
        """Launch one, or get the one that was launched with this token before; None where that was terminated.

        EC2 knows a token for at least a day after its instance was terminated, which it lists for an hour at most.
        (EC2 developer guide, Ensuring idempotency; API reference, error codes.)
        """
        named = [{"Key": key, "Value": value} for key, value in tags.items()]
        place = {"SubnetId": subnet} if subnet else {}
        try:
            answer = act(
                f"launch an instance from {template.name}",
                lambda: self._acting.run_instances(
                    LaunchTemplate={"LaunchTemplateName": template.name, "Version": template.version},
                    MinCount=1,
                    MaxCount=1,
                    ClientToken=token,
                    TagSpecifications=[{"ResourceType": "instance", "Tags": named}],
                    **place,
                ),
            )
        except AwsRefused as refusal:
            if refusal.code == USED_UP:
                return None
            raise
        launched = _read(answer["Instances"][0])
        return None if launched.state in GOING else launched

    def stop(self, identifier: str) -> None:
        """Ask for it; harmless where it is stopped already."""
        act(f"stop {identifier}", lambda: self._acting.stop_instances(InstanceIds=[identifier]))

    def terminate(self, identifier: str) -> None:
        """Ask for it; its disks go with it, as its template has it."""
        act(f"terminate {identifier}", lambda: self._acting.terminate_instances(InstanceIds=[identifier]))

    def _describe(self, what: str, **asked: object) -> list[Server]:
        pages = self._reading.get_paginator("describe_instances")
        found = ask(what, lambda: list(pages.paginate(**asked)))
        return [_read(one) for page in found for kept in page["Reservations"] for one in kept["Instances"]]


def is_reachable(region: str, identifier: str) -> bool:
    """Whether the SSM agent of an instance answers now."""
    client: Any = open_client("ssm", region_name=region, config=READING)
    asked = [{"Key": "InstanceIds", "Values": [identifier]}]
    answer = ask(
        f"see whether {identifier} can be reached", lambda: client.describe_instance_information(Filters=asked)
    )
    found = [one for one in answer["InstanceInformationList"] if one["InstanceId"] == identifier]
    return any(one["PingStatus"] == "Online" for one in found)


def _read_health(one: Mapping[str, Any]) -> Health:
    """An event that is over is still shown for a week, with `[Completed]` or `[Canceled]` before its words."""
    events = [str(event.get("Description", event.get("Code", ""))) for event in one.get("Events", [])]
    return Health(
        one["InstanceState"]["Name"],
        one.get("SystemStatus", {}).get("Status", ""),
        one.get("InstanceStatus", {}).get("Status", ""),
        tuple(words for words in events if not words.startswith(("[Completed]", "[Canceled]"))),
    )


def _read(one: Mapping[str, Any]) -> Server:
    return Server(
        one["InstanceId"],
        one["State"]["Name"],
        one.get("InstanceType", "?"),
        one.get("SubnetId", ""),
        tuple(group["GroupId"] for group in one.get("SecurityGroups", [])),
        {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])},
        one["LaunchTime"],
    )
