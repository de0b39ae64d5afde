"""Take snapshots of a server's disks before anything is changed there. (Document: Security; not written there.)"""

from __future__ import annotations

from pydantic import Field

from bot.outcome import Failed, Refused
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.instances import act_once, environment_of
from bot.recovery.replacing import Place, find_place, wait
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.isolation import Disk, Isolation
from bot.words import show_count

COPIED_WITHIN_S = 3600.0
EVIDENCE, INCIDENT = "holdfast:evidence", "holdfast:incident"


class SnapshotEvidence(Parameters):
    host: str = Field(title="Host", description="A key of the policy's hosts that are reached by SSM.")


class SnapshotTheEvidence(Action[SnapshotEvidence]):
    name = "snapshot_evidence"
    purpose = "Take snapshots of a server's disks as evidence, before anything is changed there"
    risk = "low"
    permissions = (
        "autoscaling:DescribeAutoScalingGroups", "ec2:CreateSnapshots", "ec2:CreateTags", "ec2:DescribeInstances",
        "ec2:DescribeSnapshots", "ec2:DescribeVolumes",
    )  # fmt: skip
    parameters = SnapshotEvidence

    def target(self, parameters: SnapshotEvidence) -> str:
        return parameters.host

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        return [(key, one.title) for key, one in world.policy.hosts.items() if one.reach == "ssm"]

    def observe(self, world: World, parameters: SnapshotEvidence) -> Facts:
        place = find_place(world, parameters.host)
        volumes = Isolation(place.region).count_volumes(place.old)
        if not volumes:
            raise Refused(f"{place.old} has no volumes in {place.region}.", "Is it still there?")
        return {"instance": place.old, "volumes": volumes}

    def plan(self, world: World, parameters: SnapshotEvidence, observed: Facts, history: History) -> PlanDocument:
        return self.document(
            parameters,
            observed,
            environment=environment_of(world),
            title=f"Snapshots of the disks of {world.policy.hosts[parameters.host].title} as evidence",
            loss=Loss(seconds=0, rows=0, words="no data"),
            downtime=Prediction(seconds=0, source="a snapshot stops nothing"),
            duration=history.duration or Prediction(seconds=None, source="AWS copies for as long as it takes"),
            way_back="None is needed. The snapshots stay until somebody deletes them by hand.",
            confirm=parameters.host,
            notes=[
                f"{show_count(int(str(observed['volumes'])), 'volume')} of {observed['instance']}, at one moment.",
                f"Tagged {EVIDENCE}={parameters.host}, with this run, and with its incident where it has one.",
                "What is only in its memory is not in them.",
                "`/dr plan rds_snapshot` does the same for the database.",
            ],
        )  # fmt: skip

    def steps(self) -> list[Step[SnapshotEvidence]]:
        return [
            Step("take", "Take them, all at one moment", take),
            Step(
                "copy", "Wait until AWS has copied them", copy, skipping="a look at whether the copies were completed"
            ),
        ]

    def verify(self, context: Context[SnapshotEvidence]) -> Evidence:
        found, wanted = _list(context), int(str(context.plan.observed["volumes"]))
        states = ", ".join(f"{one.identifier} of {one.volume} {one.state}" for one in found) or "none"
        good = len(found) >= wanted and all(one.state == "completed" for one in found)
        verdict = Verdict(name="Snapshots", expected=f"{wanted}, completed", found=states, good=good)
        return Evidence([verdict], {"snapshots": [one.identifier for one in found]}, f"Evidence: {states}.")

    def clean_up(self, context: Context[SnapshotEvidence]) -> str:
        """Evidence is not taken away."""
        found = _list(context)
        taken = show_count(len(found), "snapshot was taken, and stays", "snapshots were taken, and stay")
        return f"{taken}." if found else "No snapshot was taken."


def take(context: Context[SnapshotEvidence]) -> Facts:
    """Whether it was done before a crash, or without an answer, is seen by the run's tag."""
    place = _place(context)
    if not _list(context):
        tags = {EVIDENCE: context.parameters.host, "Name": f"evidence-{context.parameters.host}-{context.mark}"}
        if context.incident_id is not None:
            tags[INCIDENT] = str(context.incident_id)  # the number alone: its title may be private
        isolation = Isolation(place.region)
        act_once(context, lambda: isolation.take_snapshots(place.old, context.mark, tags), lambda: bool(_list(context)))
    names = [one.identifier for one in _list(context)]
    return {"snapshots": [*names], "words": f"{', '.join(names)}"}


def copy(context: Context[SnapshotEvidence]) -> Facts:
    def look() -> bool:
        found = _list(context)
        bad = [one.identifier for one in found if one.state == "error"]
        if bad:
            raise Failed(f"AWS could not copy {', '.join(bad)}.", "The others stay.", "Take them again.")
        return bool(found) and all(one.state == "completed" for one in found)

    wait(context, "the snapshots", COPIED_WITHIN_S, look, "AWS copies the disks; their moment is fixed already")
    return {"words": "completed"}


def _place(context: Context[SnapshotEvidence]) -> Place:
    """With the instance that was planned for, even if another is in its place by now."""
    return find_place(context.world, context.parameters.host, str(context.plan.observed["instance"]))


def _list(context: Context[SnapshotEvidence]) -> list[Disk]:
    return Isolation(_place(context).region).list_snapshots(context.mark)


ACTION = SnapshotTheEvidence()
