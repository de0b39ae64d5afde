"""Make a read replica an instance of its own, for good. (Document: Read Replica Promotion.)"""

from __future__ import annotations

from pydantic import Field

from bot.outcome import Refused
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.fencing import lift_fence, look_at_door
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
    require_login,
    watch_for,
)
from bot.recovery.replica_source import count_behind, describe_source, find_lag, find_source, is_silent
from bot.recovery.side_plan import list_moved
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.rds import Instance, Rds
from bot.systems.rds_changes import promote
from bot.systems.rds_database import check_write
from bot.systems.rds_waiting import is_ready, wait_for_instance, wait_until_seen
from bot.words import show_duration


class Promote(Parameters):
    instance: InstanceName
    region: RegionChoice = Field(default="primary", title="Region of the replica")
    any_lag: bool = Field(
        default=False, title="However far behind",
        description="Also where its lag is unknown or too long: what it has not received is lost.",
    )  # fmt: skip


class RdsPromoteReplica(Action[Promote]):
    name = "rds_promote_replica"
    purpose = "Promote a read replica to an instance of its own, for good"
    risk = "destructive"
    permissions = (*OBSERVE_PERMISSIONS, "rds:PromoteReadReplica", "cloudwatch:GetMetricStatistics")
    parameters = Promote

    def target(self, parameters: Promote) -> str:
        return parameters.instance

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        if name == "region":
            return [(one, name_region(world, one)) for one in ("primary", "secondary")]
        return list_choices(world, lambda one: one.source is not None) if name == "instance" else None

    def disaster(self, world: World, parameters: Promote) -> str | None:
        return database_behind(world)[1].disaster

    def observe(self, world: World, parameters: Promote) -> Facts:
        """A replica whose lag is not known, or beyond the policy's bound, is not promoted."""
        require_login(world)
        rds = open_region(world, parameters.region)
        instance = rds.observe(parameters.instance)
        if instance.source is None:
            raise Refused(f"{parameters.instance} is no read replica.", "There is nothing to promote.")
        refuse_unready(instance)
        lag_s = find_lag(world, rds, instance, any_lag=parameters.any_lag)
        source = find_source(world, rds, instance.source)
        return {
            **observe_instance(instance),
            "source": instance.source,
            "source_status": source.status if source else "not to be seen from here",
            "source_retention_days": source.retention_days if source else None,
            "source_window": source.backup_window if source else None,
            "lag_s": lag_s,
        }

    def plan(self, world: World, parameters: Promote, observed: Facts, history: History) -> PlanDocument:
        expected = world.policy.infrastructure.rds.promotion_time.at_most
        figure = Prediction(seconds=expected.total_seconds(), source="the policy's figure, at most")
        lag_s, days = _read_lag(observed), find_retention(world, observed)
        behind = "an unknown time" if lag_s is None else show_duration(lag_s)
        return self.document(
            parameters,
            observed,
            environment=environment_of(world),
            title=f"Promote {parameters.instance}",
            loss=Loss(
                seconds=lag_s,
                rows=count_behind(world, parameters.instance, parameters.region, str(observed["source"])),
                words=f"what the replica has not received: {behind} by CloudWatch's last figure",
            ),
            downtime=Prediction(seconds=0, source="of the replica's readers only, for its reboot"),
            duration=history.duration or figure,
            way_back=(
                "None: a promoted replica never follows its source again. The source goes on unchanged; a new replica "
                "of it can be made."
            ),
            confirm=parameters.instance,
            notes=[
                f"{observed['source']} is {observed['source_status']} and is not stopped by this.",
                "Shut it with `/dr plan fence_database` as soon as this is done, before anybody writes to the new one.",
                f"Backups are kept for {days} days from then on.",
                "The application stays where it is; `/dr plan switch_database` takes it there.",
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """Lag moves all the time; that it is within the bound is looked at again."""
        return list_moved(planned, now, ("resource_id", "status", "source", "source_status", "endpoint"))

    def steps(self) -> list[Step[Promote]]:
        return [
            Step("lag", "Look at the lag once more", look_at_lag, phase="validation"),
            Step("promote", "Promote and wait until it is on its own", make_primary, promoted, cancellable=False),
            Step("open", "See that it lets clients in, also where its source was shut", let_in, cancellable=False),
        ]

    def verify(self, context: Context[Promote]) -> Evidence:
        return measure(context)

    def clean_up(self, context: Context[Promote]) -> str:
        instance = _open(context).find(context.parameters.instance)
        if instance is None:
            return f"{context.parameters.instance} is not there any more."
        if instance.source is None:
            return f"{instance.identifier} is an instance of its own now, and {instance.status}."
        return f"{instance.identifier} still follows {instance.source}; it is {instance.status}."


def _read_lag(observed: Facts) -> float | None:
    lag_s = observed["lag_s"]
    return None if lag_s is None else float(str(lag_s))


def _open(context: Context[Promote]) -> Rds:
    return open_region(context.world, context.parameters.region)


def find_retention(world: World, observed: Facts) -> int:
    """Days: as its source keeps them, where that has any, else as the policy says."""
    return int(str(observed["source_retention_days"] or 0)) or world.policy.backups.automated_daily.retention.days


def look_at_lag(context: Context[Promote]) -> Facts:
    rds = _open(context)
    instance = rds.observe(context.parameters.instance)
    if instance.source is None:
        return {"lag_s": context.plan.observed["lag_s"], "words": "it is an instance of its own already"}
    lag_s = find_lag(context.world, rds, instance, any_lag=context.parameters.any_lag)
    _await_fence(context, instance)
    return {"lag_s": lag_s, "words": "unknown, as accepted" if lag_s is None else f"{show_duration(lag_s)} behind"}


def _await_fence(context: Context[Promote], replica: Instance) -> None:
    """A source that was shut writes nothing any more: once its shut door has arrived, so has everything before it."""
    world, name = context.world, database_behind(context.world)[0]
    source = find_source(world, _open(context), str(replica.source))
    if source is None or source.address is None:
        return
    door = look_at_door(world, name, instance_url(world, source))
    if door is None or door.open:
        return
    url = instance_url(world, replica)

    def has_arrived() -> bool:
        found = look_at_door(world, name, url)
        return found is not None and not found.open

    wait_until_seen("what was written before the source was shut", has_arrived, watch_for(context, cancellable=True))


def let_in(context: Context[Promote]) -> Facts:
    """The door of a source that was shut before came with everything else."""
    name, url = database_behind(context.world)[0], instance_url(context.world, _observe(context))
    door = look_at_door(context.world, name, url)
    if door is None or door.open:
        return {"words": "it does" if door else "its door cannot be asked from here"}
    return lift_fence(context.world, name, url)


def _observe(context: Context[Promote]) -> Instance:
    return _open(context).observe(context.parameters.instance)


def make_primary(context: Context[Promote]) -> Facts:
    """Asked for once; whether it happened shows in the description: a promoted instance has no source."""
    rds, name, observed = _open(context), context.parameters.instance, context.plan.observed
    instance = wait_for_instance(rds, name, watch_for(context))
    window = str(observed["source_window"] or context.world.policy.backups.automated_daily.window)
    days = find_retention(context.world, observed)
    if instance.source is not None:
        act_once(
            context,
            lambda: promote(rds, name, retention_days=days, window=window),
            lambda: _has_begun(rds, name),
        )
    return _facts_of(wait_for_instance(rds, name, watch_for(context), lambda one: is_ready(one) and not one.source))


def promoted(context: Context[Promote]) -> Facts | None:
    rds, name = _open(context), context.parameters.instance
    look_for(lambda: _has_begun(rds, name))
    instance = rds.find(name)
    return _facts_of(instance) if instance and is_ready(instance) and instance.source is None else None


def measure(context: Context[Promote]) -> Evidence:
    """No source is left, the server has left recovery, and it takes a write."""
    world, observed = context.world, context.plan.observed
    rds = _open(context)
    instance, source = rds.observe(context.parameters.instance), find_source(world, rds, str(observed["source"]))
    refusal = check_write(instance_url(world, instance))
    days = find_retention(world, observed)
    verdicts = [
        Verdict(name="Source", expected="none", found=instance.source or "none", good=instance.source is None),
        Verdict(name="Writes", expected="taken", found=refusal or "taken", good=refusal is None),
        Verdict(
            name="Backups",
            expected=f"kept {days} days",
            found=f"kept {instance.retention_days} days",
            good=instance.retention_days == days,
        ),
        Verdict(
            name="Old primary",
            expected="fenced, so that nobody writes to both",
            found=describe_source(world, source),
            good=source is not None and is_silent(world, source),
            unknown=source is None,
        ),
    ]
    measured: Facts = {"lag_s": context.outputs["lag"]["lag_s"]}
    return Evidence(verdicts, measured, f"{instance.identifier} is on its own. `/dr plan switch_database` goes there.")


def _has_begun(rds: Rds, name: str) -> bool:
    instance = rds.observe(name)
    return instance.source is None or not is_ready(instance)


def _facts_of(instance: Instance) -> Facts:
    return {"resource_id": instance.resource_id, "words": f"{instance.identifier} is {instance.status}, on its own"}


ACTION = RdsPromoteReplica()
