"""The auto-scaling group as recovery sees it."""

from __future__ import annotations

from bot.outcome import Refused
from bot.recovery.action import Facts, World
from bot.systems.auto_scaling import Wanted
from bot.systems.target_health import Group, find_group


def find_scaling_group(world: World) -> tuple[str, Group]:
    """Its region and what it is like. Raises `Refused` where there is none."""
    region, name = world.policy.infrastructure.regions.primary, world.policy.infrastructure.auto_scaling.group
    group = find_group(region, name)
    if group is None:
        raise Refused(f"There is no auto-scaling group {name} in {region}.", "Make it first, as the document has it.")
    return region, group


def tell_group(group: Group) -> Facts:
    """What of a group matters to whoever approves its change."""
    names = Wanted.__dataclass_fields__
    return {**{name: getattr(group, name) for name in names}, "instances": list(group.instances)}
