"""What a test or the demo may do to servers besides the APIs (`control` has the list)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.sandbox.strict_cloud.ec2.datacentre import Datacentre, Server

if TYPE_CHECKING:
    from bot.sandbox.strict_cloud.control import Body
    from bot.sandbox.strict_cloud.ec2.balancing import Balancers


def describe(datacentre: Datacentre, body: Body) -> dict[str, object]:
    """Where a machine's disk is, on which port its application listens, whether it is up."""
    server = _find(datacentre, body)
    machine = server.machine
    return {"root": str(machine.disk.root), "port": machine.port, "up": machine.is_up, "state": server.state}


def crash(datacentre: Datacentre, body: Body) -> None:
    """Kill a machine with all that runs on it; EC2 goes on to call it running."""
    _find(datacentre, body).machine.crash()


def serve(balancers: Balancers, body: Body) -> None:
    """Let the load balancer of a target group answer on a port."""
    arn, port = body.text("target_group"), body.number("port")
    balancer = balancers.find(arn)
    if balancer is None or port is None:
        raise LookupError(f"there is no target group {arn}, or no port was given")
    balancer.serve(int(port))


def change_pace(datacentre: Datacentre, body: Body) -> None:
    """Change durations."""
    datacentre.pace.change({name: body.number(name) or 0.0 for name in body.values})


def _find(datacentre: Datacentre, body: Body) -> Server:
    name = body.text("instance")
    server = datacentre.find(name)
    if server is None:
        raise LookupError(f"there is no machine {name}")
    return server


CONTROLS: dict[str, Callable[[Datacentre, Body], object]] = {
    "describe": describe,
    "crash": crash,
    "pace": change_pace,
}
