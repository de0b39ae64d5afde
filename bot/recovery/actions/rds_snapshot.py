"""Take a manual snapshot of an RDS instance, and a copy of it in the second region. (Document: Backup Strategy.)"""

from __future__ import annotations

from pydantic import Field

from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.instances import (
    OBSERVE_PERMISSIONS,
    InstanceName,
    environment_of,
    list_choices,
    observe_instance,
    open_rds,
    open_second_rds,
    refuse_unready,
    watch_for,
)
from bot.recovery.side_plan import list_moved
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.rds import Rds, Snapshot
from bot.systems.rds_changes import copy_snapshot, take_snapshot
from bot.systems.rds_waiting import wait_for_snapshot


class TakeSnapshot(Parameters):
    instance: InstanceName
    second_region: bool = Field(
        default=False, title="Copy to the second region", description="So that it survives the loss of the first."
    )


class RdsSnapshot(Action[TakeSnapshot]):
    name = "rds_snapshot"
    purpose = "Take a manual snapshot of an RDS instance, also copied to the second region"
    risk = "low"
    permissions = (
        *OBSERVE_PERMISSIONS,
        "rds:CreateDBSnapshot",
        "rds:CopyDBSnapshot",
        "rds:DescribeDBSnapshots",
        "rds:AddTagsToResource",
    )
    parameters = TakeSnapshot

    def target(self, parameters: TakeSnapshot) -> str:
        return parameters.instance

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        return list_choices(world) if name == "instance" else None

    def observe(self, world: World, parameters: TakeSnapshot) -> Facts:
        instance = open_rds(world).observe(parameters.instance)
        refuse_unready(instance)
        return observe_instance(instance)

    def plan(self, world: World, parameters: TakeSnapshot, observed: Facts, history: History) -> PlanDocument:
        second = world.policy.infrastructure.regions.secondary
        single = "" if observed["multi_az"] else "; on one zone writes may pause for seconds while it begins"
        return self.document(
            parameters,
            observed,
            environment=environment_of(world),
            title=f"Take a snapshot of {parameters.instance}",
            loss=Loss(seconds=0, rows=0, words="nothing"),
            downtime=Prediction(seconds=0, source=f"the database is only read{single}"),
            duration=history.duration or Prediction(seconds=None, source="not measured here yet"),
            way_back="Nothing is changed but for a new snapshot, which can be left or deleted.",
            notes=[f"A copy goes to {second}." if parameters.second_region else f"No copy goes to {second}."],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """A snapshot is of whatever is there; only another instance under the name would surprise."""
        return list_moved(planned, now, ("resource_id",))

    def steps(self) -> list[Step[TakeSnapshot]]:
        return [
            Step("snapshot", "Take the snapshot", take, taken, phase="retrieval", cancellable=False),
            Step(
                "copy", "Copy it to the second region, if asked for", copy, copied, phase="retrieval",
                skipping="a snapshot in the second region",
            ),
        ]  # fmt: skip

    def verify(self, context: Context[TakeSnapshot]) -> Evidence:
        """The snapshots are there and can be restored from."""
        name = name_snapshot(context)
        verdicts = [_judge(open_rds(context.world), name)]
        if context.parameters.second_region:
            verdicts.append(_judge(open_second_rds(context.world), name))
        return Evidence(verdicts, {"snapshot": name}, f"{name} can be restored from.")

    def clean_up(self, context: Context[TakeSnapshot]) -> str:
        """Half a snapshot cannot be had, and a whole one does no harm: they stay."""
        name = name_snapshot(context)
        found = open_rds(context.world).find_snapshot(name)
        if found is None:
            return "No snapshot was begun."
        return f"Snapshot {name} is {found.status} and stays; `/dr retry {context.run_id}` waits for it."


def name_snapshot(context: Context[TakeSnapshot]) -> str:
    """The same after a crash."""
    return f"{context.parameters.instance}-{context.mark}"


def take(context: Context[TakeSnapshot]) -> Facts:
    """AWS cannot stop one that has begun, so it is waited for."""
    rds, name = open_rds(context.world), name_snapshot(context)
    take_snapshot(rds, context.parameters.instance, name, context.mark)
    return _facts_of(wait_for_snapshot(rds, name, watch_for(context)))


def taken(context: Context[TakeSnapshot]) -> Facts | None:
    found = open_rds(context.world).find_snapshot(name_snapshot(context))
    return _facts_of(found) if found and found.status == "available" and found.mark == context.mark else None


def copy(context: Context[TakeSnapshot]) -> Facts:
    """Into the second region, under the same name."""
    if not context.parameters.second_region:
        return {"words": "not asked for"}
    rds, second = open_rds(context.world), open_second_rds(context.world)
    source = wait_for_snapshot(rds, name_snapshot(context), watch_for(context))
    key = context.world.policy.infrastructure.rds.copy_kms_key
    copy_snapshot(source, source_region=rds.region, to=second, kms_key=key, mark=context.mark)
    return _facts_of(wait_for_snapshot(second, source.identifier, watch_for(context)))


def copied(context: Context[TakeSnapshot]) -> Facts | None:
    if not context.parameters.second_region:
        return None
    found = open_second_rds(context.world).find_snapshot(name_snapshot(context))
    return _facts_of(found) if found and found.status == "available" and found.mark == context.mark else None


def _facts_of(snapshot: Snapshot) -> Facts:
    at = f"{snapshot.taken_at:%d %b %H:%M:%S} UTC" if snapshot.taken_at else "an unknown time"
    return {"snapshot": snapshot.identifier, "words": f"{snapshot.identifier}, as of {at}"}


def _judge(rds: Rds, name: str) -> Verdict:
    found = rds.find_snapshot(name)
    status = found.status if found else "not there"
    return Verdict(name=f"Snapshot in {rds.region}", expected="available", found=status, good=status == "available")


ACTION = RdsSnapshot()
