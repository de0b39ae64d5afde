"""Read replicas of RDS instances: streaming standbys, until they are promoted."""

from __future__ import annotations

from collections.abc import Mapping

from bot.sandbox.strict_cloud.rds.backups import begin_backups
from bot.sandbox.strict_cloud.rds.creation import check_name, choose_zones, come_up
from bot.sandbox.strict_cloud.rds.server import start_replica
from bot.sandbox.strict_cloud.rds.settings import Facts, default_settings, inherited_settings, read_settings, refuse
from bot.sandbox.strict_cloud.rds.state import Instance, Region

Request = Mapping[str, object]


def create_replica(region: Region, request: Request) -> Instance:
    """CreateDBInstanceReadReplica; the source may be in another region, named by its ARN."""
    name = str(request.get("SourceDBInstanceIdentifier"))
    home = region.world.region(name) if name.startswith("arn:") else region
    source = home.available_instance(name)
    if source.retention_days == 0:
        raise refuse(
            "InvalidDBInstanceState",
            "Automated backups are not enabled for this database instance. To enable automated backups, use "
            "ModifyDBInstance to set the backup retention period to a non-zero value.",
        )
    _check(region, home, source, request)
    given = read_settings(region.name, request)
    facts = default_settings(region.name, engine_version=str(source.facts["EngineVersion"]))
    same_region: Facts = {}
    if home is region:
        same_region = {name: source.facts[name] for name in ("DBSubnetGroup", "DBParameterGroups")}
    facts = {**facts, **inherited_settings(source.facts), **same_region, "BackupRetentionPeriod": 0, **given}
    facts |= {
        **choose_zones(region, given),
        "ReadReplicaSourceDBInstanceIdentifier": name if home is not region else source.identifier,
    }
    replica = region.new_instance(check_name(request["DBInstanceIdentifier"]), facts)
    list_replicas(source).append(replica.identifier if home is region else replica.arn)
    server = source.server
    come_up(region, replica, (lambda: start_replica(server)) if server else None)
    return replica


def _check(region: Region, home: Region, source: Instance, request: Request) -> None:
    """What RDS does not take, by the API's model of CreateDBInstanceReadReplica."""
    if source.facts.get("StorageEncrypted") and home is not region and not request.get("KmsKeyId"):
        raise refuse("InvalidParameterValue", "KmsKeyId must be provided to make an encrypted replica across regions.")
    if request.get("DBParameterGroupName"):
        raise refuse("InvalidParameterCombination", "A replica of PostgreSQL is not told its DBParameterGroupName.")


def promote_replica(region: Region, request: Request) -> Instance:
    """PromoteReadReplica: for good; without a retention period in the request it becomes 1 day."""
    replica = region.available_instance(request.get("DBInstanceIdentifier"))
    if replica.source is None:
        raise refuse("InvalidDBInstanceState", f"DB Instance {replica.identifier} is not a read replica.")
    wanted = {"BackupRetentionPeriod": 1, **read_settings(region.name, request)}
    pace = region.world.pace
    server = replica.server

    def reboot() -> None:
        replica.set_status("rebooting")
        replica.agenda.add(pace.rebooting_s, finish, server.promote if server else None)

    def finish() -> None:
        detach(region, replica)
        replica.facts.update(wanted)
        region.tell(replica, "Promoted Read Replica instance to stand-alone database instance.", "read replica")
        begin_backups(region, replica)

    replica.set_status("modifying")
    replica.agenda.add(pace.modifying_s, reboot)
    return replica


def detach(region: Region, replica: Instance) -> None:
    """Make a replica its own master; nothing happens to an instance that is none."""
    if replica.source is None:
        return
    home = region.world.region(replica.source) if replica.source.startswith("arn:") else region
    source = home.instances.get(replica.source.rpartition(":")[2])
    if source is not None:
        source.facts["ReadReplicaDBInstanceIdentifiers"] = [
            name for name in list_replicas(source) if name not in (replica.identifier, replica.arn)
        ]
    del replica.facts["ReadReplicaSourceDBInstanceIdentifier"]


def list_replicas(instance: Instance) -> list[str]:
    """Return the live list of an instance's replicas: identifiers, ARNs where they are in another region."""
    replicas = instance.facts.setdefault("ReadReplicaDBInstanceIdentifiers", [])
    assert isinstance(replicas, list)
    return replicas
