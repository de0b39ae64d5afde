"""Restart the application on its hosts, each healthy before the next. (Document, Step 4: restart application.)"""

from __future__ import annotations

from bot.recovery.action import Context, Evidence, Facts, History, Step, World
from bot.recovery.application_restart import (
    HEALTHY_WITHIN_S,
    PERMISSIONS,
    ask_starts,
    health_url,
    restart_hosts,
    tell_order,
    was_restarted,
)
from bot.recovery.code_hosts import open_planned
from bot.recovery.on_application import ApplicationAction, OnApplication
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.probe import probe_health
from bot.words import show_duration

GUESS_S = 20.0


class RestartApplication(ApplicationAction[OnApplication]):
    name = "restart_application"
    purpose = "Restart the application, host by host"
    risk = "high"
    permissions = PERMISSIONS
    parameters = OnApplication

    def application(self, world: World, parameters: OnApplication) -> str | None:
        return parameters.application

    def disaster(self, world: World, parameters: OnApplication) -> str | None:
        return next((key for key in ("application_crash",) if key in world.policy.disasters), None)

    def observe(self, world: World, parameters: OnApplication) -> Facts:
        """Which start each host that answers is in now; by that a restart is known from none. One that does not answer
        is no reason to leave the others as they are.
        """
        starts, away = ask_starts(world, parameters.application)
        return {"starts": dict(starts), "left_out": dict(away)}

    def plan(self, world: World, parameters: OnApplication, observed: Facts, history: History) -> PlanDocument:
        hosts, left_out = open_planned(world, observed, "starts"), _left_out(observed)
        without = f", WITHOUT {', '.join(world.policy.hosts[key].title for key in left_out)}" if left_out else ""
        alone = "It is the only host that answers: users wait meanwhile."
        expected = Prediction(seconds=GUESS_S * len(hosts), source="a guess; not measured here yet")
        pause = Prediction(seconds=0, source="the other hosts serve") if len(hosts) > 1 else expected
        return self.document(
            parameters,
            observed,
            title=f"Restart {world.policy.applications[parameters.application].title}{without}",
            loss=Loss(seconds=0, rows=0, words="no data; what users are typing may have to be sent again"),
            downtime=history.downtime or pause,
            duration=history.duration or expected,
            way_back="None is needed: nothing is changed but that it is started again.",
            confirm=parameters.application,
            notes=[
                *(
                    f"LEFT OUT: {world.policy.hosts[key].title} does not answer ({reason}) and is not restarted."
                    for key, reason in left_out.items()
                ),
                tell_order(hosts),
                "The others serve meanwhile." if len(hosts) > 1 else alone,
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """Somebody else's restart since the plan is not in the way of this one."""
        return []

    def steps(self) -> list[Step[OnApplication]]:
        return [
            Step("restart", "Restart it on each host, and wait until it is healthy there", restart, phase="restart")
        ]

    def verify(self, context: Context[OnApplication]) -> Evidence:
        return measure(context)


def restart(context: Context[OnApplication]) -> Facts:
    """Hosts whose start is another than when this run was planned have been restarted, perhaps before a crash."""
    hosts = open_planned(context.world, context.plan.observed, "starts")
    return restart_hosts(context, context.parameters.application, _before(context), hosts=hosts)


def measure(context: Context[OnApplication]) -> Evidence:
    """Another start than before on every host, health through the address that users have, and the longest gap."""
    hosts = open_planned(context.world, context.plan.observed, "starts")
    again = [host for host in hosts if was_restarted(host, _before(context))]
    application = context.world.policy.applications[context.parameters.application]
    url = health_url(application)
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
        *(
            Verdict(
                name=context.world.policy.hosts[key].title,
                expected="started again",
                found="unknown: it was left out, since it did not answer",
                good=False,
                unknown=True,
            )
            for key in _left_out(context.plan.observed)
        ),
        Verdict(name="Application", expected="healthy", found="healthy" if healthy else f"not at {url}", good=healthy),
    ]
    return Evidence(verdicts, {"downtime": seen, "downtime_s": gap_s}, f"{application.title} was restarted.")


def _left_out(observed: Facts) -> dict[str, str]:
    """Hosts that did not answer, and why not."""
    found = observed.get("left_out")
    return {key: str(reason) for key, reason in found.items()} if isinstance(found, dict) else {}


def _before(context: Context[OnApplication]) -> dict[str, str]:
    starts = context.plan.observed["starts"]
    return {key: str(start) for key, start in starts.items()} if isinstance(starts, dict) else {}


ACTION = RestartApplication()
