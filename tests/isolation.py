"""The isolation group of the stage's servers, and what they have instead of it."""

from __future__ import annotations

from pathlib import Path

from bot.policy.plain_yaml import dump_plain, load_plain
from tests.fleets import Servers

NAME = "isolation"


def wall_of(servers: Servers) -> str:
    """The group's id; made when it is first asked for, without any rule."""
    ec2 = servers.client("ec2")
    named = [{"Name": "group-name", "Values": [NAME]}]
    found = ec2.describe_security_groups(Filters=named)["SecurityGroups"]
    if found:
        return str(found[0]["GroupId"])
    instance = ec2.describe_instances(InstanceIds=[servers.failed])["Reservations"][0]["Instances"][0]
    made = ec2.create_security_group(GroupName=NAME, Description="Nobody", VpcId=instance["VpcId"])["GroupId"]
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.revoke_security_group_egress(GroupId=made, IpPermissions=everything)
    return str(made)


def name_wall(servers: Servers, path: Path) -> None:
    """Put it into a policy file."""
    text = load_plain(path)
    text["infrastructure"]["isolation_group"] = wall_of(servers)
    dump_plain(path, text)


def groups_of(servers: Servers, name: str) -> list[str]:
    found = servers.client("ec2").describe_instances(InstanceIds=[name])["Reservations"][0]["Instances"][0]
    return sorted(one["GroupId"] for one in found["SecurityGroups"])


def give_back(servers: Servers, groups: list[str]) -> None:
    """As before: its groups; `reset` takes it back into the others."""
    servers.client("ec2").modify_instance_attribute(InstanceId=servers.failed, Groups=groups)


def count_snapshots(servers: Servers) -> int:
    """Those of servers; the stage's cloud has some from its start."""
    return len(servers.client("ec2").describe_snapshots(OwnerIds=["self"])["Snapshots"])
