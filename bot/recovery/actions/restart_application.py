"""Restart the application on its hosts, one after another, each healthy before the next. (Document, Step 4: restart.)

`systemctl restart` may succeed and the service crash a second later: done is what answers as healthy.
"""

from __future__ import annotations

import time

from pydantic import Field

from bot.outcome import Cancelled, Failed, Refused
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.instances import look_for
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.hosts.opening import OpenHost, open_hosts
from bot.systems.hosts.ssm import PERMISSIONS
from bot.systems.probe import probe_health
from bot.words import cut, show_duration

COMMAND_S = 60.0
HEALTHY_WITHIN_S = 60.0
LOOK_EVERY_S = 0.5
SAID = 300
GUESS_S = 20.0


class Restart(Parameters):
    application: str = Field(title="Application", description="A key of the policy's applications.")


class RestartApplication(Action[Restart]):
    name = "restart_application"
    purpose = "Restart the application, host by host"
    risk = "high"
    permissions = PERMISSIONS
    parameters = Restart

    def target(self, parameters: Restart) -> str:
        return parameters.application

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        return [(key, one.title) for key, one in world.policy.applications.items()] if name == "application" else None

    def disaster(self, world: World, parameters: Restart) -> str | None:
        return next((key for key in ("application_crash",) if key in world.policy.disasters), None)

    def observe(self, world: World, parameters: Restart) -> Facts:
        """Which start each host is in now; by that a restart is known from none."""
        return {"starts": {host.key: _read_start(host) for host in _open(world, parameters)}}

    def plan(self, world: World, parameters: Restart, observed: Facts, history: History) -> PlanDocument:
        hosts = _open(world, parameters)
        one_by_one = "The others serve meanwhile." if len(hosts) > 1 else "It is the only host: users wait meanwhile."
        expected = Prediction(seconds=GUESS_S * len(hosts), source="a guess; not measured here yet")
        pause = Prediction(seconds=0, source="the other hosts serve") if len(hosts) > 1 else expected
        return PlanDocument(
            action=self.name,
            title=f"Restart {world.policy.applications[parameters.application].title}",
            risk=self.risk,
            target=self.target(parameters),
            parameters=parameters.model_dump(mode="json"),
            observed=observed,
            steps=[step.planned for step in self.steps()],
            loss=Loss(seconds=0, rows=0, words="no data; what users are typing may have to be sent again"),
            downtime=history.downtime or pause,
            duration=history.duration or expected,
            way_back="None is needed: nothing is changed but that it is started again.",
            confirm=parameters.application,
            notes=[
                f"In this order, each healthy before the next: {', '.join(one.host.title for one in hosts)}.",
                one_by_one,
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """Somebody else's restart since the plan is not in the way of this one."""
        return []

    def steps(self) -> list[Step[Restart]]:
        return [
            Step("restart", "Restart it on each host, and wait until it is healthy there", restart, phase="restart")
        ]

    def verify(self, context: Context[Restart]) -> Evidence:
        return measure(context)


def await_sign(context: Context[Restart]) -> Facts | None:
    """A restart that was asked for just before a crash may still be under way: wait for what it leaves.

    What is to be done after that, `restart` sees by itself.
    """
    look_for(lambda: any(_was_restarted(context, host) for host in _open(context.world, context.parameters)))
    return None


def restart(context: Context[Restart]) -> Facts:
    """Hosts whose start is another than when this run was planned have been restarted, perhaps before a crash."""
    restarted, words = list[str](), list[str]()
    with probe_health(_url(context)) as client:
        for host in _open(context.world, context.parameters):
            if context.cancelled():
                raise Cancelled(
                    f"Stopped before {host.host.title}. Restarted until then: {', '.join(restarted) or 'none'}."
                )
            if not _was_restarted(context, host):
                context.progress(f"restarting {host.host.title}")
                _restart_one(context, host)
            _wait_healthy(host)
            restarted.append(host.key)
            words.append(f"{host.host.title} is healthy")
        client.wait_until_good(HEALTHY_WITHIN_S)
        gap_s = client.observe().longest_gap_s
    return {"hosts": list(restarted), "gap_s": gap_s, "words": ", ".join(words)}


def _restart_one(context: Context[Restart], host: OpenHost) -> None:
    output = host.run("restart", COMMAND_S)
    if output.said:
        context.write(f"{host.host.title}: {output.said}\n")
    if not output.good:
        said = cut(context.world.redactor.redact(output.said), SAID) or "it said nothing"
        raise Failed(
            f"{host.host.title} was not restarted: status {output.status}, {said}",
            "The hosts after it were not touched.", "Look at its log with `/dr diagnose application`.",
        )  # fmt: skip


def _wait_healthy(host: OpenHost) -> None:
    deadline = time.monotonic() + HEALTHY_WITHIN_S
    while time.monotonic() < deadline:
        if host.run("is_running", COMMAND_S).good and host.run("is_healthy", COMMAND_S).good:
            return
        time.sleep(LOOK_EVERY_S)
    raise Failed(
        f"{host.host.title} was restarted and is not healthy after {show_duration(HEALTHY_WITHIN_S)}.",
        "The hosts after it were not touched.", "`/dr diagnose application` shows its log.",
    )  # fmt: skip


def measure(context: Context[Restart]) -> Evidence:
    """Another start than before on every host, health through the address that users have, and the longest gap."""
    hosts = _open(context.world, context.parameters)
    again = [host for host in hosts if _was_restarted(context, host)]
    url = _url(context)
    with probe_health(url) as probe:
        healthy = probe.wait_until_good(HEALTHY_WITHIN_S)
    gap_s = float(str(context.outputs["restart"]["gap_s"]))
    seen = f"{show_duration(gap_s)} seen by a client"
    verdicts = [
        Verdict(
            name="Hosts",
            expected=f"{len(hosts)} started again",
            found=f"{len(again)} were",
            good=len(again) == len(hosts),
        ),
        Verdict(name="Application", expected="healthy", found="healthy" if healthy else f"not at {url}", good=healthy),
    ]
    words = f"{context.world.policy.applications[context.parameters.application].title} was restarted."
    return Evidence(verdicts, {"downtime": seen, "downtime_s": gap_s}, words)


def _open(world: World, parameters: Restart) -> list[OpenHost]:
    if parameters.application not in world.policy.applications:
        known = ", ".join(world.policy.applications)
        raise Refused(f"{parameters.application!r} is not an application of the policy: {known}.", "Name one of them.")
    hosts = open_hosts(world.policy, world.environment, parameters.application)
    if not hosts:
        raise Refused("The policy names no host of this application.", "Add it to the policy under `hosts`.")
    return hosts


def _read_start(host: OpenHost) -> str:
    output = host.run("started", COMMAND_S)
    return output.text.strip() if output.good else ""


def _was_restarted(context: Context[Restart], host: OpenHost) -> bool:
    """Whether its service runs, and was started after this was planned."""
    starts = context.plan.observed["starts"]
    before = starts.get(host.key) if isinstance(starts, dict) else None
    return _read_start(host) != before and host.run("is_running", COMMAND_S).good


def _url(context: Context[Restart]) -> str:
    application = context.world.policy.applications[context.parameters.application]
    return f"{str(application.url).rstrip('/')}{application.health_path}"


ACTION = RestartApplication()
