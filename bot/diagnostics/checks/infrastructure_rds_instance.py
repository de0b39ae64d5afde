"""Is the RDS instance well, set up as the policy wants it, and does anything wait to be done to it?

(Document: Database Failover, Automated Daily Backups.)
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.diagnostics.rds_states import tell_next, tell_work
from bot.policy import Policy
from bot.store.documents import Suggestion
from bot.systems.aws import AwsRefused, AwsUnclear
from bot.systems.rds import Instance, Maintenance, Rds
from bot.systems.rds_waiting import BAD
from bot.systems.security_groups import list_let_in
from bot.words import show_count, show_duration

CALM = ("available", "backing-up", "storage-optimization")
"""Words of RDS for an instance that works as always."""
STORAGE_FULL = "storage-full"
SOON = timedelta(days=2)
CONNECT_S = 3.0
LONGEST_DAYS = 35  # RDS keeps automated backups no longer
RDS_NAMES = (".rds.amazonaws.com", ".rds.amazonaws.com.cn")


class InfrastructureRdsInstance(PointCheck):
    name = "infrastructure_rds_instance"
    title = "RDS instance"
    scope = "infrastructure"
    permissions = ("rds:DescribeDBInstances", "rds:DescribePendingMaintenanceActions", "ec2:DescribeSecurityGroups")
    timeout_s = 25.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        policy = surroundings.policy
        region, name = policy.infrastructure.regions.primary, policy.infrastructure.rds.instance
        rds = Rds(region)
        instance = rds.find(name)
        if instance is None:
            yield judge_missing(name, region, _database_host(surroundings))
            return
        yield judge_status(instance)
        accepts = _accepts(instance)
        yield judge_answer(instance, accepts)
        if accepts is False:
            yield from _look_at_groups(region, instance)
        yield judge_standby(instance, policy)
        yield judge_backups(instance, policy)
        yield from judge_exposure(instance)
        yield from judge_pending(instance)
        yield judge_maintenance(rds.list_maintenance(instance), surroundings.now())


def judge_missing(name: str, region: str, host: str) -> Point:
    """Critical only where the database is on RDS: elsewhere the policy names what this installation does not have."""
    if host.endswith(RDS_NAMES):
        words = f"There is no RDS instance {name} in {region}, where the database should be."
        return Point("critical", words, signs=("instance ill",), normal="It is available.")
    return Point("unknown", f"There is no RDS instance {name} in {region}, and the database is not known to be on RDS.")


def judge_status(instance: Instance) -> Point:
    words = f"{instance.identifier} ({instance.instance_class}) is {instance.status}"
    if instance.status in BAD:
        sign = "disk full" if instance.status == STORAGE_FULL else "instance ill"
        step = tell_next(instance.status, instance.identifier, instance.storage_gib)
        return Point("critical", f"{words}: {BAD[instance.status]}. {step}".strip(), signs=(sign,),
                     normal="It is available.")  # fmt: skip
    if instance.status in CALM:
        return Point("ok", f"{words}.")
    return Point(
        "warning", f"{words}: {tell_work(instance.status)}.", signs=("instance at work",), normal="It is available."
    )


def judge_answer(instance: Instance, accepts: bool | None) -> Point:
    """Available for RDS and silent for us is what a failover is for; or a security group shuts the bot out."""
    if accepts is None:
        return Point("unknown", f"{instance.identifier} has no address yet.")
    if accepts:
        return Point("ok", "It takes connections at its address.")
    can_fail_over = instance.multi_az and instance.status == "available"
    fail_over = Suggestion(
        action="rds_failover", label="Fail over to the standby", parameters={"instance": instance.identifier}
    )
    return Point(
        "warning", f"It takes no connection at its address within {show_duration(CONNECT_S)} (seen from the bot).",
        (fail_over,) if can_fail_over else (), ("database hangs",), normal="It takes connections.",
    )  # fmt: skip


def _look_at_groups(region: str, instance: Instance) -> Iterator[Point]:
    """Whether its security groups are why it is silent; that they cannot be read says nothing of it."""
    groups = [str(one["VpcSecurityGroupId"]) for one in instance.description.get("VpcSecurityGroups", [])]
    port = instance.address[1] if instance.address else 0
    try:
        let_in = list_let_in(region, groups, port) if groups else []
    except (AwsRefused, AwsUnclear) as trouble:
        yield Point("unknown", f"Whom its security groups let in was not seen: {trouble.reason}")
        return
    yield judge_groups(instance.identifier, groups, port, let_in)


def judge_groups(name: str, groups: list[str], port: int, let_in: list[str]) -> Point:
    """Of an instance that is silent: nobody let in is the cause; otherwise who is, for people to compare."""
    told = f"The security groups of {name} ({', '.join(groups) or 'none'})"
    if let_in:
        return Point("ok", f"{told} let in at port {port}: {', '.join(let_in)}.")
    words = f"{told} let nobody in at port {port}: the application and the bot are shut out. Let the servers in again: "
    words += f"`aws ec2 authorize-security-group-ingress --group-id {groups[0] if groups else '…'} --protocol tcp "
    words += f"--port {port} --source-group …`. CloudTrail (RevokeSecurityGroupIngress, ModifyDBInstance) says who did."
    return Point("critical", words, signs=("shut off",), normal="The servers are let in.")


def judge_standby(instance: Instance, policy: Policy) -> Point:
    if instance.multi_az:
        return Point("ok", "It has a standby in another zone (Multi-AZ).")
    if not policy.infrastructure.rds.multi_az:
        return Point("ok", "It has no standby (Multi-AZ is off), and the policy wants none.")
    if instance.pending.get("MultiAZ"):
        return Point("warning", "It has no standby yet; one is ordered and waits for the maintenance window.")
    enable = Suggestion(
        action="rds_enable_multi_az", label="Give it a standby", parameters={"instance": instance.identifier}
    )
    return Point("warning", "It has no standby (Multi-AZ is off); the policy wants one.", (enable,))


def judge_backups(instance: Instance, policy: Policy) -> Point:
    """How long automated backups are kept, and when they are taken, against the policy's."""
    daily = policy.backups.automated_daily
    seen = f"Automated backups are kept for {instance.retention_days} days and taken at {instance.backup_window} UTC"
    wanted = f"the policy wants {daily.retention.days} days at {daily.window}"
    put_right = Suggestion(
        action="rds_backup_settings", label="Set the backups right",
        parameters={
            "instance": instance.identifier,
            "retention_days": min(LONGEST_DAYS, max(daily.retention.days, instance.retention_days)),
            "window": daily.window,
        },
    )  # fmt: skip
    if instance.retention_days == 0:
        return Point("critical", f"There are no automated backups; {wanted}.", (put_right,), ("backups at risk",))
    if instance.retention_days < daily.retention.days or instance.backup_window != daily.window:
        return Point("warning", f"{seen}; {wanted}.", (put_right,), ("backups at risk",))
    return Point("ok", f"{seen}.")


def judge_exposure(instance: Instance) -> Iterator[Point]:
    """Whether strangers could reach it, and whether one wrong call deletes it."""
    if instance.description.get("PubliclyAccessible"):
        words = "It has a public address (PubliclyAccessible): switch that off, which takes no downtime."
        yield Point("warning", words, signs=("exposed",), normal="It can be reached from inside alone.")
    if not instance.description.get("DeletionProtection"):
        words = "It may be deleted: deletion protection is off."
        yield Point("warning", words, signs=("backups at risk",), normal="Deletion protection is on.")


def judge_pending(instance: Instance) -> Iterator[Point]:
    """Changes that somebody has asked for: any other change that is applied at once takes them along."""
    for name, value in instance.pending.items():
        yield Point("warning", f"A change waits for the maintenance window: {name} becomes {value}.")


def judge_maintenance(waiting: list[Maintenance], now: datetime) -> Point:
    """What AWS does by itself matters when it comes soon, for it may take the instance away for minutes."""
    if not waiting:
        return Point("ok", "No maintenance is announced.")
    first = waiting[0]
    number = show_count(len(waiting), "maintenance action is", "maintenance actions are")
    told = f"{number} announced; the first is {first.action} ({first.description})"
    if first.applies_at is None:
        return Point("ok", f"{told}, with no date yet.")
    away = first.applies_at - now
    when = f"due in {show_duration(away)}" if away > timedelta(0) else "due now"
    return Point("warning" if away <= SOON else "ok", f"{told}, {when}.")


def _accepts(instance: Instance) -> bool | None:
    if instance.address is None:
        return None
    try:
        socket.create_connection(instance.address, timeout=CONNECT_S).close()
    except OSError:
        return False
    return True


def _database_host(surroundings: Surroundings) -> str:
    """Where the database is reached, empty where nothing says so."""
    key = surroundings.policy.infrastructure.rds.database
    settings = surroundings.policy.databases[key]
    known = [surroundings.environment.get(one, "") for one in (settings.recovery_env, settings.connection_env) if one]
    return urlsplit(next(filter(None, known), "")).hostname or ""


CHECK = InfrastructureRdsInstance()
