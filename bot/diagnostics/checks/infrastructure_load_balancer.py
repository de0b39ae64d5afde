"""How many servers are healthy for the load balancer, against the fewest that the group may have?

(Document: Auto-Scaling Group, Manual Failover.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.policy import Host
from bot.policy.infrastructure import AutoScaling
from bot.store.documents import Suggestion
from bot.systems.target_health import PERMISSIONS, Group, Target, find_group, list_targets, short_name

HEALTHY, PASSING = "healthy", ("initial", "draining")
"""States of a target; those that pass are how servers come and go."""
SHOWN = 10
NORMAL = "All are healthy."
MEANINGS = {
    "Target.Timeout": "its application hangs, the machine is gone, or a security group keeps the load balancer out",
    "Target.FailedHealthChecks": "nothing answers at its port, so its application is not running there",
    "Target.ResponseCodeMismatch": "its application answers, but not with what the health check wants",
    "Target.InvalidState": "the machine does not run",
    "Target.NotInUse": "no listener leads to its target group, or its zone is not one of the load balancer's",
    "Elb.InternalError": "the load balancer itself is at fault",
}
"""Of the load balancer's reasons (ELB API reference, TargetHealth)."""


class InfrastructureLoadBalancer(PointCheck):
    name = "infrastructure_load_balancer"
    title = "Servers behind the load balancer"
    scope = "infrastructure"
    permissions = PERMISSIONS
    timeout_s = 25.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        places = surroundings.policy.infrastructure
        region, wanted = places.regions.primary, places.auto_scaling
        group = find_group(region, wanted.group)
        if group is None:
            yield Point("unknown", f"There is no auto-scaling group {wanted.group} in {region}.")
            return
        yield judge_sizes(group, wanted)
        if not group.target_groups:
            yield Point("unknown", f"{group.name} puts its servers into no target group of a load balancer.")
        fewest = max(group.min_size, wanted.min_size)
        for arn in group.target_groups:
            targets = list_targets(region, arn)
            helps = suggest(targets, surroundings.policy.hosts, surroundings.settings.application)
            yield judge_targets(short_name(arn), targets, fewest, helps)
            yield from find_left_out(short_name(arn), group, targets)
            yield from describe_ill(targets)


def judge_sizes(group: Group, wanted: AutoScaling) -> Point:
    """As the policy has them; otherwise fewer servers may be kept than it promises."""
    seen = (group.min_size, group.desired_capacity, group.max_size)
    right = (wanted.min_size, wanted.desired_capacity, wanted.max_size)
    words = f"{group.name} keeps {seen[0]} to {seen[2]} servers, {seen[1]} at present"
    if seen[0] >= right[0] and seen[2] >= right[2]:
        return Point("ok", f"{words}.")
    return Point("warning", f"{words}; the policy wants {right[0]} to {right[2]}, {right[1]} as a rule.",
                 signs=("group set otherwise",))  # fmt: skip


def judge_targets(name: str, targets: Sequence[Target], fewest: int, helps: Sequence[Suggestion] = ()) -> Point:
    """Too few healthy ones is critical; an ill one among enough is a warning, one that comes or goes is everyday."""
    healthy = sum(1 for one in targets if one.state == HEALTHY)
    words = f"{name}: {healthy} of {len(targets)} servers are healthy; {fewest} are needed."
    if healthy == 0:
        return Point("critical", words, tuple(helps), ("no healthy server",), normal=NORMAL)
    if healthy < fewest:
        return Point("critical", words, tuple(helps), ("few healthy servers",), normal=NORMAL)
    if list_ill(targets):
        return Point("warning", words, tuple(helps), ("few healthy servers",), normal=NORMAL)
    return Point("ok", words)


def find_left_out(name: str, group: Group, targets: Sequence[Target]) -> Iterator[Point]:
    """Servers of the group that the load balancer does not know: they work, and nobody is sent there."""
    left_out = [one for one in group.instances if one not in {target.identifier for target in targets}]
    if left_out:
        words = f"Not registered with {name}, though in {group.name}: {', '.join(left_out[:SHOWN])}."
        yield Point("critical" if not targets else "warning", words, signs=("servers left out",), normal=NORMAL)


def list_ill(targets: Sequence[Target]) -> list[Target]:
    """Those that are not healthy, and neither come nor go."""
    return [one for one in targets if one.state != HEALTHY and one.state not in PASSING]


def suggest(targets: Sequence[Target], hosts: Mapping[str, Host], application: str) -> list[Suggestion]:
    """A restart, and for each ill server that the policy knows one in its place."""
    ill = {one.identifier for one in list_ill(targets)}
    if not ill:
        return []
    replace = [
        Suggestion(action="replace_server", label=f"Replace {host.title}", parameters={"host": key})
        for key, host in hosts.items()
        if host.instance_id in ill
    ]
    label = "Restart the application"
    return [*replace, Suggestion(action="restart_application", label=label, parameters={"application": application})]


def describe_ill(targets: Sequence[Target]) -> Iterator[Point]:
    """Those that are not healthy, with the load balancer's reason; the count has been judged."""
    for one in [target for target in targets if target.state != HEALTHY][:SHOWN]:
        meaning = f"; {MEANINGS[one.code]}" if one.code in MEANINGS else ""
        yield Point("ok", f"{one.identifier} is {one.state}{f': {one.reason}' if one.reason else ''}{meaning}.")


CHECK = InfrastructureLoadBalancer()
