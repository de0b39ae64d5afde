"""Copy the newest snapshot of an RDS instance into the second region. (Document: cross-region backups.)"""

from __future__ import annotations

from pydantic import Field

from bot.outcome import Refused
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.instances import InstanceName, environment_of, list_choices, open_rds, open_second_rds, watch_for
from bot.recovery.side_plan import list_moved
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.rds import Rds, Snapshot
from bot.systems.rds_changes import copy_snapshot
from bot.systems.rds_waiting import wait_for_snapshot
from bot.words import show_duration

LISTED = 50


class CopySnapshot(Parameters):
    instance: InstanceName
    snapshot: str | None = Field(
        default=None, title="Snapshot", description="The newest where none is named, manual or automated.",
        pattern=r"^(rds:)?[A-Za-z][A-Za-z0-9-]{0,254}$",
    )  # fmt: skip


class RdsCopySnapshot(Action[CopySnapshot]):
    name = "rds_copy_snapshot"
    purpose = "Copy the newest snapshot of an RDS instance into the second region"
    risk = "low"
    permissions = ("rds:DescribeDBInstances", "rds:DescribeDBSnapshots", "rds:CopyDBSnapshot", "rds:AddTagsToResource")
    parameters = CopySnapshot

    def target(self, parameters: CopySnapshot) -> str:
        return parameters.instance

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        if name == "snapshot":
            instance = str(given.get("instance") or world.policy.infrastructure.rds.instance)
            return [(one.identifier, one.identifier) for one in open_rds(world).list_snapshots(instance)[:LISTED]]
        return list_choices(world) if name == "instance" else None

    def observe(self, world: World, parameters: CopySnapshot) -> Facts:
        """The snapshot; that there is a copy of it is none of it, since a run that is retried may have begun that."""
        snapshot = find_source(open_rds(world), parameters)
        name = name_copy(snapshot)
        taken_at = snapshot.taken_at.isoformat() if snapshot.taken_at else None
        return {"snapshot": snapshot.identifier, "snapshot_taken_at": taken_at, "copy": name}

    def plan(self, world: World, parameters: CopySnapshot, observed: Facts, history: History) -> PlanDocument:
        """Raises `Refused` where there is a copy of it already."""
        snapshot = find_source(open_rds(world), parameters)
        refuse_copied(open_second_rds(world), name_copy(snapshot))
        assert snapshot.taken_at is not None  # `find_source` takes no others
        second = world.policy.infrastructure.regions.secondary
        return self.document(
            parameters,
            observed,
            environment=environment_of(world),
            title=f"Copy {snapshot.identifier} to {second}",
            loss=Loss(seconds=0, rows=0, words="nothing"),
            downtime=Prediction(seconds=0, source="a snapshot is read, the database is not touched"),
            duration=history.duration or Prediction(seconds=None, source="not measured here yet"),
            way_back="Nothing is changed but for a new copy, which can be left or deleted.",
            notes=[
                f"It holds the state of {snapshot.taken_at:%d %b %H:%M:%S} UTC: nothing newer comes back from it.",
                f"That is {show_duration(world.now() - snapshot.taken_at)} ago.",
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, ("snapshot", "snapshot_taken_at"))

    def steps(self) -> list[Step[CopySnapshot]]:
        return [Step("copy", "Copy it, and wait until it can be restored from", copy, copied, cancellable=False)]

    def verify(self, context: Context[CopySnapshot]) -> Evidence:
        name, second = str(context.plan.observed["copy"]), open_second_rds(context.world)
        found = second.find_snapshot(name)
        status = found.status if found else "not there"
        taken_at = found.taken_at.isoformat() if found and found.taken_at else "unknown"
        planned = str(context.plan.observed["snapshot_taken_at"])
        verdicts = [
            Verdict(name=f"Copy in {second.region}", expected="available", found=status, good=status == "available"),
            Verdict(name="State", expected=f"as of {planned}", found=f"as of {taken_at}", good=taken_at == planned),
        ]
        return Evidence(verdicts, {"snapshot": name}, f"{name} can be restored with `/dr plan rds_restore_copy`.")

    def clean_up(self, context: Context[CopySnapshot]) -> str:
        """Half a copy cannot be had, and a whole one does no harm: it stays."""
        name = str(context.plan.observed["copy"])
        found = open_second_rds(context.world).find_snapshot(name)
        if found is None:
            return "No copy was begun."
        return f"{name} is {found.status} and stays; `/dr retry {context.run_id}` waits for it."


def find_source(rds: Rds, parameters: CopySnapshot) -> Snapshot:
    """Raises `Refused` where there is none that can be copied."""
    usable = rds.list_snapshots(parameters.instance)
    chosen = next((one for one in usable if parameters.snapshot in (None, one.identifier)), None)
    if chosen is None:
        named = parameters.snapshot or "any snapshot"
        raise Refused(
            f"{named} of {parameters.instance} cannot be copied: it is not there, or not complete.",
            "`/dr plan rds_snapshot` takes one.",
        )
    return chosen


def refuse_copied(second: Rds, name: str) -> None:
    found = second.find_snapshot(name)
    if found is not None:
        raise Refused(f"{name} is in {second.region} already; it is {found.status}.", "Take a new snapshot first.")


def name_copy(snapshot: Snapshot) -> str:
    """Automated ones are called rds:…, which no copy may be."""
    return f"copy-{snapshot.identifier.removeprefix('rds:')}"


def copy(context: Context[CopySnapshot]) -> Facts:
    """Begun once; AWS cannot stop one that has begun, so it is waited for."""
    rds, second, name = open_rds(context.world), open_second_rds(context.world), str(context.plan.observed["copy"])
    source = rds.find_snapshot(str(context.plan.observed["snapshot"]))
    if source is None:
        raise Refused("The snapshot is not there any more.", "Ask for a new plan.")
    key = context.world.policy.infrastructure.rds.copy_kms_key
    copy_snapshot(source, source_region=rds.region, to=second, kms_key=key, mark=context.mark, name=name)
    return _facts_of(wait_for_snapshot(second, name, watch_for(context)))


def copied(context: Context[CopySnapshot]) -> Facts | None:
    found = open_second_rds(context.world).find_snapshot(str(context.plan.observed["copy"]))
    return _facts_of(found) if found and found.status == "available" and found.mark == context.mark else None


def _facts_of(snapshot: Snapshot) -> Facts:
    return {"snapshot": snapshot.identifier, "words": f"{snapshot.identifier} is {snapshot.status}"}


ACTION = RdsCopySnapshot()
