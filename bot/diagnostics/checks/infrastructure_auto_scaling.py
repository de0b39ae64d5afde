"""Is the auto-scaling group as the policy has it? (Document: Auto-Scaling Group, Setup.)"""

from __future__ import annotations

from collections.abc import Iterator

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.store.documents import Suggestion
from bot.systems.auto_scaling import list_differences, want
from bot.systems.target_health import find_group

PUT_RIGHT = Suggestion(action="verify_auto_scaling", label="Put it right", parameters={})


class InfrastructureAutoScaling(PointCheck):
    name = "infrastructure_auto_scaling"
    title = "Auto-scaling group"
    scope = "infrastructure"
    permissions = ("autoscaling:DescribeAutoScalingGroups",)
    timeout_s = 15.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        """A group that is set otherwise replaces no failed server, or with another kind of it."""
        places = surroundings.policy.infrastructure
        group = find_group(places.regions.primary, places.auto_scaling.group)
        if group is None:
            yield Point("unknown", f"There is no auto-scaling group {places.auto_scaling.group}.")
            return
        differences = list_differences(group, want(group, places.auto_scaling))
        for words in differences:
            yield Point("warning", f"{words[:1].upper()}{words[1:]}.", (PUT_RIGHT,), ("group set otherwise",))
        if group.suspended:
            words = f"{group.name} does not do everything: {', '.join(group.suspended)} is suspended; "
            words += "resume-processes, by hand, lets it go on."
            yield Point("warning", words, signs=("group set otherwise",), normal="Nothing is suspended.")
        if not differences and not group.suspended:
            yield Point("ok", f"{group.name} has the sizes, template and health checks of the policy.")


CHECK = InfrastructureAutoScaling()
