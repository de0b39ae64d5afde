"""Give an RDS instance a standby in another zone. (Document: Multi-AZ Automatic Failover, Setup.)"""

from __future__ import annotations

from bot.outcome import Refused
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
from bot.recovery.instances import InstanceName, describe_pending, environment_of, list_choices, open_rds
from bot.store.documents import Loss, PlanDocument, Prediction
from bot.systems.rds_settings import Settings

WANTED: Settings = {"MultiAZ": True}


class EnableMultiAz(Parameters):
    instance: InstanceName


class RdsEnableMultiAz(Action[EnableMultiAz]):
    name = "rds_enable_multi_az"
    purpose = "Give an RDS instance a standby in another availability zone"
    risk = "high"
    permissions = CHANGE_PERMISSIONS
    parameters = EnableMultiAz

    def target(self, parameters: EnableMultiAz) -> str:
        return parameters.instance

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        return list_choices(world, lambda one: not one.multi_az) if name == "instance" else None

    def observe(self, world: World, parameters: EnableMultiAz) -> Facts:
        return observe_change(world, parameters.instance, WANTED)

    def plan(self, world: World, parameters: EnableMultiAz, observed: Facts, history: History) -> PlanDocument:
        if not world.policy.infrastructure.rds.multi_az:
            raise Refused("The policy wants no standby (`infrastructure.rds.multi_az`).", "Change the policy first.")
        instance = open_rds(world).observe(parameters.instance)
        return self.document(
            parameters,
            observed,
            environment=environment_of(world),
            title=f"Give {parameters.instance} a standby",
            loss=Loss(seconds=0, rows=0, words="nothing"),
            downtime=Prediction(seconds=0, source="none, but writes are slower while the standby is filled and after"),
            duration=history.duration or Prediction(seconds=None, source="not measured here yet; tens of minutes"),
            way_back="The standby can be given up again in RDS; nothing depends on it but failovers.",
            confirm=parameters.instance,
            notes=["A standby about doubles the price of the instance.", *describe_pending(instance, tuple(WANTED))],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved_instance(planned, now)

    def steps(self) -> list[Step[EnableMultiAz]]:
        return [
            Step(
                "change", "Switch Multi-AZ on and wait for the standby",
                lambda context: change(context, WANTED), lambda context: changed(context, WANTED), cancellable=False,
            )
        ]  # fmt: skip

    def verify(self, context: Context[EnableMultiAz]) -> Evidence:
        words = f"{context.parameters.instance} can fail over: `/dr plan rds_failover` rehearses it."
        return Evidence(judge(context, WANTED), {}, words)

    def clean_up(self, context: Context[EnableMultiAz]) -> str:
        return tell_state(context, WANTED)


ACTION = RdsEnableMultiAz()
