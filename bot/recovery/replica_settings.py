"""The settings of a read replica that is made: what CreateDBInstanceReadReplica takes, and what is put right after it.

What belongs to a region (subnet group, security groups, parameter group) cannot come from a source in another one. At
home it is that of the policy's primary, which an outage leaves behind; in the second region the policy names it.
"""

from __future__ import annotations

from pydantic import JsonValue

from bot.outcome import Refused
from bot.recovery.action import World
from bot.recovery.instances import RegionChoice, name_region, open_region
from bot.systems.rds import Instance
from bot.systems.rds_settings import Settings, settings_for_afterwards, settings_for_restore
from bot.systems.security_groups import find_group_ids

# A replica has no backups until its promotion, which is told about them; its storage is its source's, its licence too.
NOT_OF_REPLICAS = (
    "AllocatedStorage", "BackupRetentionPeriod", "EngineLifecycleSupport", "LicenseModel", "PreferredBackupWindow",
)  # fmt: skip
# RDS takes it for a replica of PostgreSQL neither in one region nor across (botocore's model), but lets it be changed.
CHANGED_LATER = ("DBParameterGroupName",)
OF_A_REGION = (
    "Domain", "DomainAuthSecretArn", "DomainDnsIps", "DomainFqdn", "DomainIAMRoleName", "DomainOu", "OptionGroupName",
    "PerformanceInsightsKMSKeyId",
)  # fmt: skip


def choose_settings(
    world: World, source: Instance, source_region: RegionChoice, region: RegionChoice
) -> tuple[Settings, Settings]:
    """For the call, and for afterwards. Raises `Refused` where nothing says what an instance belongs to there."""
    if source_region == region:
        model, there = source, None
    elif region == "primary":
        model, there = _find_model(world), None
    else:
        model, there = source, _list_groups(world)
    settings = settings_for_restore(model.description)
    afterwards = settings_for_afterwards(model.description)
    if there is not None:
        kept = {name: value for name, value in settings.items() if name not in OF_A_REGION}
        settings = {**kept, **there}
        afterwards = {name: value for name, value in afterwards.items() if name not in OF_A_REGION}
    afterwards |= {name: settings[name] for name in CHANGED_LATER if name in settings}
    left_out = (*NOT_OF_REPLICAS, *CHANGED_LATER)
    return {name: value for name, value in settings.items() if name not in left_out}, afterwards


def _find_model(world: World) -> Instance:
    """The primary that was left behind at home; all its settings are of that region."""
    name = world.policy.infrastructure.rds.instance
    found = open_region(world, "primary").find(name)
    if found is None:
        raise Refused(
            f"{name} is not in {name_region(world, 'primary')} any more, so nothing says what a replica there is to be "
            "like.",
            "Make it by hand with `aws rds create-db-instance-read-replica` and every setting that it needs.",
        )
    return found


def _list_groups(world: World) -> Settings:
    second = world.policy.infrastructure.rds.second_region
    if second is None:
        raise Refused(
            "The policy does not say what an instance belongs to in the second region.",
            "Add `infrastructure.rds.second_region`.",
        )
    region = name_region(world, "secondary")
    groups: JsonValue = [*find_group_ids(region, second.security_groups, second.subnet_group)]
    return {
        "DBParameterGroupName": second.parameter_group,
        "DBSubnetGroupName": second.subnet_group,
        "VpcSecurityGroupIds": groups,
    }
