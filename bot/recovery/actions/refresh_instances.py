"""Replace every server of the auto-scaling group, one after another. (Document: Auto-Scaling Group, Automatic.)"""

from __future__ import annotations

import time

from bot.outcome import Cancelled, Failed, Refused
from bot.policy import Policy
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.instances import environment_of
from bot.recovery.scaling import find_scaling_group, tell_group
from bot.recovery.side_plan import list_moved
from bot.recovery.touched import AUTO_SCALING, touch_scaling_group
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.auto_scaling import REFRESH_PERMISSIONS, Refresh, cancel_refresh, list_refreshes, start_refresh
from bot.systems.aws import AwsRefused, AwsUnclear
from bot.systems.target_health import PERMISSIONS as TARGET_PERMISSIONS
from bot.systems.target_health import list_targets
from bot.words import show_count, show_duration

HEALTHY = "healthy"
GIVES_UP_AFTER_S = 4 * 3600.0
SIGN_WITHIN_S = 15.0
REMEMBERED = "refresh"


class RefreshInstances(Parameters):
    """None: the group is the policy's."""


class RefreshTheInstances(Action[RefreshInstances]):
    name = "refresh_instances"
    purpose = "Replace every server of the auto-scaling group, a healthy new one before each old one goes"
    risk = "high"
    permissions = (*TARGET_PERMISSIONS, *REFRESH_PERMISSIONS, "ec2:RunInstances", "iam:PassRole")
    parameters = RefreshInstances

    def target(self, parameters: RefreshInstances) -> str:
        return AUTO_SCALING

    def touches(self, policy: Policy, parameters: RefreshInstances) -> frozenset[str]:
        return touch_scaling_group(policy)

    def observe(self, world: World, parameters: RefreshInstances) -> Facts:
        region, group = find_scaling_group(world)
        if not group.instances:
            raise Refused(f"{group.name} has no servers.", "`/dr plan verify_auto_scaling` gives it some.")
        going = [one for one in list_refreshes(region, group.name) if one.active]
        if going:
            raise Refused(
                f"A refresh of {group.name} goes on already ({going[0].percent} %).",
                "Wait for it, or cancel it in AWS.",
            )
        return tell_group(group)

    def plan(self, world: World, parameters: RefreshInstances, observed: Facts, history: History) -> PlanDocument:
        _, group = find_scaling_group(world)
        named = [key for key, host in world.policy.hosts.items() if host.instance_id in group.instances]
        stale = f"`hosts.{'`, `hosts.'.join(named)}` of the policy name servers that go: change them afterwards."
        servers = show_count(len(group.instances), "server")
        return self.document(
            parameters,
            observed,
            environment=environment_of(world),
            title=f"Replace all servers of {group.name}",
            loss=Loss(seconds=0, rows=0, words="no rows; what is on the servers' disks goes with them"),
            downtime=Prediction(seconds=0, source="a new server is healthy before an old one goes"),
            duration=history.duration or Prediction(seconds=None, source="not measured here yet"),
            way_back="None: servers that were replaced are gone. A refresh from the older template is the way.",
            notes=[
                f"{servers}, from {group.launch_template} version {group.template_version}.",
                "The template's own start-up has to bring code and environment; nothing is deployed here.",
                *([stale] if named else []),
            ],
        )  # fmt: skip

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, ("launch_template", "template_version", "instances"))

    def steps(self) -> list[Step[RefreshInstances]]:
        return [Step("refresh", "Replace them, until the last one is healthy", refresh, refreshed)]

    def verify(self, context: Context[RefreshInstances]) -> Evidence:
        return measure(context)

    def clean_up(self, context: Context[RefreshInstances]) -> str:
        """A half refreshed group works; what was replaced stays replaced."""
        region, group = find_scaling_group(context.world)
        newest = next(iter(list_refreshes(region, group.name)), None)
        old = [name for name in _old(context) if name in group.instances]
        told = f"The refresh is {newest.status.lower()}" if newest else "No refresh was begun"
        return f"{told}; {len(old)} of {show_count(len(_old(context)), 'server')} are the old ones."


def refresh(context: Context[RefreshInstances]) -> Facts:
    """Started once: an id that was kept, or one that goes on since this run has the group to itself, is waited for."""
    region, group = find_scaling_group(context.world)
    known = context.memory.recall(REMEMBERED) or _find_ours(context, region, group.name)
    if known is None:
        known = _start(context, region, group.name)
    context.memory.keep(REMEMBERED, known)
    found = _follow(context, region, group.name, known)
    return {"refresh": known, "words": f"the refresh is {found.status.lower()}"}


def refreshed(context: Context[RefreshInstances]) -> Facts | None:
    """None of the old ones is left, and no refresh goes on."""
    region, group = find_scaling_group(context.world)
    newest = next(iter(list_refreshes(region, group.name)), None)
    if newest is None or newest.active or set(_old(context)) & set(group.instances):
        return None
    return {"refresh": newest.identifier, "words": f"the refresh is {newest.status.lower()}"}


def measure(context: Context[RefreshInstances]) -> Evidence:
    """Who is in the group, and what the load balancer says of them."""
    region, group = find_scaling_group(context.world)
    left = [name for name in _old(context) if name in group.instances]
    states = {one.identifier: one.state for arn in group.target_groups for one in list_targets(region, arn)}
    healthy = [name for name in group.instances if states.get(name) == HEALTHY]
    fewest = max(group.min_size, context.world.policy.infrastructure.auto_scaling.min_size)
    verdicts = [
        Verdict(name="Servers", expected="all are new", found=f"{len(left)} old", good=not left),
        Verdict(
            name="Load balancer", expected=f"{fewest} healthy", found=f"{len(healthy)} healthy",
            good=len(healthy) >= fewest or not group.target_groups,
        ),
    ]  # fmt: skip
    return Evidence(verdicts, {}, f"{group.name} has {', '.join(group.instances)}.")


def _start(context: Context[RefreshInstances], region: str, group: str) -> str:
    grace = context.world.policy.infrastructure.auto_scaling.health_check_grace
    try:
        return start_refresh(region, group, int(grace.total_seconds()))
    except AwsUnclear:
        deadline = time.monotonic() + SIGN_WITHIN_S
        while time.monotonic() < deadline:
            found = _find_ours(context, region, group)
            if found:
                return found
            time.sleep(_every_s(context))
        raise
    except AwsRefused as refusal:
        found = _find_ours(context, region, group)
        if refusal.code != "InstanceRefreshInProgress" or found is None:
            raise
        return found


def _find_ours(context: Context[RefreshInstances], region: str, group: str) -> str | None:
    """One that goes on: there was none when this was planned, and no other run may touch the group."""
    return next((one.identifier for one in list_refreshes(region, group) if one.active), None)


def _follow(context: Context[RefreshInstances], region: str, group: str, identifier: str) -> Refresh:
    """To its end; where somebody cancels, AWS is told so, and waited for."""
    deadline, told = time.monotonic() + GIVES_UP_AFTER_S, False
    while time.monotonic() < deadline:
        found = _look(region, group, identifier)
        if found is not None and not found.active:
            if found.status == "Successful":
                return found
            if told or context.cancelled():
                raise Cancelled
            raise Failed(
                f"The refresh of {group} is {found.status.lower()}: {found.reason}", "", "See its activity in AWS."
            )
        if context.cancelled() and not told:
            cancel_refresh(region, group)
            told = True
        context.progress(f"{found.percent} % of {group} are new" if found else "AWS does not show the refresh yet")
        time.sleep(_every_s(context))
    raise Failed(f"Waited {show_duration(GIVES_UP_AFTER_S)} for the refresh of {group}.", "It may still go on.")


def _look(region: str, group: str, identifier: str) -> Refresh | None:
    try:
        return next((one for one in list_refreshes(region, group) if one.identifier == identifier), None)
    except AwsUnclear:
        return None


def _old(context: Context[RefreshInstances]) -> list[str]:
    found = context.plan.observed["instances"]
    return [str(name) for name in found] if isinstance(found, list) else []


def _every_s(context: Context[RefreshInstances]) -> float:
    return context.world.policy.infrastructure.auto_scaling.poll_every.total_seconds()


ACTION = RefreshTheInstances()
