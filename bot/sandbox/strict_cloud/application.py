"""The cloud as one WSGI application: faults and the log of calls around moto, with the strict services in its place."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING, NoReturn

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from bot.sandbox.strict_cloud.calls import Call, CallLog, Kind, read_form, read_json
from bot.sandbox.strict_cloud.control import Control
from bot.sandbox.strict_cloud.services import Services

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

FORM, JSON = "application/x-www-form-urlencoded", "application/x-amz-json"
MAX_BODY_BYTES = 1 << 20
QUERY_ERROR = (
    "<ErrorResponse><Error><Type>{side}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    "<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
)
EC2_ERROR = (
    "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
    "<RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>"
)
S3_ERROR = "<Error><Code>{code}</Code><Message>{message}</Message></Error>"


class StrictCloud:
    """Routes a request: controls, then whatever is to go wrong, then the service."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._calls = CallLog()
        self._control = Control(self._calls, services)
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""
        if environ["PATH_INFO"].startswith("/_strict/"):
            return self._control(environ, start_response)
        call = read_call(environ)
        if call is None:
            return self._serve(environ, start_response)
        self._services.prepare(call.service)
        fault = self._calls.add(call)
        if fault == "cut":
            hang_up(environ)
        if fault in ("throttle", "error"):
            return answer_error(environ, start_response, call, fault)
        return self._act(environ, start_response, call)

    def _act(self, environ: WSGIEnvironment, start_response: StartResponse, call: Call) -> Iterable[bytes]:
        def record(status: str, headers: list[tuple[str, str]], *rest: object) -> object:
            call.status = int(status.split(maxsplit=1)[0])
            if call.fault == "lost":
                return lambda data: None
            return start_response(status, headers, *rest)  # type: ignore[arg-type]

        call.acted = True
        body = self._serve(environ, record)  # type: ignore[arg-type]
        if call.fault == "lost":
            hang_up(environ, after=body)
        return body

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer


def read_call(environ: WSGIEnvironment) -> Call | None:
    """Return what a signed request asks for, None for an unsigned one; its body can be read again."""
    try:
        scope = environ["HTTP_AUTHORIZATION"].split(",")[0].split()[1]
        _, _, region, service, _ = scope.split("/")
    except (KeyError, IndexError, ValueError):
        return None
    kind = environ.get("CONTENT_TYPE", "")
    if kind.startswith(FORM):
        parameters = read_form(read_body(environ))
        return Call(service, region, str(parameters.pop("Action", "")), parameters)
    if kind.startswith(JSON):
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        return Call(service, region, operation, read_json(read_body(environ)))
    query = {"query": environ["QUERY_STRING"]} if environ.get("QUERY_STRING") else {}
    return Call(service, region, f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}", {**query})


def read_body(environ: WSGIEnvironment) -> bytes:
    """Return a small body and put it back."""
    size_bytes = min(int(environ.get("CONTENT_LENGTH") or 0), MAX_BODY_BYTES)
    body: bytes = environ["wsgi.input"].read(size_bytes)
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def hang_up(environ: WSGIEnvironment, after: Iterable[bytes] = ()) -> NoReturn:
    """End the connection without an answer, once `after` is consumed. Raises ConnectionError, as a reset would."""
    for _ in after:
        pass
    connection = environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("a fault that was asked for")


def answer_error(environ: WSGIEnvironment, start_response: StartResponse, call: Call, fault: Kind) -> Iterable[bytes]:
    """Answer as the service does when it is called too often, or broken."""
    throttled = fault == "throttle"
    message = "Rate exceeded" if throttled else "The request processing has failed because of an unknown error."
    kind = environ.get("CONTENT_TYPE", "")
    if call.service == "ec2":
        code = "RequestLimitExceeded" if throttled else "InternalError"
        body, content_type = EC2_ERROR.format(code=code, message=message), "text/xml"
    elif kind.startswith(FORM):
        code, side = ("Throttling", "Sender") if throttled else ("InternalFailure", "Receiver")
        body, content_type = QUERY_ERROR.format(side=side, code=code, message=message), "text/xml"
    elif kind.startswith(JSON):
        code = "ThrottlingException" if throttled else "InternalServiceError"
        body, content_type = json.dumps({"__type": code, "message": message}), "application/x-amz-json-1.1"
    else:
        code = "SlowDown" if throttled else "InternalError"
        body, content_type = S3_ERROR.format(code=code, message=message), "application/xml"
    call.status = 500 if not throttled else 503 if code == "SlowDown" else 400
    encoded = body.encode()
    start_response(f"{call.status} Fault", [("Content-Type", content_type), ("Content-Length", str(len(encoded)))])
    return [encoded]
