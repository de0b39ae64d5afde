"""Launch a server in the place of a failed one, as the load balancer's users notice nothing of it.

(Document: Scenario 2, Application Server Failover, Manual Failover.) The failed one is kept, stopped; its removal is an
action of its own.
"""

from __future__ import annotations

from pydantic import Field

from bot.outcome import Failed, Refused
from bot.policy import Policy
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.environment_file import PERMISSIONS as ENVIRONMENT_PERMISSIONS
from bot.recovery.environment_file import find_wanted
from bot.recovery.releases import Revision, current_of
from bot.recovery.replacing import (
    HEALTHY,
    Place,
    configure,
    enlist,
    enlisted,
    fill,
    find_place,
    halt,
    is_healthy,
    is_out,
    launch,
    launched,
    list_others,
    name_of,
    remove_launched,
    retire,
    retired,
    start,
)
from bot.recovery.side_plan import list_moved
from bot.recovery.touched import AUTO_SCALING, touch_server
from bot.store.documents import Loss, PlanDocument, Prediction, Suggestion, Verdict
from bot.systems.hosts.releases import read_releases
from bot.systems.membership import PERMISSIONS as MEMBER_PERMISSIONS
from bot.systems.probe import probe_health
from bot.systems.servers import GOING, LAUNCH_PERMISSIONS, OBSERVE_PERMISSIONS, REPLACES, Template
from bot.systems.target_health import PERMISSIONS as TARGET_PERMISSIONS
from bot.words import show_count

HEALTHY_WITHIN_S = 60.0
MATTERS = ("old", "template", "revision", "fewest")


class ReplaceServer(Parameters):
    host: str = Field(title="Server", description="A key of the policy's hosts: the one that is to be replaced.")
    revision: Revision | None = Field(
        default=None, title="Code", description="A tag or commit; left out, what the other servers run."
    )


class ReplaceTheServer(Action[ReplaceServer]):
    name = "replace_server"
    purpose = "Launch a new server, deploy to it, and put it in the place of a failed one"
    risk = "high"
    permissions = tuple(
        sorted(
            {
                *OBSERVE_PERMISSIONS, *LAUNCH_PERMISSIONS, *ENVIRONMENT_PERMISSIONS, *MEMBER_PERMISSIONS,
                *TARGET_PERMISSIONS, "ec2:StopInstances", "ec2:TerminateInstances",
            }
        )
    )  # fmt: skip
    parameters = ReplaceServer

    def target(self, parameters: ReplaceServer) -> str:
        return parameters.host

    def touches(self, policy: Policy, parameters: ReplaceServer) -> frozenset[str]:
        return touch_server(policy, parameters.host) | {AUTO_SCALING}

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        if name != "host":
            return None
        return [(key, f"{one.title} ({one.instance_id})") for key, one in world.policy.hosts.items() if one.instance_id]

    def disaster(self, world: World, parameters: ReplaceServer) -> str | None:
        return "server_failure" if "server_failure" in world.policy.disasters else None

    def application(self, world: World, parameters: ReplaceServer) -> str | None:
        return world.policy.hosts[parameters.host].application

    def observe(self, world: World, parameters: ReplaceServer) -> Facts:
        place = find_place(world, parameters.host)
        refuse_full(place)
        wanted = world.policy.infrastructure.auto_scaling
        template = place.servers.find_template(wanted.launch_template)
        if template is None:
            raise Refused(f"There is no launch template {wanted.launch_template} in {place.region}.", "Make one first.")
        find_wanted(world, place.host.host.application)  # refuses secrets that cannot be had
        old = place.servers.find(place.old)
        return {
            "old": place.old,
            "old_state": old.state if old else "terminated",
            "subnet": old.subnet if old and old.state not in GOING else None,
            "is_member": place.is_member,
            "targets": {**{arn: {**states} for arn, states in place.list_states().items()}},
            "fewest": place.fewest,
            "template": {
                "name": template.name,
                "version": template.version,
                "image": template.image,
                "kind": template.kind,
            },
            "revision": find_revision(world, place, parameters),
        }

    def plan(self, world: World, parameters: ReplaceServer, observed: Facts, history: History) -> PlanDocument:
        place, template = find_place(world, parameters.host), read_template(observed)
        phases = world.policy.disasters["server_failure"].phases if self.disaster(world, parameters) else []
        expected = sum(phase.expected.total_seconds() for phase in phases if phase.name != "Detection")
        serve = count_healthy(observed, place.old)
        others = show_count(serve, "other server is", "other servers are")
        pause = "the other servers serve" if serve else "nobody serves until the new server does"
        return PlanDocument(
            action=self.name,
            title=f"Replace {place.host.host.title}",
            risk=self.risk,
            target=self.target(parameters),
            parameters=parameters.model_dump(mode="json"),
            observed=observed,
            steps=[step.planned for step in self.steps()],
            loss=Loss(seconds=0, rows=0, words="no data; the database is not touched"),
            downtime=Prediction(seconds=0 if serve else expected or None, source=pause),
            duration=history.duration or Prediction(seconds=expected or None, source="the document's figures"),
            way_back=f"{place.old} is kept, stopped; started and registered again it is what it was.",
            confirm=parameters.host,
            notes=[
                f"New: {template.kind} of {template.image}, from {template.name} version {template.version}.",
                f"Code: {str(observed['revision'])[:12]}. Environment: from Secrets Manager, as the policy has it.",
                f"Failed: {place.old} is {observed['old_state']}. It goes out only when the new one is healthy there.",
                f"{others} healthy now; there have to be {place.fewest}.",
                f"From then on commands for {place.host.host.title} go to the new one, by its tag {REPLACES}.",
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, MATTERS)

    def steps(self) -> list[Step[ReplaceServer]]:
        return [
            Step("launch", "Launch it, until it runs and can be reached", do_launch, was_launched, phase="launch"),
            Step("deploy", "Deploy the code", do_fill, phase="deployment"),
            Step("configure", "Write its environment from Secrets Manager", do_configure, phase="configuration"),
            Step("start", "Start it, healthy on the host", do_start, phase="database connection"),
            Step(
                "register", "Put it behind the load balancer, healthy there", do_enlist, was_enlisted,
                phase="validation",
            ),
            Step(
                "retire", "Take the failed one out and let it drain", do_retire, was_retired, phase="validation",
                cancellable=False,
            ),
            Step(
                "stop", "Stop the failed one", do_halt, phase="validation", cancellable=False,
                skipping="the stop of the failed server, which gets no requests",
            ),
        ]  # fmt: skip

    def verify(self, context: Context[ReplaceServer]) -> Evidence:
        return measure(context)

    def clean_up(self, context: Context[ReplaceServer]) -> str:
        """What was launched is terminated: nobody knows it but this run, and it costs.

        It stays once the old one has gone out, ill or not, since nothing else is there then; and where it is healthy
        behind the load balancer and the run failed, since it carries users when servers are short.
        """
        place, goes_on = _place(context), f"`/dr retry {context.run_id}` goes on with {context.plan.observed['old']}."
        if "register" in context.outputs and has_left(context, place):
            return f"{place.old} has gone out, so {name_of(context)} stays in its place; {goes_on}"
        if "register" in context.outputs and not context.cancelled() and enlisted(context, place) is not None:
            return f"{name_of(context)} serves and stays; {goes_on}"
        return f"{remove_launched(context, place)} {place.old} was not touched."

    def undo(self, parameters: ReplaceServer, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        return None


def refuse_full(place: Place) -> None:
    """Raises `Refused` where the group has no place for one more; it needs one for a while."""
    if place.is_member and place.group.desired_capacity >= place.group.max_size:
        raise Refused(
            f"{place.group.name} has {show_count(place.group.desired_capacity, 'server')}, the most that it may have.",
            "Raise its largest size for the replacement, or take a server out first.",
        )


def find_revision(world: World, place: Place, parameters: ReplaceServer) -> str:
    """What is to run there. Raises `Refused` where no other server says what they run."""
    if parameters.revision:
        return parameters.revision
    said = list[str]()
    for host in list_others(world, place):
        try:
            name, commit = current_of(read_releases(host))
        except (Refused, Failed) as error:
            said.append(error.reason)
            continue
        if commit or name:
            return str(commit or name)
        said.append(f"{host.host.title} has no release.")
    raise Refused(
        f"No other server says which code it runs. {' '.join(said)}".strip(),
        "Name a tag or commit in `revision`, such as v1.2.0.",
    )


def read_template(observed: Facts) -> Template:
    found = observed["template"]
    assert isinstance(found, dict)
    return Template(str(found["name"]), str(found["version"]), str(found["image"]), str(found["kind"]))


def count_healthy(observed: Facts, without: str) -> int:
    """Servers that are healthy in every target group, without one."""
    groups = observed["targets"]
    assert isinstance(groups, dict)
    counts = [
        sum(1 for name, state in states.items() if state == HEALTHY and name != without)
        for states in groups.values()
        if isinstance(states, dict)
    ]
    return min(counts, default=0)


def has_left(context: Context[ReplaceServer], place: Place) -> bool:
    """Whether the old one was behind the load balancer when this was planned, and is not any more."""
    before, now = context.plan.observed["targets"], place.list_states()
    assert isinstance(before, dict)
    return any(
        isinstance(states, dict) and place.old in states and now.get(arn, {}).get(place.old, "draining") == "draining"
        for arn, states in before.items()
    )


def _place(context: Context[ReplaceServer]) -> Place:
    """With the instance that was planned for: by the end another is in its place."""
    return find_place(context.world, context.parameters.host, str(context.plan.observed["old"]))


def do_launch(context: Context[ReplaceServer]) -> Facts:
    return launch(context, _place(context), read_template(context.plan.observed))


def was_launched(context: Context[ReplaceServer]) -> Facts | None:
    return launched(context, _place(context))


def do_fill(context: Context[ReplaceServer]) -> Facts:
    return fill(context, _place(context), str(context.plan.observed["revision"]))


def do_configure(context: Context[ReplaceServer]) -> Facts:
    return configure(context, _place(context))


def do_start(context: Context[ReplaceServer]) -> Facts:
    return start(context, _place(context))


def do_enlist(context: Context[ReplaceServer]) -> Facts:
    return enlist(context, _place(context))


def was_enlisted(context: Context[ReplaceServer]) -> Facts | None:
    return enlisted(context, _place(context))


def do_retire(context: Context[ReplaceServer]) -> Facts:
    return retire(context, _place(context))


def was_retired(context: Context[ReplaceServer]) -> Facts | None:
    return retired(context, _place(context))


def do_halt(context: Context[ReplaceServer]) -> Facts:
    return halt(context, _place(context))


def measure(context: Context[ReplaceServer]) -> Evidence:
    """The load balancer's word on each server, EC2's on the old one, and health through the address users have."""
    place, name = _place(context), name_of(context)
    states = place.list_states()
    healthy = min((sum(1 for state in found.values() if state == HEALTHY) for found in states.values()), default=0)
    old = place.servers.find(place.old)
    state = old.state if old else "terminated"
    application = context.world.policy.applications[place.host.host.application]
    with probe_health(f"{str(application.url).rstrip('/')}{application.health_path}") as probe:
        answers = probe.wait_until_good(HEALTHY_WITHIN_S)
    good = is_healthy(place, name)
    verdicts = [
        Verdict(name="New server", expected=HEALTHY, found=HEALTHY if good else "not healthy", good=good),
        Verdict(
            name="Load balancer", expected=f"{place.fewest} healthy", found=f"{healthy} healthy",
            good=healthy >= place.fewest,
        ),
        Verdict(
            name="Failed server", expected="out of the load balancer, stopped",
            found=f"{'out' if is_out(place) else 'still in'}, {state}",
            good=is_out(place) and state in ("stopped", *GOING),
        ),
        Verdict(name="Application", expected=HEALTHY, found=HEALTHY if answers else "not healthy", good=answers),
    ]  # fmt: skip
    words = (
        f"{name} is in the place of {place.old}, and commands for {place.host.host.title} go there, by its tag "
        f"{REPLACES}. Put it into the policy as `hosts.{context.parameters.host}.instance_id` when there is time."
    )
    return Evidence(verdicts, {"instance": name, "old_instance": place.old}, words)


ACTION = ReplaceTheServer()
