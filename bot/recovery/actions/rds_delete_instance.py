"""Delete an RDS instance that is not needed any more, after a final snapshot. Protection is respected.

A read replica goes without: RDS takes no final snapshot of one, and its source has everything that it has.
"""

from __future__ import annotations

from pydantic import Field

from bot.outcome import Failed, Refused
from bot.policy import Policy
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.connection_secret import describe_place, find_connection
from bot.recovery.instances import (
    OBSERVE_PERMISSIONS,
    InstanceName,
    RegionChoice,
    act_once,
    database_behind,
    environment_of,
    instance_url,
    list_choices,
    look_for,
    name_region,
    observe_instance,
    open_region,
    refuse_unready,
    watch_for,
)
from bot.recovery.side_plan import list_moved
from bot.recovery.touched import touch_database_server
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.postgres import connect
from bot.systems.rds import Instance, Rds
from bot.systems.rds_changes import delete_instance
from bot.systems.rds_database import count_clients, count_rows
from bot.systems.rds_waiting import GOING, wait_for_snapshot, wait_until_gone

GONE: Facts = {"words": "gone"}


class DeleteInstance(Parameters):
    instance: InstanceName
    region: RegionChoice = Field(default="primary", title="Region of the instance")


class RdsDeleteInstance(Action[DeleteInstance]):
    name = "rds_delete_instance"
    purpose = "Delete an RDS instance that a recovery left, after a final snapshot"
    risk = "destructive"
    permissions = (
        *OBSERVE_PERMISSIONS,
        "rds:CreateDBSnapshot",
        "rds:DeleteDBInstance",
        "rds:DescribeDBSnapshots",
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
    )
    parameters = DeleteInstance

    def target(self, parameters: DeleteInstance) -> str:
        return parameters.instance

    def touches(self, policy: Policy, parameters: DeleteInstance) -> frozenset[str]:
        return touch_database_server(policy, parameters.instance)

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        if name == "region":
            return [(one, name_region(world, one)) for one in ("primary", "secondary")]
        primary = world.policy.infrastructure.rds.instance
        return list_choices(world, lambda one: one.identifier != primary) if name == "instance" else None

    def observe(self, world: World, parameters: DeleteInstance) -> Facts:
        """Refuses whatever somebody still needs, as far as that can be seen."""
        instance = open_region(world, parameters.region).observe(parameters.instance)
        refuse_unready(instance)
        refuse_needed(world, instance, parameters.region)
        rows, clients = look_at(world, instance)
        return {
            **observe_instance(instance),
            "source": instance.source,
            "protected": instance.protected,
            "rows": rows,
            "clients": clients,
        }

    def plan(self, world: World, parameters: DeleteInstance, observed: Facts, history: History) -> PlanDocument:
        rows, clients, source = observed["rows"], observed["clients"], observed["source"]
        held = "rows that cannot be counted" if rows is None else f"{rows:,} rows"
        return self.document(
            parameters,
            observed,
            environment=environment_of(world),
            title=f"Delete {parameters.instance}",
            loss=Loss(
                seconds=0,
                rows=0,
                words=f"nothing: {f'its source {source} has' if source else 'the final snapshot holds'} its {held}",
            ),
            downtime=Prediction(seconds=0, source="the application does not use it"),
            duration=history.duration or Prediction(seconds=None, source="not measured here yet"),
            way_back=(
                f"Another replica of {source} can be made: `/dr plan rds_create_replica`."
                if source
                else "Its final snapshot, by `/dr plan rds_restore_snapshot`. The endpoint will be another one."
            ),
            confirm=parameters.instance,
            notes=[f"{clients} clients are connected to it." if clients else "No client was seen on it."],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, ("resource_id", "endpoint", "source", "protected", "clients"))

    def steps(self) -> list[Step[DeleteInstance]]:
        return [
            Step(
                "delete", "Take a final snapshot, but for a replica, and delete it", delete, deleted, cancellable=False
            )
        ]

    def verify(self, context: Context[DeleteInstance]) -> Evidence:
        rds, name = _open(context), _final_name(context)
        instance = rds.find(context.parameters.instance)
        gone = Verdict(
            name="Instance", expected="gone", found=instance.status if instance else "gone", good=instance is None
        )
        if name is None:
            return Evidence([gone], words=f"Its source {context.plan.observed['source']} was not touched.")
        snapshot = rds.find_snapshot(name)
        status = snapshot.status if snapshot else "not there"
        kept = Verdict(name="Final snapshot", expected="available", found=status, good=status == "available")
        return Evidence([gone, kept], {"snapshot": name}, f"{name} can be restored from.")

    def clean_up(self, context: Context[DeleteInstance]) -> str:
        rds, snapshot = _open(context), _final_name(context)
        instance = rds.find(context.parameters.instance)
        if snapshot is None:
            return f"{context.parameters.instance} is {instance.status if instance else 'gone'}."
        kept = rds.find_snapshot(snapshot)
        told = f"its final snapshot {snapshot} is {kept.status}" if kept else "no final snapshot was begun"
        return f"{context.parameters.instance} is {instance.status if instance else 'gone'}; {told}."


def refuse_needed(world: World, instance: Instance, region: RegionChoice) -> None:
    """Raises `Refused` for an instance that is protected, followed by replicas, or the application's."""
    name = instance.identifier
    if instance.protected:
        raise Refused(
            f"{name} is protected against deletion.",
            f"Somebody who may takes that off: `aws rds modify-db-instance --region {name_region(world, region)} "
            f"--db-instance-identifier {name} --no-deletion-protection --apply-immediately`.",
        )
    if instance.replicas:
        raise Refused(f"{', '.join(instance.replicas)} follows {name}.", "Promote or delete the replica first.")
    database, _ = database_behind(world)
    if instance.source is not None:
        return  # nobody writes to it, so no application's secret leads there
    present = find_connection(world, database, region).url
    if instance.address and describe_place(present) == describe_place(instance_url(world, instance)):
        raise Refused(f"The application's secret leads to {name}.", "`/dr plan switch_database` takes it elsewhere.")


def look_at(world: World, instance: Instance) -> tuple[int | None, int | None]:
    """Rows and clients; None where it does not answer."""
    settings = database_behind(world)[1]
    try:
        with connect(
            instance_url(world, instance), purpose="observe", connect_timeout_s=5, statement_timeout_s=30
        ) as connection:
            rows = count_rows(connection, settings.loss_tables)
            return (rows.count if rows else None), count_clients(connection)
    except (Refused, Failed):
        return None, None


def delete(context: Context[DeleteInstance]) -> Facts:
    """Asked for once; AWS takes the snapshot first and deletes only after it."""
    rds, name, snapshot = _open(context), context.parameters.instance, _final_name(context)
    instance = rds.find(name)
    if instance is not None and instance.status not in GOING:
        act_once(
            context,
            lambda: delete_instance(rds, name, final_snapshot=snapshot),
            lambda: _has_begun(rds, name, snapshot),
        )
    wait_until_gone(rds, name, watch_for(context))
    if snapshot is None:
        return GONE
    wait_for_snapshot(rds, snapshot, watch_for(context))
    return {"snapshot": snapshot, "words": f"gone; {snapshot} is kept"}


def deleted(context: Context[DeleteInstance]) -> Facts | None:
    rds, name, snapshot = _open(context), context.parameters.instance, _final_name(context)
    look_for(lambda: _has_begun(rds, name, snapshot))
    if snapshot is None:
        return GONE if rds.find(name) is None else None
    found = rds.find_snapshot(snapshot)
    if rds.find(name) is not None or found is None or found.status != "available":
        return None
    return {"snapshot": snapshot, "words": f"gone; {snapshot} is kept"}


def _has_begun(rds: Rds, name: str, snapshot: str | None) -> bool:
    """By the snapshot where there is to be one: it comes first."""
    if snapshot is not None:
        return rds.find_snapshot(snapshot) is not None
    found = rds.find(name)
    return found is None or found.status in GOING


def _open(context: Context[DeleteInstance]) -> Rds:
    return open_region(context.world, context.parameters.region)


def _final_name(context: Context[DeleteInstance]) -> str | None:
    """None of a replica."""
    if context.plan.observed["source"] is not None:
        return None
    return f"{context.parameters.instance}-final-{context.mark}"


ACTION = RdsDeleteInstance()
