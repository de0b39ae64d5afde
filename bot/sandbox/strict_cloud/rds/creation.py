"""How RDS instances come into being: adopted, created, restored."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from bot.sandbox.strict_cloud.rds.backups import begin_backups, choose_time
from bot.sandbox.strict_cloud.rds.server import BaseBackup, Programs, Server, start_copy
from bot.sandbox.strict_cloud.rds.settings import Facts, default_settings, inherited_settings, read_settings, refuse
from bot.sandbox.strict_cloud.rds.state import Instance, Region

IDENTIFIER = re.compile(r"[a-z](?:-?[a-z0-9])*", re.IGNORECASE)
Request = Mapping[str, object]
MakeServer = Callable[[], Server]


def adopt_instance(region: Region, identifier: str, settings: Request, admin: str, bindir: Path) -> Instance:
    """Make a server that runs already the database of a new instance; `admin`: its superuser's URL."""
    version = "15"
    server = Server(Programs.in_directory(bindir), admin) if admin else None
    if server is not None:
        version = str(server.ask("SELECT current_setting('server_version')")).split()[0]
    given = read_settings(region.name, settings)
    base: Facts = {"Engine": "postgres", "EngineVersion": version, **choose_zones(region, given)}
    facts = {**default_settings(region.name, engine_version=version), **base, **given}
    instance = region.new_instance(check_name(identifier), facts)
    instance.server = server
    begin_backups(region, instance)
    return instance


def create_instance(region: Region, request: Request) -> Instance:
    """CreateDBInstance, without a database behind it: nothing answers at its endpoint."""
    if request.get("Engine") != "postgres":
        raise refuse("InvalidParameterValue", f"Invalid DB engine: {request.get('Engine')}")
    _require(request, "AllocatedStorage", "MasterUsername", "MasterUserPassword")
    version = str(request.get("EngineVersion", "15.8"))
    given = read_settings(region.name, request)
    base: Facts = {"Engine": "postgres", "EngineVersion": version, **choose_zones(region, given)}
    facts = {**default_settings(region.name, engine_version=version), **base, **given}
    instance = region.new_instance(check_name(request["DBInstanceIdentifier"]), facts)
    come_up(region, instance, None)
    return instance


def restore_to_time(region: Region, request: Request) -> Instance:
    """RestoreDBInstanceToPointInTime, of an instance that still exists."""
    source = region.instance(request.get("SourceDBInstanceIdentifier"))
    at = choose_time(source, request, region.world.pace.restorable_lag_s)
    archive = source.archive
    make = (lambda: archive.restore(at)) if archive else None
    return _restore(region, str(request["TargetDBInstanceIdentifier"]), source.facts, request, make)


def restore_snapshot(region: Region, request: Request) -> Instance:
    """RestoreDBInstanceFromDBSnapshot; the snapshot must be in this region."""
    snapshot = region.snapshot(request.get("DBSnapshotIdentifier"))
    if snapshot.status != "available":
        raise refuse("InvalidDBSnapshotState", f"Snapshot {snapshot.identifier} is {snapshot.status}.")
    make = _starter(snapshot.backup)
    return _restore(region, str(request["DBInstanceIdentifier"]), snapshot.settings, request, make)


def come_up(region: Region, instance: Instance, make: MakeServer | None) -> None:
    """Let a new instance become available, once `make` has made its server."""
    made: list[Server] = []

    def finish() -> None:
        instance.server = made[0] if made else None
        region.tell(instance, "DB instance created", "creation")
        if instance.source is None:
            begin_backups(region, instance)
        else:
            instance.set_status("available")

    work = (lambda: made.append(make())) if make else None
    instance.agenda.add(region.world.pace.creating_s, finish, work)


def check_name(identifier: object) -> str:
    """Return an identifier. Raises InvalidParameterValue for a malformed one."""
    text = str(identifier)
    if len(text) > 63 or not IDENTIFIER.fullmatch(text):
        raise refuse(
            "InvalidParameterValue",
            f"The parameter DBInstanceIdentifier is not a valid identifier: {text}. It must begin with a letter, "
            "contain only ASCII letters, digits and hyphens, not end with a hyphen, and have no two hyphens in a row.",
        )
    return text


def choose_zones(region: Region, given: Facts) -> Facts:
    """Return the availability zone, and the standby's of a Multi-AZ instance."""
    first = str(given.get("AvailabilityZone") or f"{region.name}a")
    zones: Facts = {"AvailabilityZone": first}
    if given.get("MultiAZ"):
        zones["SecondaryAvailabilityZone"] = f"{region.name}b"
    return zones


def _restore(region: Region, name: str, source: Facts, request: Request, make: MakeServer | None) -> Instance:
    given = read_settings(region.name, request)
    facts = {
        **default_settings(region.name, engine_version=str(source["EngineVersion"])),
        **inherited_settings(source),
        **given,
        **choose_zones(region, given),
    }
    instance = region.new_instance(check_name(name), facts)
    come_up(region, instance, make)
    return instance


def _starter(backup: BaseBackup | None) -> MakeServer | None:
    return (lambda: start_copy(backup, {})) if backup else None


def _require(request: Request, *names: str) -> None:
    for name in names:
        if not request.get(name):
            raise refuse("InvalidParameterValue", f"The parameter {name} must be provided and must not be blank.")
