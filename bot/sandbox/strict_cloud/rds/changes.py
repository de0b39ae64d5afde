"""How an RDS instance is changed while it exists: modify, reboot, fail over.

ModifyDBInstance keeps what `PendingModifiedValues` can hold for the maintenance window, unless it is to apply
immediately, which applies *all* that is pending; everything else takes effect at once.
"""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from bot.sandbox.strict_cloud.rds.backups import begin_backups, end_backups
from bot.sandbox.strict_cloud.rds.server import Server
from bot.sandbox.strict_cloud.rds.settings import DEFERRABLE, Facts, read_settings, refuse
from bot.sandbox.strict_cloud.rds.state import Instance, Region

Request = Mapping[str, object]
NEED_RESTART = {"DBInstanceClass", "EngineVersion", "CACertificateIdentifier", "DBSubnetGroup"}
STATUS_OF = {
    "DBInstanceIdentifier": "renaming",
    "EngineVersion": "upgrading",
    "MasterUserPassword": "resetting-master-credentials",
}


def modify_instance(region: Region, request: Request) -> Instance:
    """ModifyDBInstance."""
    growing = {"storage-full"} if request.get("AllocatedStorage") else set()
    instance = region.available_instance(request.get("DBInstanceIdentifier"), also=growing)
    wanted = _wanted(region, instance, request)
    _check(instance, wanted)
    for name, value in wanted.items():
        if not _is_deferrable(instance, name, value):
            instance.facts[name] = value
        elif value != instance.facts.get(name):
            instance.pending[name] = value
        else:
            instance.pending.pop(name, None)
    if request.get("ApplyImmediately"):
        apply_pending(region, instance)
    return instance


def apply_pending(region: Region, instance: Instance) -> None:
    """Begin all that is pending, as ApplyImmediately and the maintenance window do; "available" for a moment yet."""
    if not instance.pending:
        return
    instance.applying, instance.pending = {**instance.applying, **instance.pending}, {}
    world = region.world
    restart = bool(NEED_RESTART & instance.applying.keys())

    def begin() -> None:
        names = [name for name in STATUS_OF if name in instance.applying]
        instance.set_status(STATUS_OF[names[0]] if names else "modifying")
        region.tell(instance, "Applying modification to database instance", "configuration change")

    def work() -> None:
        if instance.server is not None:
            _apply_to_server(instance.server, instance, restart=restart)

    instance.agenda.add(world.pace.before_modifying_s, begin)
    instance.agenda.add(world.pace.modifying_s, lambda: _finish(region, instance), work)


def reboot_instance(region: Region, request: Request) -> Instance:
    """RebootDBInstance; with ForceFailover the standby in the other zone takes over."""
    instance = region.available_instance(request.get("DBInstanceIdentifier"))
    failover = bool(request.get("ForceFailover"))
    if failover and not instance.facts.get("MultiAZ"):
        raise refuse(
            "InvalidDBInstanceState",
            f"Cannot force a failover of {instance.identifier}: it is not a Multi-AZ deployment.",
        )
    world, pace = region.world, region.world.pace
    instance.set_status("rebooting")
    if failover:
        region.tell(instance, "Multi-AZ instance failover started.", "failover")

    def finish() -> None:
        region.tell(instance, "DB instance restarted", "availability")
        _take_parameters(instance)
        instance.set_status("available")
        if failover:
            region.tell(instance, "Multi-AZ instance failover completed", "failover")
            instance.agenda.add(world.pace.zone_lag_s, lambda: _swap_zones(instance))

    duration_s = pace.failing_over_s if failover else pace.rebooting_s
    server = instance.server
    instance.agenda.add(duration_s, finish, server.crash if server else None)
    return instance


def stop_instance(region: Region, request: Request) -> Instance:
    """StopDBInstance: not of a replica, nor of what replicas follow."""
    instance = region.available_instance(request.get("DBInstanceIdentifier"))
    if instance.source or instance.facts.get("ReadReplicaDBInstanceIdentifiers"):
        raise refuse("InvalidDBInstanceState", "You cannot stop a DB instance that has a read replica or is one.")
    if instance.server is not None and not instance.server.is_ours:
        raise refuse("InvalidParameterCombination", "This cloud does not stop a server that it has adopted.")
    server = instance.server
    instance.set_status("stopping")
    work = server.halt if server else None
    instance.agenda.add(region.world.pace.rebooting_s, lambda: instance.set_status("stopped"), work)
    return instance


def start_instance(region: Region, request: Request) -> Instance:
    """StartDBInstance: of a stopped one."""
    instance = region.instance(request.get("DBInstanceIdentifier"))
    if instance.status != "stopped":
        raise refuse("InvalidDBInstanceState", f"Instance {instance.identifier} is {instance.status}, not stopped.")
    server = instance.server
    instance.set_status("starting")
    work = server.go_on if server else None
    instance.agenda.add(region.world.pace.rebooting_s, lambda: instance.set_status("available"), work)
    return instance


def stick_instance(region: Region, identifier: str, status: str | None) -> None:
    """Hold an instance in a bad state as soon as it would be available, also one yet to come; None lets it go."""
    region.stuck[identifier] = status
    instance = region.instances.get(identifier)
    if instance is None:
        return
    if status is None:
        instance.status = "available"
    elif instance.status == "available":
        instance.status = status


def _wanted(region: Region, instance: Instance, request: Request) -> Facts:
    wanted = read_settings(region.name, request)
    if name := request.get("NewDBInstanceIdentifier"):
        if str(name).lower() != instance.identifier:
            region.check_free(str(name))
        wanted["DBInstanceIdentifier"] = str(name).lower()
    if password := request.get("MasterUserPassword"):
        wanted["MasterUserPassword"] = password
    if group := request.get("DBParameterGroupName"):
        wanted["DBParameterGroups"] = [{"DBParameterGroupName": group, "ParameterApplyStatus": "pending-reboot"}]
    logs = request.get("CloudwatchLogsExportConfiguration")
    if isinstance(logs, dict):
        wanted["EnabledCloudwatchLogsExports"] = _exports(instance, logs)
    if "DBPortNumber" in request:
        raise refuse("InvalidParameterCombination", "This cloud's instances cannot change their port.")
    return wanted


def _exports(instance: Instance, change: Request) -> list[object]:
    now = instance.facts["EnabledCloudwatchLogsExports"]
    enable, disable = change.get("EnableLogTypes") or [], change.get("DisableLogTypes") or []
    assert isinstance(now, list)
    assert isinstance(enable, list)
    assert isinstance(disable, list)
    return sorted({*now, *enable} - {*disable})


def _check(instance: Instance, wanted: Facts) -> None:
    if wanted.get("BackupRetentionPeriod") == 0 and instance.facts.get("ReadReplicaDBInstanceIdentifiers"):
        raise refuse("InvalidParameterCombination", "Backups cannot be disabled while there are read replicas.")
    size_gb, now_gb = wanted.get("AllocatedStorage"), instance.facts.get("AllocatedStorage")
    if isinstance(size_gb, int) and isinstance(now_gb, int) and size_gb < now_gb:
        raise refuse("InvalidParameterCombination", "Requested size cannot be less than the existing size.")


def _is_deferrable(instance: Instance, name: str, value: object) -> bool:
    if name == "BackupRetentionPeriod":  # only switching backups on or off waits
        return (value == 0) != (instance.retention_days == 0)
    if name == "DBSubnetGroup":
        return True
    return name in DEFERRABLE


def _apply_to_server(server: Server, instance: Instance, *, restart: bool) -> None:
    if password := instance.applying.get("MasterUserPassword"):
        role = sql.Identifier(str(instance.facts.get("MasterUsername", "postgres")))
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(str(password)))
        server.execute(statement)
    if restart:
        server.crash()


def _finish(region: Region, instance: Instance) -> None:
    applied, instance.applying = instance.applying, {}
    applied.pop("MasterUserPassword", None)
    new_name = applied.pop("DBInstanceIdentifier", None)
    instance.facts.update(applied)
    if applied.get("MultiAZ"):
        instance.facts["SecondaryAvailabilityZone"] = _other_zone(instance)
    elif "MultiAZ" in applied:
        instance.facts.pop("SecondaryAvailabilityZone", None)
    if new_name is not None:
        _rename(region, instance, str(new_name))
    region.tell(instance, "Finished applying modification to database instance", "configuration change")
    if instance.retention_days == 0:
        end_backups(instance)
    begin_backups(region, instance)
    if "AllocatedStorage" in applied and instance.status == "available":
        instance.set_status("storage-optimization")
        instance.agenda.add(region.world.pace.modifying_s, lambda: instance.set_status("available"))


def _take_parameters(instance: Instance) -> None:
    groups = instance.facts["DBParameterGroups"]
    assert isinstance(groups, list)
    instance.facts["DBParameterGroups"] = [{**group, "ParameterApplyStatus": "in-sync"} for group in groups]


def _rename(region: Region, instance: Instance, name: str) -> None:
    region.instances[name] = region.instances.pop(instance.identifier)
    for other in region.instances.values():
        if other.source == instance.identifier:
            other.facts["ReadReplicaSourceDBInstanceIdentifier"] = name
    instance.identifier = name


def _other_zone(instance: Instance) -> str:
    zone = str(instance.facts["AvailabilityZone"])
    return zone[:-1] + ("b" if zone.endswith("a") else "a")


def _swap_zones(instance: Instance) -> None:
    facts = instance.facts
    first, second = facts["AvailabilityZone"], facts["SecondaryAvailabilityZone"]
    facts["AvailabilityZone"], facts["SecondaryAvailabilityZone"] = second, first
