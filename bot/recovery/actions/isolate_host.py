"""Shut a server off the network without switching it off, so that nothing in it is lost. (Document: Security.)

It is taken from its auto-scaling group, which would end what it thinks is ill, and from its load balancer; then its
security groups give way to the policy's isolation group.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from bot.outcome import Refused
from bot.recovery.action import Action, Context, Evidence, Facts, History, Needless, Parameters, Step, World
from bot.recovery.instances import act_once, environment_of
from bot.recovery.replacing import HEALTHY, Place, find_place
from bot.recovery.side_plan import list_moved
from bot.store.documents import Loss, PlanDocument, Prediction, Suggestion, Verdict
from bot.systems import membership
from bot.systems.isolation import Isolation, Wall
from bot.systems.target_health import PERMISSIONS as TARGET_PERMISSIONS
from bot.systems.target_health import short_name
from bot.words import show_count

GUESS_S = 10.0
KEPT_OUT = "not its place in the auto-scaling group and behind the load balancer"
SecurityGroup = Annotated[str, StringConstraints(pattern=r"^sg-[0-9a-f]{8,17}$")]


class IsolateHost(Parameters):
    host: str = Field(title="Host", description="A key of the policy's hosts that are reached by SSM.")
    groups: list[SecurityGroup] | None = Field(
        default=None, title="Or give it these security groups back", description="Ids, such as sg-0123456789abcdef0."
    )


class IsolateTheHost(Action[IsolateHost]):
    name = "isolate_host"
    purpose = "Shut a server off the network by its security groups, without switching it off"
    risk = "destructive"
    permissions = (
        *TARGET_PERMISSIONS, *membership.PERMISSIONS, "ec2:DescribeInstances", "ec2:DescribeSecurityGroups",
        "ec2:ModifyInstanceAttribute",
    )  # fmt: skip
    parameters = IsolateHost

    def target(self, parameters: IsolateHost) -> str:
        return parameters.host

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        if name != "host":
            return None
        return [(key, one.title) for key, one in world.policy.hosts.items() if one.reach == "ssm"]

    def observe(self, world: World, parameters: IsolateHost) -> Facts:
        """What it is in now, and what it is to get. Raises `Refused` where that would not shut it off."""
        place = find_place(world, parameters.host)
        isolation, wall = Isolation(place.region), find_wall(world, place)
        wires = isolation.read_wires(place.old)
        if wires.interfaces > 1:
            raise Refused(f"{place.old} has {wires.interfaces} network interfaces.", "Isolate each of them by hand.")
        if wall.network != wires.network:
            raise Refused(
                f"{wall.identifier} is in {wall.network}, and {place.old} in {wires.network}.",
                "Name one of its network.",
            )
        wanted = parameters.groups or [wall.identifier]
        if sorted(wanted) == list(wires.groups):
            raise Needless(f"{place.old} has exactly {', '.join(wanted)} already.", "There is nothing to do.")
        states = place.list_states()
        return {
            "instance": place.old,
            "groups": list(wires.groups),
            "wanted": [*sorted(wanted)],
            "ways_in": wall.ways_in,
            "reaches_ssm": wall.reaches_ssm,
            "member": place.is_member,
            "group": place.group.name,
            "registered": [arn for arn, targets in sorted(states.items()) if place.old in targets],
            "healthy_without": {arn: _count_without(place, targets) for arn, targets in states.items()},
            "fewest": place.fewest,
        }

    def plan(self, world: World, parameters: IsolateHost, observed: Facts, history: History) -> PlanDocument:
        title, groups = world.policy.hosts[parameters.host].title, ", ".join(_texts(observed["groups"]))
        back = parameters.groups is not None
        return self.document(
            parameters,
            observed,
            environment=environment_of(world),
            title=f"Give {title} its security groups back" if back else f"Isolate {title}",
            loss=Loss(seconds=0, rows=0, words="no rows; what its users are doing has to be done again elsewhere"),
            downtime=Prediction(seconds=None if _too_few(observed) and not back else 0, source=_tell_left(observed)),
            duration=history.duration or Prediction(seconds=GUESS_S, source="a guess"),
            way_back=f"`/dr undo` gives it {groups} back, {KEPT_OUT}.",
            confirm=parameters.host,
            notes=_list_notes(parameters, observed),
        )  # fmt: skip

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, ("instance", "groups", "wanted"))

    def steps(self) -> list[Step[IsolateHost]]:
        return [
            Step("leave", "Take it from its auto-scaling group and load balancer", leave),
            Step("shut", "Replace its security groups", shut, is_shut, cancellable=False),
        ]

    def verify(self, context: Context[IsolateHost]) -> Evidence:
        return measure(context)

    def clean_up(self, context: Context[IsolateHost]) -> str:
        place = _place(context)
        groups = Isolation(place.region).read_wires(place.old).groups
        member = "a member" if place.is_member else "no member"
        found = place.list_states().items()
        sent = [short_name(arn) for arn, states in found if states.get(place.old, "draining") != "draining"]
        users = f"registered with {', '.join(sent)}" if sent else "registered with no load balancer"
        return f"{place.old} has {', '.join(groups)}, is {member} of {place.group.name}, and is {users}."

    def undo(self, parameters: IsolateHost, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        given = {"host": parameters.host, "groups": plan.observed["groups"]}
        return Suggestion(action=self.name, label="Give its groups back", parameters=given)


def find_wall(world: World, place: Place) -> Wall:
    """The policy's isolation group. Raises `Refused` where there is none, or it lets anybody in."""
    name = world.policy.infrastructure.isolation_group
    if name is None:
        raise Refused(
            "The policy names no isolation group.", "Make a security group without rules, and name it there: "
            "`infrastructure.isolation_group`.",
        )  # fmt: skip
    wall = Isolation(place.region).read_wall(name)
    if wall.ways_in:
        raise Refused(
            f"{name} ({wall.name}) lets somebody in: it has {show_count(wall.ways_in, 'rule')} for that.",
            "Take them out.",
        )
    return wall


def leave(context: Context[IsolateHost]) -> Facts:
    """Detached, it is replaced by the group: users get another server, and this one is not ended."""
    if context.parameters.groups is not None:
        return {"words": "it stays out of them"}
    place, done = _place(context), list[str]()
    if place.is_member:
        act_once(
            context,
            lambda: membership.detach(place.region, place.group.name, place.old, replaced=True),
            lambda: not _place(context).is_member,
        )
        done.append(place.group.name)
    for arn, targets in place.list_states().items():
        if targets.get(place.old, "draining") != "draining":
            membership.deregister(place.region, arn, place.old)
            done.append(short_name(arn))
    return {"words": f"it has left {', '.join(done)}" if done else "it was in none of them"}


def shut(context: Context[IsolateHost]) -> Facts:
    place, wanted = _place(context), _texts(context.plan.observed["wanted"])
    isolation = Isolation(place.region)
    if list(isolation.read_wires(place.old).groups) != wanted:
        act_once(
            context,
            lambda: isolation.replace_groups(place.old, wanted),
            lambda: list(isolation.read_wires(place.old).groups) == wanted,
        )
    return {"groups": [*wanted], "words": f"it has {', '.join(wanted)}"}


def is_shut(context: Context[IsolateHost]) -> Facts | None:
    place, wanted = _place(context), _texts(context.plan.observed["wanted"])
    has = list(Isolation(place.region).read_wires(place.old).groups)
    return {"groups": [*wanted], "words": f"it has {', '.join(wanted)}"} if has == wanted else None


def measure(context: Context[IsolateHost]) -> Evidence:
    """Its groups, and who serves users without it."""
    place, wanted = _place(context), _texts(context.plan.observed["wanted"])
    groups = list(Isolation(place.region).read_wires(place.old).groups)
    verdicts = [
        Verdict(name="Security groups", expected=", ".join(wanted), found=", ".join(groups), good=groups == wanted)
    ]
    if context.parameters.groups is None:
        for arn, targets in place.list_states().items():
            state, left = targets.get(place.old, "not registered"), _count_without(place, targets)
            gone = state in ("not registered", "draining")
            verdicts.append(Verdict(name=short_name(arn), expected="not registered", found=state, good=gone))
            verdicts.append(
                Verdict(
                    name=f"Healthy in {short_name(arn)}", expected=f"at least {place.fewest}", found=str(left),
                    good=left >= place.fewest,
                )
            )  # fmt: skip
    back = f"{place.old} is reached again, and gets no users: it was given its groups, {KEPT_OUT}."
    words = f"`/dr undo {context.run_id}` gives it the groups that it had, {KEPT_OUT}."
    return Evidence(verdicts, {"instance": place.old}, words if context.parameters.groups is None else back)


def _list_notes(parameters: IsolateHost, observed: Facts) -> list[str]:
    groups, wanted = (", ".join(_texts(observed[name])) for name in ("groups", "wanted"))
    notes = [f"{observed['instance']}: security groups {groups} become {wanted}."]
    if parameters.groups is not None:
        return [*notes, "Is it clean? Whoever was in there before is let in again.", *_tell_not_given(observed)]
    reached = "lets it reach SSM: it can still be looked at" if observed["reaches_ssm"] else (
        "lets nothing out: the bot cannot reach it by SSM any more, nor can `/dr diagnose`"
    )  # fmt: skip
    member = ["It leaves its auto-scaling group, which launches another in its place."] if observed["member"] else []
    return [
        *notes, f"The isolation group {reached}.", *member, f"Without it: {_tell_left(observed)}.",
        "Connections that are open now may stay so until they are idle: AWS tracks them.",
        "Take snapshots before: `/dr plan snapshot_evidence`.",
    ]  # fmt: skip


def _tell_not_given(observed: Facts) -> list[str]:
    """What the way back leaves to people: by now another server is in its place, and users come with it."""
    if observed["member"] and observed["registered"]:
        return []
    group, instance = observed["group"], observed["instance"]
    attach = f"aws autoscaling attach-instances --instance-ids {instance} --auto-scaling-group-name {group}"
    told = f"Not given back: its place in {group} and behind the load balancer. Another server is there by now."
    return [f"{told} If it is to serve again: `{attach}`, which registers it, too."]


def _tell_left(observed: Facts) -> str:
    left = observed["healthy_without"]
    assert isinstance(left, dict)
    told = ", ".join(f"{count} healthy in {short_name(arn)}" for arn, count in left.items())
    return f"{told}; there have to be {observed['fewest']}{', which are too few' if _too_few(observed) else ''}"


def _too_few(observed: Facts) -> bool:
    left = observed["healthy_without"]
    return isinstance(left, dict) and any(int(str(one)) < int(str(observed["fewest"])) for one in left.values())


def _count_without(place: Place, targets: dict[str, str]) -> int:
    return sum(1 for name, state in targets.items() if state == HEALTHY and name != place.old)


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _place(context: Context[IsolateHost]) -> Place:
    """With the instance that was planned for: should it stop meanwhile, the one in its place is not meant."""
    return find_place(context.world, context.parameters.host, str(context.plan.observed["instance"]))


ACTION = IsolateTheHost()
