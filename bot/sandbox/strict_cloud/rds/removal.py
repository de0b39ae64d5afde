"""How RDS instances go: deletion, with or without a final snapshot."""

from __future__ import annotations

from collections.abc import Mapping

from bot.sandbox.strict_cloud.rds.replicas import detach, list_replicas
from bot.sandbox.strict_cloud.rds.settings import Facts, refuse
from bot.sandbox.strict_cloud.rds.snapshots import begin_snapshot, check_snapshot_name
from bot.sandbox.strict_cloud.rds.state import Instance, Region, discard

Request = Mapping[str, object]


def delete_instance(region: Region, request: Request) -> Instance:
    """DeleteDBInstance, with or without a final snapshot."""
    instance = region.instance(request.get("DBInstanceIdentifier"))
    if instance.facts.get("DeletionProtection"):
        raise refuse(
            "InvalidParameterCombination",
            "Cannot delete protected DB Instance, please disable deletion protection and try again.",
        )
    if instance.status == "deleting":
        raise refuse("InvalidDBInstanceState", f"Instance {instance.identifier} is already being deleted.")
    if instance.status in {"creating", "modifying", "rebooting", "backing-up"}:
        raise refuse("InvalidDBInstanceState", f"Instance {instance.identifier} is {instance.status}.")
    final = _final_snapshot(region, instance, request)
    instance.agenda.clear()
    instance.set_status("deleting")
    if final is not None:
        begin_snapshot(region, instance, final, [], then_available=False)
    instance.agenda.add(region.world.pace.deleting_s, lambda: _remove(region, instance), lambda: discard(instance))
    return instance


def _final_snapshot(region: Region, instance: Instance, request: Request) -> str | None:
    name, skip = request.get("FinalDBSnapshotIdentifier"), bool(request.get("SkipFinalSnapshot"))
    if skip and name:
        raise refuse("InvalidParameterCombination", "FinalDBSnapshotIdentifier can not be specified when skipping it.")
    if not skip and not name:
        raise refuse(
            "InvalidParameterCombination",
            "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
        )
    if name and instance.source:
        raise refuse(
            "InvalidParameterCombination",
            "FinalDBSnapshotIdentifier can not be specified when deleting a replica instance",
        )
    return check_snapshot_name(region, name) if name else None


def _remove(region: Region, instance: Instance) -> None:
    detach(region, instance)
    for name in list(list_replicas(instance)):  # RDS promotes the replicas of a source that is deleted
        replica = region.world.region(name if name.startswith("arn:") else region.name).instance(name)
        detach(region, replica)
        if replica.server is not None:
            replica.agenda.add(0, lambda: None, replica.server.promote)
    region.instances.pop(instance.identifier, None)
    for name in [
        name for name, kept in region.snapshots.items() if name.startswith("rds:") and _is_of(kept.facts, instance)
    ]:
        del region.snapshots[name]
    region.tell(instance, "DB instance deleted", "deletion")


def _is_of(facts: Facts, instance: Instance) -> bool:
    return facts.get("DbiResourceId") == instance.facts.get("DbiResourceId")
