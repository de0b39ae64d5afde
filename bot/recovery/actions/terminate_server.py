"""Terminate a stopped server, such as one that was replaced. (Document: Auto-Scaling Group, instance terminated.)"""

from __future__ import annotations

from pydantic import Field

from bot.outcome import Refused
from bot.policy import Policy
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.instances import environment_of
from bot.recovery.replacing import wait
from bot.recovery.side_plan import list_moved
from bot.recovery.touched import touch_instance
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.servers import FROM_TEMPLATE, GOING, MARK, OBSERVE_PERMISSIONS, Server, Servers
from bot.systems.target_health import PERMISSIONS as TARGET_PERMISSIONS
from bot.systems.target_health import find_group, list_targets, short_name

GONE_WITHIN_S = 600.0


class TerminateServer(Parameters):
    instance: str = Field(
        title="Instance", description="Id of a stopped instance.", pattern=r"^i-[0-9a-f]{8,17}$", max_length=19
    )


class TerminateTheServer(Action[TerminateServer]):
    name = "terminate_server"
    purpose = "Terminate a stopped server that was replaced; its disks go with it"
    risk = "destructive"
    permissions = (*OBSERVE_PERMISSIONS, *TARGET_PERMISSIONS, "ec2:TerminateInstances")
    parameters = TerminateServer

    def target(self, parameters: TerminateServer) -> str:
        return parameters.instance

    def touches(self, policy: Policy, parameters: TerminateServer) -> frozenset[str]:
        return touch_instance(policy, parameters.instance)

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        """Stopped servers of the application."""
        if name != "instance":
            return None
        servers = _open(world)
        found = [one for one in servers.list_stopped() if belongs(world, servers, one)]
        return [(one.identifier, f"{one.identifier} ({one.tags.get('Name', one.kind)})") for one in found]

    def observe(self, world: World, parameters: TerminateServer) -> Facts:
        servers = _open(world)
        found = servers.find(parameters.instance)
        if found is None or found.state in GOING:
            raise Refused(
                f"{parameters.instance} is {found.state if found else 'not there'}.", "Nothing is left of it."
            )
        if found.state != "stopped":
            raise Refused(
                f"{parameters.instance} is {found.state}; only a stopped server is terminated.",
                "`/dr plan replace_server` puts another in its place, and stops it.",
            )
        if not belongs(world, servers, found):
            raise Refused(
                f"{parameters.instance} is no server of the policy's applications.",
                "It was not launched from the policy's launch template, and no host of the policy names it.",
            )
        refuse_needed(world, found)
        return {"state": found.state, "kind": found.kind, "name": found.tags.get("Name", "")}

    def plan(self, world: World, parameters: TerminateServer, observed: Facts, history: History) -> PlanDocument:
        named = [key for key, host in world.policy.hosts.items() if host.instance_id == parameters.instance]
        notes = [f"`hosts.{key}` of the policy still names it: change that first." for key in named]
        return self.document(
            parameters,
            observed,
            environment=environment_of(world),
            title=f"Terminate {parameters.instance}",
            loss=Loss(seconds=0, rows=0, words="no rows; its disks, with the logs and sessions on them"),
            downtime=Prediction(seconds=0, source="it is stopped, and in no target group"),
            duration=history.duration or Prediction(seconds=None, source="not measured here yet"),
            way_back="None: a terminated instance cannot be had back. `/dr plan replace_server` launches a new one.",
            confirm=parameters.instance,
            notes=[*notes, "If it may hold evidence, take a snapshot of its disks before."],
        )  # fmt: skip

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, ("state", "kind"))

    def steps(self) -> list[Step[TerminateServer]]:
        return [Step("terminate", "Terminate it, until it is gone", terminate, terminated, cancellable=False)]

    def verify(self, context: Context[TerminateServer]) -> Evidence:
        state = _read_state(context)
        verdict = Verdict(name="Instance", expected="terminated", found=state, good=state == "terminated")
        return Evidence([verdict], {"instance": context.parameters.instance}, f"{context.parameters.instance} is gone.")

    def clean_up(self, context: Context[TerminateServer]) -> str:
        return f"{context.parameters.instance} is {_read_state(context)}."


def belongs(world: World, servers: Servers, server: Server) -> bool:
    """Whether it is a server of an application: named by the policy, launched by a run, or from its template."""
    if server.identifier in {host.instance_id for host in world.policy.hosts.values()} or MARK in server.tags:
        return True
    template = servers.find_template(world.policy.infrastructure.auto_scaling.launch_template)
    return template is not None and server.tags.get(FROM_TEMPLATE) == template.identifier


def refuse_needed(world: World, server: Server) -> None:
    """Raises `Refused` where the auto-scaling group or its load balancer still count on it."""
    region = world.policy.infrastructure.regions.primary
    group = find_group(region, world.policy.infrastructure.auto_scaling.group)
    if group is None:
        return
    if server.identifier in group.instances:
        raise Refused(f"{server.identifier} is a member of {group.name}.", "Detach it first.")
    for arn in group.target_groups:
        if any(target.identifier == server.identifier for target in list_targets(region, arn)):
            raise Refused(f"{server.identifier} is registered with {short_name(arn)}.", "Deregister it first.")


def terminate(context: Context[TerminateServer]) -> Facts:
    """May be asked for again: what is terminated stays so."""
    name = context.parameters.instance
    _open(context.world).terminate(name)
    wait(
        context, f"the end of {name}", GONE_WITHIN_S, lambda: _read_state(context) == "terminated",
        f"{name} is shutting down", to_the_end=True,
    )  # fmt: skip
    return {"words": f"{name} is terminated"}


def terminated(context: Context[TerminateServer]) -> Facts | None:
    is_gone = _read_state(context) == "terminated"
    return {"words": f"{context.parameters.instance} is terminated"} if is_gone else None


def _open(world: World) -> Servers:
    return Servers(world.policy.infrastructure.regions.primary)


def _read_state(context: Context[TerminateServer]) -> str:
    """EC2 forgets a terminated instance after an hour or so."""
    found = _open(context.world).find(context.parameters.instance)
    return found.state if found else "terminated"


ACTION = TerminateTheServer()
