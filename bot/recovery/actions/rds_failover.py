"""Make the standby of a Multi-AZ instance the primary, at once. (Document: Multi-AZ, Manual Failover.)"""

from __future__ import annotations

from datetime import datetime

from bot.outcome import Failed, Refused
from bot.policy import Policy
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.instances import (
    LOOK_BEFORE_S,
    OBSERVE_PERMISSIONS,
    REMOTE_EVERY_S,
    InstanceName,
    act_once,
    database_behind,
    environment_of,
    instance_url,
    list_choices,
    look_for,
    observe_instance,
    open_rds,
    refuse_unready,
    require_login,
    wait_healthy,
    watch_for,
)
from bot.recovery.side_plan import list_moved
from bot.recovery.touched import touch_database_server
from bot.store.documents import Loss, PlanDocument, Prediction, Suggestion, Verdict
from bot.systems.probe import probe_database
from bot.systems.rds import Event, Rds
from bot.systems.rds_changes import fail_over
from bot.systems.rds_database import check_write
from bot.systems.rds_waiting import is_ready, wait_for_instance, wait_until_seen
from bot.words import show_duration

# What RDS says in events of the category "failover" (RDS User Guide, RDS-EVENT-0013, -0015, -0034, -0049).
BEGAN, ENDED, GAVE_UP = "started", "complete", "abandon"


class FailOver(Parameters):
    instance: InstanceName


class RdsFailover(Action[FailOver]):
    name = "rds_failover"
    purpose = "Fail a Multi-AZ RDS instance over to its standby"
    risk = "high"
    permissions = (*OBSERVE_PERMISSIONS, "rds:DescribeEvents", "rds:RebootDBInstance")
    parameters = FailOver

    def target(self, parameters: FailOver) -> str:
        return parameters.instance

    def touches(self, policy: Policy, parameters: FailOver) -> frozenset[str]:
        return touch_database_server(policy, parameters.instance)

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        return list_choices(world, lambda one: one.multi_az) if name == "instance" else None

    def application(self, world: World, parameters: FailOver) -> str | None:
        return database_behind(world)[1].application

    def disaster(self, world: World, parameters: FailOver) -> str | None:
        return database_behind(world)[1].disaster

    def observe(self, world: World, parameters: FailOver) -> Facts:
        require_login(world)
        instance = open_rds(world).observe(parameters.instance)
        if not instance.multi_az:
            raise Refused(
                f"{parameters.instance} has no standby (Multi-AZ is off), so there is nothing to fail over to.",
                "`/dr plan rds_enable_multi_az` makes one; `/dr plan rds_promote_replica` uses a read replica.",
            )
        refuse_unready(instance)
        return observe_instance(instance)

    def plan(self, world: World, parameters: FailOver, observed: Facts, history: History) -> PlanDocument:
        expected = world.policy.infrastructure.rds.failover_time
        figure = Prediction(seconds=expected.at_most.total_seconds(), source="the policy's figure, at most")
        return self.document(
            parameters,
            observed,
            environment=environment_of(world),
            title=f"Fail {parameters.instance} over to its standby",
            loss=Loss(seconds=0, rows=0, words="nothing that was committed; the standby is synchronous"),
            downtime=history.downtime or figure,
            duration=history.duration or figure,
            way_back="Fail over once more: what is the primary now is the standby then.",
            confirm=parameters.instance,
            notes=["Every connection is cut and must be made again. The endpoint stays the same."],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, ("resource_id", "status", "multi_az", "instance_class", "endpoint"))

    def steps(self) -> list[Step[FailOver]]:
        return [
            Step("preflight", "Note what RDS has reported until now", preflight, phase="retrieval"),
            Step("failover", "Fail over and wait until it is complete", switch, switched, cancellable=False),
            Step(
                "application", "Wait until the application is healthy", wait_for_application, phase="restart",
                cancellable=False, skipping="a look at whether the application came back",
            ),
        ]  # fmt: skip

    def verify(self, context: Context[FailOver]) -> Evidence:
        return measure(context)

    def clean_up(self, context: Context[FailOver]) -> str:
        rds, name = open_rds(context.world), context.parameters.instance
        instance = rds.find(name)
        began = "preflight" in context.outputs and _find(_since(context, rds), BEGAN) is not None
        told = "RDS has begun to fail over" if began else "RDS reports no failover of this run"
        return f"{told}; {name} is {instance.status if instance else 'not there'}."

    def undo(self, parameters: FailOver, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        return Suggestion(action=self.name, label="Fail back", parameters=parameters.model_dump(mode="json"))


def preflight(context: Context[FailOver]) -> Facts:
    """The newest event before: whatever failover is newer is this run's, since no other may touch the instance."""
    events = open_rds(context.world).list_events(context.parameters.instance)
    return {"last_event_at": events[-1].at.isoformat() if events else None}


def switch(context: Context[FailOver]) -> Facts:
    """Watched by a client of our own. Asks for a failover only where none has been since this run began."""
    rds, name = open_rds(context.world), context.parameters.instance
    instance = wait_for_instance(rds, name, watch_for(context))
    with probe_database(instance_url(context.world, instance), every_s=REMOTE_EVERY_S) as client:
        reachable = client.wait_until_good(LOOK_BEFORE_S)
        if not _has_begun(context, rds):
            act_once(context, lambda: fail_over(rds, name), lambda: _has_begun(context, rds))
        wait_until_seen("the end of the failover", lambda: _has_ended(context, rds), watch_for(context))
        wait_for_instance(rds, name, watch_for(context), is_ready)
        back = client.wait_until_good(LOOK_BEFORE_S)
        gap_s = client.observe().longest_gap_s if reachable and back else None
    return _facts_of(_since(context, rds), gap_s)


def switched(context: Context[FailOver]) -> Facts | None:
    """RDS has reported the end of a failover that was not there before this run."""
    rds = open_rds(context.world)
    look_for(lambda: _has_begun(context, rds) or not is_ready(rds.observe(context.parameters.instance)))
    events = _since(context, rds)
    return _facts_of(events, None) if _find(events, ENDED) else None


def wait_for_application(context: Context[FailOver]) -> Facts:
    return wait_healthy(context.world)


def measure(context: Context[FailOver]) -> Evidence:
    """The event, and a write on a new connection: the zone in the API lags behind and proves nothing."""
    instance = open_rds(context.world).observe(context.parameters.instance)
    done, application = context.outputs["failover"], context.outputs["application"]
    refusal = check_write(instance_url(context.world, instance))
    limit_s = context.world.policy.infrastructure.rds.failover_time.at_most.total_seconds()
    verdicts = [
        Verdict(name="RDS", expected="failover completed", found=str(done["event"]), good=True),
        Verdict(name="Writes", expected="taken on a new connection", found=refusal or "taken", good=refusal is None),
        Verdict(
            name="Standby", expected="Multi-AZ", found="on" if instance.multi_az else "off", good=instance.multi_az
        ),
    ]
    if "healthy" in application:
        good = application["healthy"] is True
        verdicts.append(Verdict(name="Application", expected="healthy", found=str(application["words"]), good=good))
    measured: Facts = {}
    if done["gap_s"] is not None:
        gap_s = float(str(done["gap_s"]))
        seen = f"{show_duration(gap_s)} {done['seen_by']}"
        expected = f"at most {show_duration(limit_s)}"
        verdicts.append(Verdict(name="Downtime", expected=expected, found=seen, good=gap_s <= limit_s))
        measured = {"downtime": seen, "downtime_s": gap_s}
    return Evidence(verdicts, measured, f"{instance.identifier} runs on what was its standby.")


def _has_begun(context: Context[FailOver], rds: Rds) -> bool:
    return _find(_since(context, rds), BEGAN, ENDED) is not None


def _has_ended(context: Context[FailOver], rds: Rds) -> bool:
    events = _since(context, rds)
    given_up = _find(events, GAVE_UP)
    if given_up:
        raise Failed(f"RDS did not fail over: {given_up.message}", "The primary is as before.", "Ask again later.")
    return _find(events, ENDED) is not None


def _since(context: Context[FailOver], rds: Rds) -> list[Event]:
    """Events of failovers after those that the preflight saw."""
    last = context.outputs["preflight"]["last_event_at"]
    events = rds.list_events(context.parameters.instance)
    failovers = [one for one in events if "failover" in one.categories or "failover" in one.message.lower()]
    return [one for one in failovers if last is None or one.at > datetime.fromisoformat(str(last))]


def _find(events: list[Event], *words: str) -> Event | None:
    return next((one for one in events if any(word in one.message.lower() for word in words)), None)


def _facts_of(events: list[Event], client_gap_s: float | None) -> Facts:
    """Downtime as a client saw it; where the watching client died with the bot, between RDS's own events."""
    began, ended = _find(events, BEGAN), _find(events, ENDED)
    between_s = (ended.at - began.at).total_seconds() if began and ended else None
    gap_s = between_s if client_gap_s is None else client_gap_s
    waited = "not measured" if gap_s is None else show_duration(gap_s)
    return {
        "event": ended.message if ended else "none",
        "gap_s": gap_s,
        "seen_by": "between RDS's events" if client_gap_s is None else "seen by a client",
        "words": f"clients waited {waited}",
    }


ACTION = RdsFailover()
