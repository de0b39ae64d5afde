"""Move an RDS instance to another class. (Document: Mitigation, scale up resources.)"""

from __future__ import annotations

from pydantic import Field

from bot.outcome import Refused
from bot.policy import Policy
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.instance_changes import (
    CHANGE_PERMISSIONS,
    change,
    changed,
    judge,
    list_moved_instance,
    observe_change,
    tell_state,
)
from bot.recovery.instances import (
    LOOK_BEFORE_S,
    REMOTE_EVERY_S,
    InstanceName,
    describe_pending,
    environment_of,
    instance_url,
    list_choices,
    open_rds,
)
from bot.recovery.touched import touch_database_server
from bot.store.documents import Loss, PlanDocument, Prediction, Suggestion
from bot.systems.probe import probe_database
from bot.systems.rds_settings import Settings
from bot.words import show_duration


class ChangeClass(Parameters):
    instance: InstanceName
    instance_class: str = Field(
        title="Class", description="Such as db.t3.xlarge.", pattern=r"^db\.[a-z0-9-]+\.[a-z0-9-]+$", max_length=40
    )

    @property
    def wanted(self) -> Settings:
        return {"DBInstanceClass": self.instance_class}


class RdsChangeClass(Action[ChangeClass]):
    name = "rds_change_class"
    purpose = "Move an RDS instance to a larger or smaller class"
    risk = "high"
    permissions = (*CHANGE_PERMISSIONS, "rds:DescribeOrderableDBInstanceOptions")
    parameters = ChangeClass

    def target(self, parameters: ChangeClass) -> str:
        return parameters.instance

    def touches(self, policy: Policy, parameters: ChangeClass) -> frozenset[str]:
        return touch_database_server(policy, parameters.instance)

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        rules = world.policy.infrastructure.rds
        if name == "instance_class":
            return [(one, one) for one in dict.fromkeys((rules.larger_instance_class, rules.instance_class))]
        return list_choices(world) if name == "instance" else None

    def observe(self, world: World, parameters: ChangeClass) -> Facts:
        facts, rds = observe_change(world, parameters.instance, parameters.wanted), open_rds(world)
        offered = rds.offers(rds.observe(parameters.instance), parameters.instance_class)
        if offered is False:
            raise Refused(
                f"RDS offers no {parameters.instance_class} for the engine of {parameters.instance} in {rds.region}.",
                "Choose another class.",
            )
        return {**facts, "offered": offered}

    def plan(self, world: World, parameters: ChangeClass, observed: Facts, history: History) -> PlanDocument:
        instance = open_rds(world).observe(parameters.instance)
        return self.document(
            parameters,
            observed,
            environment=environment_of(world),
            title=f"Move {parameters.instance} from {observed['instance_class']} to {parameters.instance_class}",
            loss=Loss(seconds=0, rows=0, words="nothing that was committed; open transactions are cut off"),
            downtime=history.downtime or _predict_outage(world, observed),
            duration=history.duration or Prediction(seconds=None, source="not measured here yet; some ten minutes"),
            way_back=f"The same way back to {observed['instance_class']}, with another outage.",
            confirm=parameters.instance,
            notes=[
                "It is done now and not in the maintenance window; every connection is cut once.",
                *([] if observed["offered"] else ["RDS does not list its classes here: a wrong one shows in the run."]),
                *describe_pending(instance, tuple(parameters.wanted)),
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved_instance(planned, now)

    def steps(self) -> list[Step[ChangeClass]]:
        return [
            Step("change", "Change the class and wait until it is so", watch_change, was_changed, cancellable=False)
        ]

    def verify(self, context: Context[ChangeClass]) -> Evidence:
        gap_s, measured = context.outputs["change"].get("gap_s"), Facts()
        if gap_s is not None:
            seen = f"{show_duration(float(str(gap_s)))} seen by a client"
            measured = {"downtime": seen, "downtime_s": gap_s}
        words = f"{context.parameters.instance} is a {context.parameters.instance_class}."
        return Evidence(judge(context, context.parameters.wanted), measured, words)

    def clean_up(self, context: Context[ChangeClass]) -> str:
        return tell_state(context, context.parameters.wanted)

    def undo(self, parameters: ChangeClass, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        before = plan.observed["instance_class"]
        return Suggestion(
            action=self.name,
            label=f"Back to {before}",
            parameters={"instance": parameters.instance, "instance_class": before},
        )


def watch_change(context: Context[ChangeClass]) -> Facts:
    """Watched by a client of our own, where the database can be reached from here."""
    instance = open_rds(context.world).observe(context.parameters.instance)
    if instance.address is None:
        return {**change(context, context.parameters.wanted), "gap_s": None}
    with probe_database(instance_url(context.world, instance), every_s=REMOTE_EVERY_S) as client:
        reachable = client.wait_until_good(LOOK_BEFORE_S)
        facts = change(context, context.parameters.wanted)
        back = client.wait_until_good(LOOK_BEFORE_S)
        return {**facts, "gap_s": client.observe().longest_gap_s if reachable and back else None}


def was_changed(context: Context[ChangeClass]) -> Facts | None:
    return changed(context, context.parameters.wanted)


def _predict_outage(world: World, observed: Facts) -> Prediction:
    if not observed["multi_az"]:
        return Prediction(seconds=None, source="minutes: there is no standby to go to; not measured here yet")
    expected = world.policy.infrastructure.rds.failover_time.at_most
    return Prediction(seconds=expected.total_seconds(), source="the policy's figure for a failover, at most")


ACTION = RdsChangeClass()
