"""Security groups of AWS by their names, which people know; calls want their ids, which differ in each region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.systems.aws import READING, ask, open_client
from bot.systems.outcomes import SystemRefused


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


def _open(service: str, region: str) -> Any:
    open_any: Any = open_client
    return open_any(service, region_name=region, config=READING)
