"""EC2 over the wire: launching with a token, states that take time; everything else is moto's.

Rules from the API reference: RunInstances with a ClientToken answers a repetition with the first reservation, and
refuses the token with other parameters, or once its instance was terminated; ids that do not exist are refused before
anything is changed.
"""

from __future__ import annotations

from moto.core.responses import ActionResult
from moto.ec2 import urls
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instances import Reservation
from moto.ec2.responses import EC2Response

from bot.sandbox.strict_cloud.ec2.datacentre import Datacentre, Server


def install(datacentre: Datacentre) -> None:
    """Put ourselves in moto's place for EC2."""
    StrictEc2.datacentre = datacentre
    urls.url_paths = {"{0}/": StrictEc2.dispatch}


class StrictEc2(EC2Response):
    """The operations that change how an instance is; each method is named for its operation."""

    datacentre: Datacentre
    tokens: dict[tuple[str, str], tuple[str, Reservation]] = {}  # noqa: RUF012 (one cloud in one process)

    def run_instances(self) -> ActionResult:
        token = self._get_param("ClientToken")
        asked = repr(sorted((name, value) for name, value in self.data.items() if "Signature" not in name))
        with self.datacentre.lock:
            before = self.tokens.get((self.region, token)) if token else None
            if before is not None:
                if before[0] != asked:
                    raise EC2ClientError(
                        "IdempotentParameterMismatch",
                        "The client token that you provided is associated with a request that has other parameters.",
                    )
                if all(instance.state == "terminated" for instance in before[1].instances):
                    raise EC2ClientError(
                        "IdempotentInstanceTerminated",
                        "The client token that you provided is that of an instance which has been terminated.",
                    )
                return ActionResult(before[1])
            answer = super().run_instances()
            reservation: Reservation = answer.result  # type: ignore[assignment]
            for instance in reservation.instances:
                self.datacentre.launch(instance)
            if token:
                self.tokens[self.region, token] = (asked, reservation)
        return answer

    def terminate_instances(self) -> ActionResult:
        servers = self._servers(("pending", "running", "stopping", "stopped", "shutting-down", "terminated"))
        before = {server.instance.id: server.state for server in servers}
        answer = super().terminate_instances()
        for server in servers:
            if before[server.instance.id] != "terminated":
                self.datacentre.terminate(server.instance.id)
        return answer

    def stop_instances(self) -> ActionResult:
        servers = self._servers(("running", "stopping", "stopped"))
        before = {server.instance.id: server.state for server in servers}
        answer = super().stop_instances()
        for server in servers:
            if before[server.instance.id] == "running":
                self.datacentre.stop(server.instance.id)
            else:
                server.set_state(before[server.instance.id])
        return answer

    def start_instances(self) -> ActionResult:
        servers = self._servers(("stopped", "running"))
        before = {server.instance.id: server.state for server in servers}
        answer = super().start_instances()
        for server in servers:
            if before[server.instance.id] == "stopped":
                self.datacentre.start(server.instance.id)
        return answer

    def describe_instance_status(self) -> ActionResult:
        """A machine that does not answer is impaired; EC2 goes on to call it running."""
        answer = super().describe_instance_status()
        shown = answer.result["InstanceStatuses"]  # type: ignore[index]
        return ActionResult({"InstanceStatuses": [self._judge(instance) for instance in shown]})

    def _judge(self, instance: object) -> dict[str, object]:
        server = self.datacentre.find(str(instance.id))  # type: ignore[attr-defined]
        names = ("availability_zone", "instance_state", "instance_status", "system_status")
        shown = {_camel(name): getattr(instance, name) for name in names}
        if server is not None and server.state == "running" and not server.machine.is_up:
            shown["InstanceStatus"] = {
                "Status": "impaired",
                "Details": [{"Name": "reachability", "Status": "failed"}],
            }
        return {"InstanceId": instance.id, **shown}  # type: ignore[attr-defined]

    def _servers(self, allowed: tuple[str, ...]) -> list[Server]:
        """Those asked for that are machines of ours. Raises where one is in a state that does not allow it."""
        found = []
        for name in self._get_param("InstanceIds", []):
            server = self.datacentre.find(name)
            if server is None:
                continue  # moto says that it does not exist
            if server.state not in allowed:
                raise EC2ClientError(
                    "IncorrectInstanceState",
                    f"The instance '{name}' is not in a state from which it can be changed so: {server.state}.",
                )
            found.append(server)
        return found


def _camel(name: str) -> str:
    return "".join(part.title() for part in name.split("_"))
