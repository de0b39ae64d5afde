"""Storage that the RDS instance has left, when it will be full as things go, and its CPU credits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.diagnostics.trends import time_until_empty
from bot.policy import Policy
from bot.store.documents import FindingState, Suggestion
from bot.systems.cloudwatch import Reading, read_series
from bot.systems.rds import Instance, Rds
from bot.words import show_duration, show_size

SPAN, PERIOD_S = timedelta(hours=3), 300
GIB = 1 << 30
SCARCE, VERY_SCARCE = 10, 5
"""Per cent of the storage that is left."""
SOON, VERY_SOON = timedelta(days=3), timedelta(hours=6)
FEW_CREDITS = 10.0
"""A credit is a minute of one whole processor (EC2 User Guide, CPU credits)."""


class InfrastructureRdsStorage(PointCheck):
    name = "infrastructure_rds_storage"
    title = "Storage and CPU credits of the RDS instance"
    scope = "infrastructure"
    permissions = ("rds:DescribeDBInstances", "cloudwatch:GetMetricStatistics")
    timeout_s = 25.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        policy, now = surroundings.policy, surroundings.now()
        region = policy.infrastructure.regions.primary
        instance = Rds(region).observe(policy.infrastructure.rds.instance)

        def read(metric: str) -> list[Reading]:
            return read_series(
                region, instance.identifier, metric, since=now - SPAN, until=now, period_s=PERIOD_S
            )  # fmt: skip

        yield judge_storage(instance, read("FreeStorageSpace"))
        if is_burstable(instance):
            yield judge_credits(instance, read("CPUCreditBalance"), policy)


def is_burstable(instance: Instance) -> bool:
    """Whether it lives on CPU credits: the classes db.t2, db.t3, db.t4g."""
    return instance.instance_class.startswith("db.t")


def judge_storage(instance: Instance, series: list[Reading]) -> Point:
    """By what is left, and by when nothing is; where RDS grows the storage by itself, neither is critical."""
    if not series:
        return Point("unknown", f"CloudWatch has no figure of the storage left on {instance.identifier}.")
    free, until_full = series[-1].value, time_until_empty(series)
    size_bytes = instance.storage_gib * GIB
    words = f"{show_size(int(free))} of {show_size(size_bytes)} storage are left"
    percent = 100 * free / size_bytes if size_bytes else 100.0
    state = _judge(percent, until_full)
    within = show_duration(SPAN)
    words += f"; full in {show_duration(until_full)} as in the last {within}." if until_full is not None else "."
    if instance.largest_storage_gib > instance.storage_gib:
        words += f" RDS lets it grow by itself, to {show_size(instance.largest_storage_gib * GIB)}."
        state = "warning" if state == "critical" else state
    elif state != "ok":
        words += " No recovery action enlarges it: set more in RDS, which takes no downtime."
    return Point(state, words, signs=("storage runs out",), normal=f"More than {SCARCE} % are left.")


def judge_credits(instance: Instance, series: list[Reading], policy: Policy) -> Point:
    """Without credits an instance is slow, or costs more; never critical by itself."""
    if not series:
        return Point("unknown", f"CloudWatch has no figure of the CPU credits of {instance.identifier}.")
    credits, until_spent = series[-1].value, time_until_empty(series)
    words = f"{credits:.0f} CPU credits are left"
    if credits >= FEW_CREDITS and (until_spent is None or until_spent > VERY_SOON):
        return Point("ok", f"{words}.")
    if until_spent:
        words += f", spent in {show_duration(until_spent)} as in the last {show_duration(SPAN)}"
    larger = policy.infrastructure.rds.larger_instance_class
    grow = Suggestion(
        action="rds_change_class", label=f"Move to {larger}",
        parameters={"instance": instance.identifier, "instance_class": larger},
    )  # fmt: skip
    suggests = () if instance.instance_class == larger else (grow,)
    return Point("warning", f"{words}; without them it is slow or costs more.", suggests, ("processor burned",))


def _judge(percent: float, until_full: timedelta | None) -> FindingState:
    if percent < VERY_SCARCE or (until_full is not None and until_full < VERY_SOON):
        return "critical"
    return "warning" if percent < SCARCE or (until_full is not None and until_full < SOON) else "ok"


CHECK = InfrastructureRdsStorage()
