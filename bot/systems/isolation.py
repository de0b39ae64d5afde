"""Shutting a server off by its security groups, and snapshots of its disks.

Facts (EC2 API reference): ModifyInstanceAttribute replaces all groups of an instance that has one network interface;
CreateSnapshots takes all its volumes at one moment, which is fixed when the call is answered, however long the copying
takes. Connections that a security group tracks may stay open after it was replaced (User Guide, connection tracking).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.systems.aws import ACTING, READING, AwsRefused, act, ask, open_client
from bot.systems.outcomes import SystemRefused
from bot.systems.servers import MARK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HTTPS = 443


@dataclass(frozen=True)
class Wall:
    """A security group: how many rules let somebody in, and whether it lets out what the SSM agent needs."""

    identifier: str
    name: str
    network: str
    ways_in: int
    reaches_ssm: bool


@dataclass(frozen=True)
class Wires:
    """How an instance is connected: its network, its network interfaces, and their security groups."""

    network: str
    interfaces: int
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Disk:
    """A snapshot of one volume."""

    identifier: str
    volume: str
    state: str
    """`pending`, `completed` or `error`."""


class Isolation:
    """Of the instances of one region."""

    def __init__(self, region: str) -> None:
        self.region = region
        self._reading: Any = open_client("ec2", region_name=region, config=READING)
        self._acting: Any = open_client("ec2", region_name=region, config=ACTING)

    def read_wires(self, instance: str) -> Wires:
        """Raises SystemRefused where EC2 does not know it, or it is gone."""
        answer = self._ask_for(instance, "describe", lambda: self._reading.describe_instances(InstanceIds=[instance]))
        (found,) = [one for kept in answer["Reservations"] for one in kept["Instances"]] or [{}]
        if not found.get("SecurityGroups"):
            raise SystemRefused(f"{instance} is {found.get('State', {}).get('Name', 'gone')}, in no network any more.")
        groups = tuple(sorted(one["GroupId"] for one in found["SecurityGroups"]))
        return Wires(found["VpcId"], len(found.get("NetworkInterfaces", [])), groups)

    def read_wall(self, group: str) -> Wall:
        """Raises SystemRefused where there is no such security group."""
        answer = self._ask_for(group, "describe", lambda: self._reading.describe_security_groups(GroupIds=[group]))
        found = answer["SecurityGroups"][0]
        return Wall(
            group, found["GroupName"], found["VpcId"], len(found["IpPermissions"]),
            any(_lets_https_out(one) for one in found["IpPermissionsEgress"]),
        )  # fmt: skip

    def replace_groups(self, instance: str, groups: Sequence[str]) -> None:
        """These and no others; harmless where it has them. Raises AwsRefused, AwsUnclear."""
        act(
            f"replace the security groups of {instance}",
            lambda: self._acting.modify_instance_attribute(InstanceId=instance, Groups=list(groups)),
        )

    def count_volumes(self, instance: str) -> int:
        asked = [{"Name": "attachment.instance-id", "Values": [instance]}]
        answer = ask(f"list the volumes of {instance}", lambda: self._reading.describe_volumes(Filters=asked))
        return len(answer["Volumes"])

    def take_snapshots(self, instance: str, mark: str, tags: Mapping[str, str]) -> None:
        """Begin one of each volume, all at one moment. Not idempotent: look for those of the mark first."""
        named = [{"Key": key, "Value": value} for key, value in {**tags, MARK: mark}.items()]
        act(
            f"take snapshots of the disks of {instance}",
            lambda: self._acting.create_snapshots(
                InstanceSpecification={"InstanceId": instance},
                Description=f"Evidence of {instance}",
                TagSpecifications=[{"ResourceType": "snapshot", "Tags": named}],
            ),
        )

    def list_snapshots(self, mark: str) -> list[Disk]:
        """Those that a run has taken."""
        asked = [{"Name": f"tag:{MARK}", "Values": [mark]}]
        answer = ask("list snapshots", lambda: self._reading.describe_snapshots(OwnerIds=["self"], Filters=asked))
        return [Disk(one["SnapshotId"], one["VolumeId"], one["State"]) for one in answer["Snapshots"]]

    def _ask_for(self, name: str, what: str, call: Any) -> Any:
        try:
            return ask(f"{what} {name}", call)
        except AwsRefused as refusal:
            if "NotFound" not in refusal.code and "Malformed" not in refusal.code:
                raise
            raise SystemRefused(f"There is no {name} in {self.region}.", "Check it in the policy.") from refusal


def _lets_https_out(rule: Mapping[str, Any]) -> bool:
    if rule.get("IpProtocol") == "-1":
        return True
    return rule.get("IpProtocol") == "tcp" and rule.get("FromPort", 0) <= HTTPS <= rule.get("ToPort", 0)
