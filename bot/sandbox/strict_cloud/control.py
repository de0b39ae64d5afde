"""What a test or the demo may ask of the cloud besides AWS's API: JSON under /_strict/.

| request | body | does |
|---|---|---|
| GET calls | | every call so far that could have changed something |
| DELETE calls | | forgets them |
| POST faults | kind, operation, service, times, region | lets something go wrong (`calls.Fault`) |
| DELETE faults | | nothing goes wrong any more |
| POST rds/pace | durations in seconds, time_scale | changes how long things take (`pace.Pace`) |
| POST rds/pause, POST rds/resume | | stops and starts the cloud's clock |
| POST rds/adopt | region, identifier, admin_url, bindir, settings | makes an instance of a server that runs |
| POST rds/status | region, identifier | says in which state an instance is |
| POST rds/stick | region, identifier, status or null | holds an instance in a bad state, or lets it go |
| POST rds/lag | region, identifier, lag_s or null | what CloudWatch says of a replica; null: measure |
| POST rds/maintenance | region, identifier | applies what is pending |
| POST ec2/describe | instance | says where a machine's disk is, on which port its application is, whether it is up |
| POST ec2/crash | instance | kills a machine with all that runs on it |
| POST ec2/serve | target_group, port | lets a load balancer answer on a port, for the targets of a group (an ARN) |
| POST ec2/pace | durations in seconds, time_scale | changes how long things take (`ec2.datacentre.ServerPace`) |
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from moto.core.exceptions import ServiceException

from bot.sandbox.strict_cloud.calls import CallLog, Fault
from bot.sandbox.strict_cloud.services import Services

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Answer = object
Handler = Callable[["Body"], Answer]


class Body:
    """The JSON object of a request."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text. Raises LookupError when it is missing and there is no default."""
        value = self.values.get(name, default)
        if not isinstance(value, str):
            raise LookupError(f"{name} is missing")
        return value

    def number(self, name: str) -> float | None:
        """Return a number, or None for null."""
        value = self.values.get(name)
        return float(value) if isinstance(value, int | float) else None


class Control:
    """Answers requests under /_strict/."""

    def __init__(self, calls: CallLog, services: Services) -> None:
        self._calls = calls
        self._services = services
        self._handlers: dict[str, Handler] = {
            "GET calls": lambda body: calls.all(),
            "DELETE calls": lambda body: calls.clear(),
            "POST faults": self._arm,
            "DELETE faults": lambda body: calls.disarm(),
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with JSON; 400 and the reason for what cannot be done."""
        size_bytes = int(environ.get("CONTENT_LENGTH") or 0)
        name = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO'].removeprefix('/_strict/')}"
        status, answer = HTTPStatus.OK, None
        try:
            body = Body(json.loads(environ["wsgi.input"].read(size_bytes) or b"{}"))
            answer = self._find(name)(body)
        except (LookupError, ValueError, ServiceException) as error:
            status, answer = HTTPStatus.BAD_REQUEST, {"error": str(error)}
        encoded = json.dumps(answer).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(encoded)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [encoded]

    def _find(self, name: str) -> Handler:
        if name.startswith("POST rds/"):
            return lambda body: self._rds(body, name.removeprefix("POST rds/"))
        if name.startswith("POST ec2/"):
            return lambda body: self._servers(body, name.removeprefix("POST ec2/"))
        if name not in self._handlers:
            raise LookupError(f"there is no control {name}")
        return self._handlers[name]

    def _arm(self, body: Body) -> None:
        self._calls.arm(Fault(**body.values))  # type: ignore[arg-type]

    def _rds(self, body: Body, name: str) -> object:
        world = self._services.rds()
        from bot.sandbox.strict_cloud.rds import controls  # noqa: PLC0415 (as late as RDS itself: `services`)

        with world.lock:
            return controls.CONTROLS[name](world, body)

    def _servers(self, body: Body, name: str) -> object:
        datacentre = self._services.servers()
        from bot.sandbox.strict_cloud.ec2 import controls  # noqa: PLC0415 (as late as EC2 itself: `services`)

        if name == "serve":
            controls.serve(self._services.balancers(), body)
            return None
        return controls.CONTROLS[name](datacentre, body)
