"""Give the auto-scaling group the settings of the policy. (Document: Auto-Scaling Group, Setup.)"""

from __future__ import annotations

from bot.policy import Policy
from bot.recovery.action import Action, Context, Evidence, Facts, History, Needless, Parameters, Step, World
from bot.recovery.instances import environment_of
from bot.recovery.scaling import find_scaling_group, tell_group
from bot.recovery.side_plan import list_moved
from bot.recovery.touched import AUTO_SCALING, touch_scaling_group
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.auto_scaling import UPDATE_PERMISSIONS, Wanted, list_differences, update_group, want

SETTINGS = tuple(Wanted.__dataclass_fields__)


class VerifyAutoScaling(Parameters):
    """None: the group and its settings are the policy's."""


class VerifyTheAutoScaling(Action[VerifyAutoScaling]):
    name = "verify_auto_scaling"
    purpose = "Give the auto-scaling group the sizes, template and health checks of the policy"
    risk = "high"
    permissions = ("autoscaling:DescribeAutoScalingGroups", *UPDATE_PERMISSIONS)
    parameters = VerifyAutoScaling

    def target(self, parameters: VerifyAutoScaling) -> str:
        return AUTO_SCALING

    def touches(self, policy: Policy, parameters: VerifyAutoScaling) -> frozenset[str]:
        return touch_scaling_group(policy)

    def observe(self, world: World, parameters: VerifyAutoScaling) -> Facts:
        _, group = find_scaling_group(world)
        if not list_differences(group, want(group, world.policy.infrastructure.auto_scaling)):
            raise Needless(f"{group.name} has the settings of the policy already.", "There is nothing to change.")
        return tell_group(group)

    def plan(self, world: World, parameters: VerifyAutoScaling, observed: Facts, history: History) -> PlanDocument:
        _, group = find_scaling_group(world)
        wanted = want(group, world.policy.infrastructure.auto_scaling)
        differences = list_differences(group, wanted)
        more = wanted.desired_capacity - group.desired_capacity
        launches = [f"It launches {more} more servers for that."] if more > 0 else []
        fewer = [f"It terminates {-more} servers for that, which it chooses itself."] if more < 0 else []
        return self.document(
            parameters,
            observed,
            environment=environment_of(world),
            title=f"Put the settings of {group.name} right",
            loss=Loss(seconds=0, rows=0, words="no data"),
            downtime=Prediction(seconds=0, source="servers that are there stay" if more >= 0 else "the others serve"),
            duration=history.duration or Prediction(seconds=None, source="not measured here yet"),
            way_back="The plan shows what they were; nothing sets them back by itself.",
            notes=[*(f"{words[:1].upper()}{words[1:]}." for words in differences), *launches, *fewer],
        )  # fmt: skip

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, SETTINGS)

    def steps(self) -> list[Step[VerifyAutoScaling]]:
        return [Step("update", "Change what differs", update, cancellable=False)]

    def verify(self, context: Context[VerifyAutoScaling]) -> Evidence:
        _, group = find_scaling_group(context.world)
        wanted = _wanted(context)
        verdicts = [
            Verdict(
                name=name.removesuffix("_s").replace("_", " ").capitalize(), expected=str(getattr(wanted, name)),
                found=str(getattr(group, name)), good=getattr(group, name) == getattr(wanted, name),
            )
            for name in SETTINGS
        ]  # fmt: skip
        return Evidence(verdicts, {}, f"{group.name} is as the policy has it.")

    def clean_up(self, context: Context[VerifyAutoScaling]) -> str:
        _, group = find_scaling_group(context.world)
        left = list_differences(group, _wanted(context))
        return f"Not yet as the policy has it: {'; '.join(left)}." if left else f"{group.name} is as the policy has it."


def update(context: Context[VerifyAutoScaling]) -> Facts:
    """May be done again."""
    region, group = find_scaling_group(context.world)
    changed = list_differences(group, _wanted(context))
    update_group(region, group.name, _wanted(context))
    return {"words": "; ".join(changed) or "all settings are right"}


def _wanted(context: Context[VerifyAutoScaling]) -> Wanted:
    """Of the plan: what the group was like then decides how many servers are wanted."""
    _, group = find_scaling_group(context.world)
    rules = context.world.policy.infrastructure.auto_scaling
    return want(group, rules)


ACTION = VerifyTheAutoScaling()
