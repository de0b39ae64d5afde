"""Is there a copy of a snapshot in the second region, and how much would a restore of it lose? (Document: SPOF.)"""

from __future__ import annotations

from bot.diagnostics.check import Check, Surroundings
from bot.policy import format_duration
from bot.store.documents import Finding, Suggestion
from bot.systems.aws import AwsRefused, AwsUnclear
from bot.systems.rds import InstanceMissing, Rds
from bot.words import show_duration


class BackupsSecondRegion(Check):
    name = "backups_second_region"
    title = "Copies in the second region"
    scope = "backups"
    permissions = ("rds:DescribeDBInstances", "rds:DescribeDBSnapshots")
    timeout_s = 25.0
    once = True

    def run(self, surroundings: Surroundings) -> Finding:
        rules, regions = surroundings.policy.infrastructure.rds, surroundings.policy.infrastructure.regions
        second = Rds(regions.secondary)
        suggests = [
            Suggestion(action="rds_copy_snapshot", label="Copy one now", parameters={"instance": rules.instance})
        ]
        follower = second.find(rules.read_replica)
        follows = follower is not None and follower.source is not None
        beside = f" {rules.read_replica} follows there, and loses less." if follows else ""
        copies = second.list_snapshots(rules.instance)
        if not copies or copies[0].taken_at is None:
            missing = find_missing(Rds(regions.primary), rules.instance)
            if missing:
                return self.finding("unknown", missing.words)
            words = f"There is no copy of a snapshot of {rules.instance} in {second.region}.{beside}"
            return self.finding(
                "warning" if follows else "critical", words, suggests=suggests, signs=["backups at risk"]
            )
        age = surroundings.now() - copies[0].taken_at
        late = age > rules.copy_at_most
        target = surroundings.policy.rpo[surroundings.policy.databases[rules.database].rpo].target
        words = (
            f"The newest copy in {second.region} is {show_duration(age)} old: so much a restore there would lose."
            f"{beside}{f' One is wanted every {format_duration(rules.copy_at_most)}.' if late else ''}"
        )
        evidence = [f"{one.identifier}, as of {one.taken_at:%Y-%m-%d %H:%M:%S} UTC" for one in copies[:5]]
        told = format_duration(target) if target else "any loss is acceptable"
        return self.finding("warning" if late else "ok", words, [*evidence, f"RPO: {told}"], suggests if late else [])


def find_missing(first: Rds, instance: str) -> InstanceMissing | None:
    """That there is no such instance, as where the database is not on RDS: then no copy is missing.

    A first region that does not answer is no reason: that is when the copies count.
    """
    try:
        return None if first.find(instance) else InstanceMissing(instance, first.region)
    except (AwsRefused, AwsUnclear):
        return None


CHECK = BackupsSecondRegion()
