"""What a test or the demo may do to RDS besides its API (`control` has the list)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bot.sandbox.strict_cloud.rds.changes import apply_pending, stick_instance
from bot.sandbox.strict_cloud.rds.creation import adopt_instance
from bot.sandbox.strict_cloud.rds.state import World

if TYPE_CHECKING:
    from bot.sandbox.strict_cloud.control import Body


def adopt(world: World, body: Body) -> str:
    """Make an instance of a server that runs, or of none; returns its ARN."""
    settings = body.values.get("settings") or {}
    if not isinstance(settings, dict):
        raise ValueError("settings must be an object")
    admin_url, bindir = body.text("admin_url", ""), Path(body.text("bindir", "/"))
    return adopt_instance(world.region(body.text("region")), body.text("identifier"), settings, admin_url, bindir).arn


def read_status(world: World, body: Body) -> str:
    """Return an instance's status."""
    return world.region(body.text("region")).instance(body.text("identifier")).status


def stick(world: World, body: Body) -> None:
    """Hold an instance in a bad state, or let it go."""
    status = body.text("status") if body.values.get("status") else None
    stick_instance(world.region(body.text("region")), body.text("identifier"), status)


def set_lag(world: World, body: Body) -> None:
    """Say what CloudWatch reports of a replica."""
    world.region(body.text("region")).instance(body.text("identifier")).lag_s = body.number("lag_s")


def maintain(world: World, body: Body) -> None:
    """Open the maintenance window."""
    region = world.region(body.text("region"))
    apply_pending(region, region.available_instance(body.text("identifier")))


def change_pace(world: World, body: Body) -> None:
    """Change durations."""
    world.pace.change({name: body.number(name) or 0.0 for name in body.values})


CONTROLS: dict[str, Callable[[World, Body], object]] = {
    "adopt": adopt,
    "status": read_status,
    "stick": stick,
    "lag": set_lag,
    "maintenance": maintain,
    "pace": change_pace,
    "pause": lambda world, body: world.clock.pause(),
    "resume": lambda world, body: world.clock.resume(),
}
