"""SSM's Run Command, which really runs on the machine.

From the API reference: an invocation is not there for the first moments (InvocationDoesNotExist); output is cut at
24,000 characters and errors at 8,000; TimeoutSeconds is about delivery, `executionTimeout` about the command; there is
no token, so a call that is made twice runs twice. A machine that is dead takes nothing: delivery times out.
"""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from moto.core.responses import ActionResult
from moto.ssm import urls
from moto.ssm.exceptions import SSMException
from moto.ssm.responses import SimpleSystemManagerResponse

from bot.sandbox.strict_cloud.ec2.datacentre import Datacentre, Server

DOCUMENT = "AWS-RunShellScript"
LEAST_TIMEOUT_S, MOST_TIMEOUT_S = 30, 2_592_000
DEFAULT_TIMEOUT_S, DEFAULT_EXECUTION_S = 3600, 3600
OUTPUT_LIMIT, ERRORS_LIMIT = 24_000, 8_000
LOOK_EVERY_S = 0.05


def install(datacentre: Datacentre) -> None:
    """Put ourselves in moto's place for SSM."""
    StrictSsm.datacentre = datacentre
    urls.url_paths = {"{0}/$": StrictSsm.dispatch}


@dataclass
class Invocation:
    """One command on one machine."""

    command_id: str
    server: Server
    comment: str
    script: str
    delivery_s: float
    execution_s: float
    sent_at_s: float = field(default_factory=time.monotonic)
    status: str = "Pending"
    detail: str = "Pending"
    response_code: int = -1
    output: str = ""
    errors: str = ""
    looked: int = 0
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def ended(self) -> bool:
        return self.status not in ("Pending", "InProgress", "Cancelling")

    def set(self, status: str, detail: str = "", code: int = -1) -> None:
        self.status, self.detail, self.response_code = status, detail or status, code

    def carry_out(self, timeout_scale: float) -> None:
        """Deliver it and run it."""
        if self._deliver(self.delivery_s * timeout_scale):
            self.set("InProgress")
            self._run(self.execution_s * timeout_scale)

    def _deliver(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while not (self.server.state == "running" and self.server.machine.is_up):
            if self.cancelled.wait(LOOK_EVERY_S):
                self.set("Cancelled")
                return False
            if time.monotonic() > deadline:
                self.set("TimedOut", "DeliveryTimedOut")
                return False
        return True

    def _run(self, given_up_after_s: float) -> None:
        """One that is too slow is stopped; of one whose machine died nobody will ever say how it ended."""
        began = time.monotonic()
        limits = (OUTPUT_LIMIT, ERRORS_LIMIT)
        ended = self.server.machine.run(self.script, self.execution_s, limits, self.cancelled.is_set)
        self.output, self.errors = ended.output[:OUTPUT_LIMIT], ended.errors[:ERRORS_LIMIT]
        if ended.status is not None:
            self.set("Success" if ended.status == 0 else "Failed", code=ended.status)
        elif self.cancelled.wait(max(0.0, began + given_up_after_s - time.monotonic())):
            self.set("Cancelled")
        else:
            self.set("TimedOut", "ExecutionTimedOut")

    def describe(self) -> dict[str, object]:
        return {
            "CommandId": self.command_id,
            "InstanceId": self.server.instance.id,
            "Comment": self.comment,
            "DocumentName": DOCUMENT,
            "PluginName": "aws:runShellScript",
            "ResponseCode": self.response_code,
            "Status": self.status,
            "StatusDetails": self.detail,
            "StandardOutputContent": self.output,
            "StandardErrorContent": self.errors,
        }


class StrictSsm(SimpleSystemManagerResponse):
    """Commands; each method is named for its operation."""

    datacentre: Datacentre
    invocations: dict[tuple[str, str], Invocation] = {}  # noqa: RUF012 (one cloud in one process)

    def send_command(self) -> ActionResult:
        parameters: dict[str, list[str]] = self._get_param("Parameters", {})
        document, timeout_s = self._get_param("DocumentName"), self._get_param("TimeoutSeconds") or DEFAULT_TIMEOUT_S
        if document != DOCUMENT:
            raise SSMException("InvalidDocument", f"Document with name {document} does not exist.")
        if not LEAST_TIMEOUT_S <= int(timeout_s) <= MOST_TIMEOUT_S:
            raise SSMException("ValidationException", f"TimeoutSeconds must be {LEAST_TIMEOUT_S} at least.")
        if not parameters.get("commands"):
            raise SSMException("InvalidParameters", "Parameter commands is required.")
        servers = [self._server(name) for name in self._get_param("InstanceIds", [])]
        command_id = str(uuid.uuid4())
        for server in servers:
            invocation = Invocation(
                command_id,
                server,
                self._get_param("Comment", ""),
                "\n".join(parameters["commands"]),
                float(timeout_s),
                float(parameters.get("executionTimeout", [str(DEFAULT_EXECUTION_S)])[0]),
            )
            self.invocations[command_id, server.instance.id] = invocation
            scale = self.datacentre.pace.timeout_scale
            threading.Thread(target=invocation.carry_out, args=(scale,), name=f"ssm {command_id}", daemon=True).start()
        shown = {
            "CommandId": command_id,
            "DocumentName": DOCUMENT,
            "Comment": self._get_param("Comment", ""),
            "Parameters": parameters,
            "InstanceIds": [server.instance.id for server in servers],
            "Status": "Pending",
            "StatusDetails": "Pending",
            "TargetCount": len(servers),
            "TimeoutSeconds": int(timeout_s),
        }
        return ActionResult({"Command": shown})

    def get_command_invocation(self) -> ActionResult:
        found = self.invocations.get((self._get_param("CommandId"), self._get_param("InstanceId")))
        appears_s = self.datacentre.pace.appears_s * self.datacentre.pace.time_scale
        if found is not None:
            found.looked += 1
        if found is None or found.looked == 1 or time.monotonic() - found.sent_at_s < appears_s:
            raise SSMException("InvocationDoesNotExist", "")
        return ActionResult(found.describe())

    def cancel_command(self) -> ActionResult:
        command_id, only = self._get_param("CommandId"), self._get_param("InstanceIds")
        found = [one for (command, _), one in self.invocations.items() if command == command_id]
        if not found:
            raise SSMException("InvalidCommandId", "")
        for one in found:
            if not one.ended and (not only or one.server.instance.id in only):
                one.set("Cancelling")
                one.cancelled.set()
        return ActionResult({})

    def describe_instance_information(self) -> ActionResult:
        """Every machine with an agent; Online while it answers."""
        shown: list[dict[str, Any]] = [
            {
                "InstanceId": name,
                "PingStatus": "Online" if server.machine.is_up else "ConnectionLost",
                "PlatformType": "Linux",
                "ResourceType": "EC2Instance",
            }
            for name, server in self.datacentre.servers.items()
            if server.instance.region_name == self.region and server.state in ("running", "stopped")
        ]
        return ActionResult({"InstanceInformationList": shown})

    def _server(self, name: str) -> Server:
        server = self.datacentre.find(name)
        if server is None or server.instance.region_name != self.region or server.state not in ("running", "stopping"):
            raise SSMException(
                "InvalidInstanceId", f"Instances [[{name}]] not in a valid state for account 123456789012"
            )
        return server
