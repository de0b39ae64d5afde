"""Security groups of AWS by their names, which people know; calls want their ids, which differ in each region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.systems.aws import READING, ask, open_client
from bot.systems.outcomes import SystemRefused

SOURCES = {
    "IpRanges": "CidrIp",
    "Ipv6Ranges": "CidrIpv6",
    "UserIdGroupPairs": "GroupId",
    "PrefixListIds": "PrefixListId",
}


def find_group_ids(region: str, names: Sequence[str], subnet_group: str) -> list[str]:
    """Of the groups in the network of a database's subnet group. Raises SystemRefused where one is not there."""
    rds, ec2 = _open("rds", region), _open("ec2", region)
    groups = ask(f"describe {subnet_group}", lambda: rds.describe_db_subnet_groups(DBSubnetGroupName=subnet_group))
    network = groups["DBSubnetGroups"][0]["VpcId"]
    filters = [{"Name": "vpc-id", "Values": [network]}, {"Name": "group-name", "Values": list(names)}]
    answer = ask("list security groups", lambda: ec2.describe_security_groups(Filters=filters))
    found = {str(one["GroupName"]): str(one["GroupId"]) for one in answer["SecurityGroups"]}
    missing = [name for name in names if name not in found]
    if missing:
        raise SystemRefused(
            f"There is no security group {missing[0]} in {network}, {region}.", "Make it there, or name another one."
        )
    return sorted(found.values())


def list_let_in(region: str, groups: Sequence[str], port: int) -> list[str]:
    """Whom the groups let in at a TCP port, together: networks, other groups, prefix lists. Nobody: an empty list.

    Raises AwsRefused, AwsUnclear.
    """
    ec2 = _open("ec2", region)
    answer = ask("describe security groups", lambda: ec2.describe_security_groups(GroupIds=list(groups)))
    rules = [rule for one in answer["SecurityGroups"] for rule in one["IpPermissions"] if _covers(rule, port)]
    found = [
        str(source[key])
        for rule in rules
        for kind, key in SOURCES.items()
        for source in rule.get(kind, [])
        if source.get(key)
    ]
    return list(dict.fromkeys(found))


def _covers(rule: dict[str, Any], port: int) -> bool:
    """Protocol -1 is all of them, on every port (EC2 API reference, IpPermission)."""
    if rule["IpProtocol"] == "-1":
        return True
    return rule["IpProtocol"] in ("tcp", "6") and rule.get("FromPort", 0) <= port <= rule.get("ToPort", 65535)


def _open(service: str, region: str) -> Any:
    open_any: Any = open_client
    return open_any(service, region_name=region, config=READING)
