"""ELB's target groups over the wire: health as real probes find it, and targets that drain.

moto keeps who is registered; a balancer for each group follows that (`bot.sandbox.machines.balancer`). From the API
reference: only what runs can be registered; deregistration says nothing of targets that are unknown. Unlike AWS: a
target without a machine of ours (an auto-scaling group of moto's makes such ones) is healthy at once.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult, EmptyResult
from moto.elb import urls
from moto.elbv2.exceptions import TargetGroupNotFoundError, TargetNotRunning
from moto.elbv2.models import elbv2_backends
from moto.elbv2.responses import ELBV2Response

from bot.sandbox.machines.balancer import Balancer, Target

if TYPE_CHECKING:
    from moto.elbv2.models import ELBv2Backend, FakeTargetGroup

    from bot.sandbox.strict_cloud.ec2.datacentre import Datacentre

LOOK_EVERY_S = 0.1
"""How soon a pace that was changed counts."""
DELAY, STICKY = "deregistration_delay.timeout_seconds", "stickiness.enabled"
TOLD = {
    "initial": "Initial health checks in progress",
    "unhealthy": "Health checks failed",
    "draining": "Target deregistration is in progress",
}


class Balancers:
    """The balancer of each target group, made when it is first asked for; all are probed by one thread."""

    def __init__(self, datacentre: Datacentre) -> None:
        self._datacentre = datacentre
        self._lock = threading.Lock()
        self._balancers: dict[str, tuple[FakeTargetGroup, Balancer]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health checks", daemon=True)
        self._thread.start()

    def find(self, arn: str) -> Balancer | None:
        """The balancer of a target group, which knows its newest targets; None where there is no such group."""
        group = backend_of(arn.split(":")[3]).target_groups.get(arn)
        if group is None:
            return None
        with self._lock:
            if arn not in self._balancers:
                made = Balancer(
                    group.health_check_path or "/",
                    healthy_after=int(group.healthy_threshold_count),
                    unhealthy_after=int(group.unhealthy_threshold_count),
                )
                self._balancers[arn] = group, made
            balancer = self._balancers[arn][1]
        self._sync(group, balancer)
        return balancer

    def close(self) -> None:
        """Stop the probes and the proxies."""
        self._stop.set()
        self._thread.join()
        for _, balancer in self._balancers.values():
            balancer.close()

    def _run(self) -> None:
        """A pace that is changed counts at once, also while a probe is waited for."""
        pace, probed = self._datacentre.pace, time.monotonic()
        while not self._stop.wait(min(LOOK_EVERY_S, pace.probe_every_s * pace.time_scale)):
            if time.monotonic() - probed < pace.probe_every_s * pace.time_scale:
                continue
            probed = time.monotonic()
            with self._lock:
                known = list(self._balancers.values())
            for group, balancer in known:
                self._sync(group, balancer)
                balancer.probe()

    def _sync(self, group: FakeTargetGroup, balancer: Balancer) -> None:
        """Those that run and have a machine; who is stopped is out at once."""
        servers = {name: self._datacentre.find(name) for name in list(group.targets)}
        ports = {name: one.machine.port for name, one in servers.items() if one and one.state == "running"}
        balancer.health_path = str(group.health_check_path or "/")
        balancer.sticky = group.attributes[STICKY] == "true"
        balancer.sync(ports, float(str(group.attributes[DELAY])) * self._datacentre.pace.timeout_scale)


def backend_of(region: str) -> ELBv2Backend:
    return elbv2_backends[DEFAULT_ACCOUNT_ID][region]


def install(balancers: Balancers, datacentre: Datacentre) -> None:
    """Put ourselves in moto's place for ELB."""
    StrictElb.balancers, StrictElb.datacentre = balancers, datacentre
    urls.ELBV2Response = StrictElb  # type: ignore[attr-defined]


class StrictElb(ELBV2Response):
    """The operations on targets; each method is named for its operation."""

    balancers: Balancers
    datacentre: Datacentre

    def register_targets(self) -> EmptyResult:
        for target in self._get_param("Targets", []):
            server = self.datacentre.find(target["Id"])
            if server is not None and server.state != "running":
                raise TargetNotRunning(target["Id"])
        super().register_targets()
        self.balancers.find(self._get_param("TargetGroupArn"))
        return EmptyResult()

    def deregister_targets(self) -> EmptyResult:
        arn = self._get_param("TargetGroupArn")
        group = self.elbv2_backend.target_groups.get(arn)
        if group is None:
            raise TargetGroupNotFoundError
        self.balancers.find(arn)
        known = [one for one in self._get_param("Targets", []) if one["Id"] in group.targets]
        self.elbv2_backend.deregister_targets(arn, known)
        self.balancers.find(arn)
        return EmptyResult()

    def describe_target_health(self) -> ActionResult:
        arn, asked = self._get_param("TargetGroupArn"), [one["Id"] for one in self._get_param("Targets", [])]
        balancer = self.balancers.find(arn)
        if balancer is None:
            return super().describe_target_health()  # moto refuses
        probed = {one.name: one for one in balancer.list_targets()}
        names = asked or [*self.elbv2_backend.target_groups[arn].targets, *probed]
        shown = [self._show(arn, probed, name) for name in dict.fromkeys(names)]
        return ActionResult({"TargetHealthDescriptions": shown})

    def _show(self, arn: str, probed: dict[str, Target], name: str) -> dict[str, Any]:
        group, server = self.elbv2_backend.target_groups[arn], self.datacentre.find(name)
        if name in group.targets and server is None:
            found = group.health_for({"Id": name}, self.elbv2_backend.ec2_backend)
            return {"Target": found.target, "TargetHealth": found.target_health, "HealthCheckPort": "traffic-port"}
        target = probed.get(name)
        if name in group.targets and server is not None and server.state != "running":
            words = f"Target is in the {server.state} state"
            health = {"State": "unused", "Reason": "Target.InvalidState", "Description": words}
        elif target is None:
            health = {
                "State": "unused", "Reason": "Target.NotRegistered",
                "Description": "Target is not registered to the target group",
            }  # fmt: skip
        else:
            health = {
                "State": target.state,
                "Reason": target.reason,
                "Description": target.told or TOLD.get(target.state, ""),
            }
        shown = {key: value for key, value in health.items() if value}
        return {"Target": {"Id": name, "Port": group.port}, "TargetHealth": shown, "HealthCheckPort": "traffic-port"}
