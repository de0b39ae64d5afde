"""Auto-scaling groups over the wire: their new servers are machines too, and an instance refresh takes its time.

moto keeps the groups. A server that a group launches has code and environment as its start-up script would fetch them:
they are copied from a server that is there. A refresh launches the new server before it takes the old one out, whatever
its preferences say; cancelled, it leaves what it has replaced. Unlike AWS, a group replaces nobody by itself.

From the API reference: one refresh of a group at a time; to detach an instance deregisters it from the target groups.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.autoscaling import urls
from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import InstanceState
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult

if TYPE_CHECKING:
    from moto.autoscaling.models import FakeAutoScalingGroup

    from bot.sandbox.machines.disk import Disk
    from bot.sandbox.strict_cloud.ec2.balancing import Balancers
    from bot.sandbox.strict_cloud.ec2.datacentre import Datacentre

log = logging.getLogger(__name__)
ACTIVE = ("Pending", "InProgress", "Cancelling")
LOOK_EVERY_S = 0.05
HEALTHY_WITHIN_S = 60.0


@dataclass
class Refresh:
    """One instance refresh."""

    group: str
    replaces: list[str]
    identifier: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "Pending"
    reason: str = ""
    replaced: int = 0
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None

    def end(self, status: str, reason: str = "") -> None:
        self.status, self.reason, self.ended = status, reason, datetime.now(UTC)

    def describe(self) -> dict[str, object]:
        shown: dict[str, object] = {
            "InstanceRefreshId": self.identifier,
            "AutoScalingGroupName": self.group,
            "Status": self.status,
            "StartTime": self.began,
            "PercentageComplete": 100 * self.replaced // max(1, len(self.replaces)),
            "InstancesToUpdate": len(self.replaces) - self.replaced,
        }
        if self.reason:
            shown["StatusReason"] = self.reason
        return {**shown, "EndTime": self.ended} if self.ended else shown


class Scaling:
    """What groups do with machines."""

    def __init__(self, datacentre: Datacentre, balancers: Balancers) -> None:
        self.datacentre, self.balancers = datacentre, balancers
        self.refreshes: dict[str, list[Refresh]] = {}
        """By group, the newest first."""

    def furnish(self, group: FakeAutoScalingGroup) -> None:
        """Give a machine to each member that has none yet: moto has just launched it."""
        for state in group.instance_states:
            if self.datacentre.find(state.instance.id) is None:
                self.datacentre.launch(state.instance, self._copy_of(group))

    def refresh(self, group: FakeAutoScalingGroup) -> Refresh:
        """Begin one; it goes on in a thread of its own. Raises InstanceRefreshInProgress."""
        known = self.refreshes.setdefault(group.name, [])
        if known and known[0].status in ACTIVE:
            raise AutoscalingClientError("InstanceRefreshInProgress", "An instance refresh is already in progress.")
        made = Refresh(group.name, [state.instance.id for state in group.instance_states])
        known.insert(0, made)
        threading.Thread(target=self._carry_out, args=(made, group), name="instance refresh", daemon=True).start()
        return made

    def _carry_out(self, refresh: Refresh, group: FakeAutoScalingGroup) -> None:
        try:
            refresh.status = "InProgress"
            for name in refresh.replaces:
                time.sleep(self.datacentre.pace.refresh_step_s * self.datacentre.pace.time_scale)
                if refresh.status == "Cancelling":
                    refresh.end("Cancelled", "Cancelled due to user request.")
                    return
                self._replace(group, name)
                refresh.replaced += 1
            refresh.end("Successful")
        except Exception as error:  # the boundary of this thread: whoever waits for the refresh has to hear of it
            log.exception("refresh of %s", group.name)
            refresh.end("Failed", str(error))

    def _replace(self, group: FakeAutoScalingGroup, old: str) -> None:
        made = group.autoscaling_backend.ec2_backend.run_instances(
            group.image_id, 1, None, group.security_groups, instance_type=group.instance_type,
            tags={"instance": {**group.get_propagated_tags(), **group.instance_tags}}, is_instance_type_default=False,
            placement=group.availability_zones[0], region_name=group.region,
            launch_template={"LaunchTemplateId": group.ec2_launch_template.id} if group.ec2_launch_template else None,
        )  # fmt: skip
        instance = made.instances[0]
        server = self.datacentre.launch(instance, self._copy_of(group))
        self._wait(lambda: server.state == "running" and server.machine.is_up, f"{instance.id} running")
        self.join(group, instance.id)
        self._wait(lambda: self._is_healthy(group, instance.id), f"{instance.id} healthy")
        self.leave(group, old)
        group.autoscaling_backend.ec2_backend.terminate_instances([old])
        if self.datacentre.find(old):
            self.datacentre.terminate(old)

    def join(self, group: FakeAutoScalingGroup, name: str) -> None:
        """Make a server a member, and register it with the group's target groups."""
        backend = group.autoscaling_backend
        group.instance_states.append(InstanceState(backend.ec2_backend.get_instance(name), autoscaling_group=group))
        for arn in group.target_group_arns:
            backend.elbv2_backend.register_targets(arn, [{"Id": name}])

    def leave(self, group: FakeAutoScalingGroup, name: str) -> None:
        """Take a server out of its group, and of the group's target groups."""
        group.instance_states = [state for state in group.instance_states if state.instance.id != name]
        elb = group.autoscaling_backend.elbv2_backend
        for arn in group.target_group_arns:
            if name in elb.target_groups[arn].targets:
                elb.deregister_targets(arn, [{"Id": name}])

    def _is_healthy(self, group: FakeAutoScalingGroup, name: str) -> bool:
        found = [self.balancers.find(arn) for arn in group.target_group_arns]
        return all(
            any(target.name == name and target.state == "healthy" for target in balancer.list_targets())
            for balancer in found
            if balancer is not None
        )

    def _copy_of(self, group: FakeAutoScalingGroup) -> Callable[[Disk], None]:
        """What the start-up script does: code and environment are those of a member that has them."""
        servers = [self.datacentre.find(state.instance.id) for state in group.instance_states]
        sources = [one.machine.disk for one in servers if one and one.machine.disk.environment_file.exists()]

        def copy(disk: Disk) -> None:
            if sources:
                shutil.copytree(sources[-1].install_folder, disk.install_folder, symlinks=True, dirs_exist_ok=True)

        return copy

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + HEALTHY_WITHIN_S
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not {what} within {HEALTHY_WITHIN_S:.0f} s")
            time.sleep(LOOK_EVERY_S)


def install(scaling: Scaling) -> None:
    """Put ourselves in moto's place for auto-scaling."""
    StrictAutoScaling.scaling = scaling
    urls.url_paths = {"{0}/$": StrictAutoScaling.dispatch}


class StrictAutoScaling(AutoScalingResponse):
    """What changes a group's members; each method is named for its operation."""

    scaling: Scaling

    def update_auto_scaling_group(self) -> ActionResult:
        self._group()
        answer = super().update_auto_scaling_group()
        self.scaling.furnish(self._group())
        return answer

    def set_desired_capacity(self) -> ActionResult:
        answer = super().set_desired_capacity()
        self.scaling.furnish(self._group())
        return answer

    def attach_instances(self) -> ActionResult:
        """moto registers every member anew, which AWS does not: one that is stopped would be refused."""
        group, names = self._group(), self._get_param("InstanceIds", [])
        members = {state.instance.id for state in group.instance_states}
        for name in names:
            server = self.scaling.datacentre.find(name)
            if name in members or server is None or server.state != "running":
                raise ValidationError(f"Instance {name} is not running, or is a member already.")
        if len(members) + len(names) > group.max_size:
            raise ValidationError(f"AutoScalingGroup {group.name} has min-size, max-size that forbid it.")
        for name in names:
            self.scaling.join(group, name)
        group.desired_capacity = len(group.instance_states)
        return EmptyResult()

    def detach_instances(self) -> ActionResult:
        answer = super().detach_instances()
        for name in self._get_param("InstanceIds", []):
            self.scaling.leave(self._group(), name)
        return answer

    def start_instance_refresh(self) -> ActionResult:
        return ActionResult({"InstanceRefreshId": self.scaling.refresh(self._group()).identifier})

    def describe_instance_refreshes(self) -> ActionResult:
        wanted = self._get_param("InstanceRefreshIds", [])
        found = self.scaling.refreshes.get(self._group().name, [])
        return ActionResult(
            {"InstanceRefreshes": [one.describe() for one in found if not wanted or one.identifier in wanted]}
        )

    def cancel_instance_refresh(self) -> ActionResult:
        found = [one for one in self.scaling.refreshes.get(self._group().name, []) if one.status in ACTIVE]
        if not found:
            raise AutoscalingClientError(
                "ActiveInstanceRefreshNotFound", "No in progress or pending Instance Refresh found for group."
            )
        found[0].status = "Cancelling"
        return ActionResult({"InstanceRefreshId": found[0].identifier})

    def _group(self) -> Any:
        name = self._get_param("AutoScalingGroupName")
        if name not in self.autoscaling_backend.autoscaling_groups:
            raise ValidationError("AutoScalingGroup name not found - null")
        return self.autoscaling_backend.autoscaling_groups[name]
