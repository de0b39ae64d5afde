"""Make a read replica of an RDS instance, in its own region or in the other one. (Document: Read Replicas; the way
home from the second region.)
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, JsonValue

from bot.outcome import Refused
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.instances import (
    InstanceName,
    RegionChoice,
    environment_of,
    name_region,
    open_region,
    refuse_unready,
    watch_for,
)
from bot.recovery.replica_settings import choose_settings
from bot.recovery.restored_instances import (
    RESTORE_PERMISSIONS,
    clean_up,
    find_ready,
    find_restored,
    list_moved_settings,
    put_right,
    refuse_taken,
    wait_until_restored,
    was_put_right,
)
from bot.recovery.restored_proof import judge_settings
from bot.recovery.side_plan import list_moved
from bot.store.documents import Loss, PlanDocument, Prediction, Suggestion, Verdict
from bot.systems.cloudwatch import read_replica_lag
from bot.systems.rds import Instance, Rds
from bot.systems.rds_changes import create_replica
from bot.systems.rds_waiting import is_ready, wait_until_seen
from bot.words import show_duration


class CreateReplica(Parameters):
    source: InstanceName = Field(title="Source", description="The instance that the replica is to follow.")
    source_region: RegionChoice = Field(default="primary", title="Region of the source")
    region: RegionChoice = Field(default="primary", title="Region of the replica")
    new_instance: InstanceName = Field(title="Replica", description="Name of the replica that is made.")


class RdsCreateReplica(Action[CreateReplica]):
    name = "rds_create_replica"
    purpose = "Make a read replica of an RDS instance, also in the other region"
    risk = "low"
    permissions = (
        *RESTORE_PERMISSIONS,
        "cloudwatch:GetMetricStatistics",
        "ec2:DescribeSecurityGroups",
        "kms:CreateGrant",
        "kms:DescribeKey",
        "rds:CreateDBInstanceReadReplica",
        "rds:DescribeDBSubnetGroups",
    )
    parameters = CreateReplica

    def target(self, parameters: CreateReplica) -> str:
        return parameters.new_instance

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        rules = world.policy.infrastructure.rds
        if name in ("region", "source_region"):
            return [(one, name_region(world, one)) for one in ("primary", "secondary")]
        if name == "source":
            found = open_region(world, _read_choice(given, "source_region")).list_instances()
            return [(one.identifier, f"{one.identifier} ({one.status})") for one in found if one.source is None]
        if name == "new_instance":
            return [(one, one) for one in (rules.read_replica, rules.restored_instance)]
        return None

    def disaster(self, world: World, parameters: CreateReplica) -> str | None:
        return next((key for key in ("region_outage",) if key in world.policy.disasters), None)

    def observe(self, world: World, parameters: CreateReplica) -> Facts:
        """The source, and what the replica is to have."""
        source = open_region(world, parameters.source_region).observe(parameters.source)
        refuse_unfit(source)
        chosen = choose_settings(world, source, parameters.source_region, parameters.region)
        settings: JsonValue = chosen[0]
        afterwards: JsonValue = chosen[1]
        across = parameters.source_region != parameters.region
        encrypted = source.description.get("StorageEncrypted", False)
        return {
            "region": parameters.region,
            "resource_id": source.resource_id,
            "source": source.description.get("DBInstanceArn", "") if across else source.identifier,
            "kms_key": world.policy.infrastructure.rds.copy_kms_key if across and encrypted else None,
            "settings": settings,
            "afterwards": afterwards,
        }

    def plan(self, world: World, parameters: CreateReplica, observed: Facts, history: History) -> PlanDocument:
        rds = open_region(world, parameters.region)
        refuse_taken(rds, parameters.new_instance)
        source_region, limit = name_region(world, parameters.source_region), find_limit(world)
        key = observed["kms_key"]
        return self.document(
            parameters,
            observed,
            environment=environment_of(world),
            title=f"Make {parameters.new_instance} in {rds.region}, a replica of {parameters.source}",
            loss=Loss(seconds=0, rows=0, words="nothing"),
            downtime=Prediction(seconds=0, source="the source goes on; where it is single-AZ, its disk pauses briefly"),
            duration=history.duration or Prediction(seconds=None, source="not measured here yet"),
            way_back="The replica can be deleted with `/dr plan rds_delete_instance`; its source is not changed.",
            notes=[
                f"It follows {parameters.source} in {source_region}, in the end at most {show_duration(limit)} behind.",
                "Backups of its own begin with its promotion; until then its source has them.",
                "Its parameter group is in force once it was restarted, which its promotion does.",
                *([f"Its disk is encrypted with {key} of {rds.region}."] if key else []),
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return [*list_moved(planned, now, ("source", "kms_key")), *list_moved_settings(planned, now)]

    def steps(self) -> list[Step[CreateReplica]]:
        return [
            Step("create", "Make the replica, and wait until it is available", create, find_ready),
            Step("settle", "Put right what the call does not take", put_right, was_put_right, cancellable=False),
            Step("follow", "Wait until it has caught up", follow, phase="validation"),
        ]

    def verify(self, context: Context[CreateReplica]) -> Evidence:
        made = find_restored(context)
        instance, wanted = made.rds.observe(made.name), str(context.plan.observed["source"])
        lag_s, limit = read_lag(context, made.rds), show_duration(find_limit(context.world))
        verdicts = [
            Verdict(name="Instance", expected="available", found=instance.status, good=is_ready(instance)),
            judge_settings(made, instance),
            Verdict(name="Source", expected=wanted, found=instance.source or "none", good=instance.source == wanted),
            Verdict(
                name="Lag",
                expected=f"at most {limit}",
                found="unknown" if lag_s is None else show_duration(lag_s),
                good=is_close(context.world, lag_s),
            ),
        ]
        words = (
            f"{made.name} follows {wanted}. `/dr plan rds_promote_replica` makes it an instance of its own, for good."
        )
        return Evidence(verdicts, {"lag_s": lag_s}, words)

    def clean_up(self, context: Context[CreateReplica]) -> str:
        return clean_up(context)

    def undo(self, parameters: CreateReplica, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        return Suggestion(
            action="rds_delete_instance",
            label="Delete the replica",
            parameters={"instance": parameters.new_instance, "region": parameters.region},
        )


def refuse_unfit(source: Instance) -> None:
    """Raises `Refused` for an instance that RDS makes no replica of, or none that could be relied on."""
    refuse_unready(source)
    if source.source is not None:
        raise Refused(
            f"{source.identifier} is a read replica of {source.source} itself.", "Name the instance that it follows."
        )
    if not source.retention_days:
        raise Refused(
            f"{source.identifier} has no automated backups, and RDS makes no replica of such an instance.",
            "`/dr plan rds_backup_settings` switches them on.",
        )


def find_limit(world: World) -> timedelta:
    return world.policy.infrastructure.rds.replica_lag_at_most


def _read_choice(given: Facts, name: str) -> RegionChoice:
    return "secondary" if given.get(name) == "secondary" else "primary"


def create(context: Context[CreateReplica]) -> Facts:
    """Begun once; found again by its name and mark."""
    made, observed = find_restored(context), context.plan.observed
    key = observed["kms_key"]
    source_region = name_region(context.world, context.parameters.source_region)
    create_replica(
        made.rds,
        str(observed["source"]),
        made.name,
        made.settings,
        context.mark,
        source_region=source_region if source_region != made.rds.region else None,
        kms_key=str(key) if key else None,
    )
    return wait_until_restored(context)


def follow(context: Context[CreateReplica]) -> Facts:
    """CloudWatch is a minute or two behind with its first figure."""
    rds, world, watch = find_restored(context).rds, context.world, watch_for(context, cancellable=True)

    def has_caught_up() -> bool:
        lag_s = read_lag(context, rds)
        context.progress("its lag is not known yet" if lag_s is None else f"{show_duration(lag_s)} behind")
        return is_close(world, lag_s)

    wait_until_seen(f"{context.plan.target} to catch up", has_caught_up, watch)
    lag_s = read_lag(context, rds)
    return {"lag_s": lag_s, "words": f"{show_duration(lag_s or 0.0)} behind"}


def read_lag(context: Context[CreateReplica], rds: Rds) -> float | None:
    return read_replica_lag(rds.region, context.plan.target, context.world.now())


def is_close(world: World, lag_s: float | None) -> bool:
    return lag_s is not None and lag_s <= find_limit(world).total_seconds()


ACTION = RdsCreateReplica()
