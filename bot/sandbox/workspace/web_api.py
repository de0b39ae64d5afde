"""`/api/<method>`: reads a call, checks the token, scope and rate, and answers in Slack's envelope."""

from __future__ import annotations

import asyncio
import json

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.sandbox.workspace import api  # noqa: F401  registers the methods
from bot.sandbox.workspace.calls import METHODS, Call, Method, all_scopes, require_any
from bot.sandbox.workspace.connections import drop_connection
from bot.sandbox.workspace.errors import RateLimited, SlackError
from bot.sandbox.workspace.faults import RecordedCall
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.workspace import Workspace


async def handle(request: Request) -> Response:
    """The endpoint of every method."""
    workspace: Workspace = request.app.state.workspace
    if workspace.faults.outage:
        return PlainTextResponse("upstream connect error", status_code=503)
    name = request.path_params["method"]
    arguments = await read_arguments(request)
    if workspace.faults.latency_s:
        await asyncio.sleep(workspace.faults.latency_s)
    response = _answer(workspace, request, name, arguments)
    if workspace.faults.takes_answer(name):
        await drop_connection(request)
    return response


async def read_arguments(request: Request) -> Json:
    """A call's arguments from its query, form or JSON body."""
    arguments: Json = dict(request.query_params)
    content_type = request.headers.get("content-type", "")
    if "json" in content_type:
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            return {**arguments, "__error__": "invalid_json"}
        if not isinstance(body, dict):
            return {**arguments, "__error__": "json_not_object"}
        return {**arguments, **body}
    if content_type.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        form = await request.form()
        return {**arguments, **{name: value for name, value in form.items() if isinstance(value, str)}}
    return arguments


def _answer(workspace: Workspace, request: Request, name: str, arguments: Json) -> Response:
    headers = {"x-oauth-scopes": ",".join(workspace.manifest.scopes)}
    status = 200
    try:
        answer: Json = {"ok": True, **_run(workspace, request, name, arguments)}
    except RateLimited as limited:
        answer, status = limited.envelope(), 429
        headers["Retry-After"] = str(limited.retry_after_s)
    except SlackError as refused:
        answer = refused.envelope()
    shown = {key: value for key, value in arguments.items() if key != "token"}
    workspace.recorder.calls.append(RecordedCall(name, shown, answer, workspace.clock()))
    return JSONResponse(answer, status, headers)


def _run(workspace: Workspace, request: Request, name: str, arguments: Json) -> Json:
    method = METHODS.get(name)
    if method is None:
        raise SlackError("unknown_method", req_method=name)
    if "__error__" in arguments:
        raise SlackError(arguments["__error__"])
    _check_token(workspace, method, _token(request, arguments))
    workspace.rates.check(name, method.tier, str(arguments.get("channel", "")))
    require_any(workspace, all_scopes(method.scopes))
    if name in workspace.faults.fail_with:
        raise SlackError(workspace.faults.fail_with[name])
    return method.handler(Call(workspace, method, arguments))


def _token(request: Request, arguments: Json) -> str:
    header = request.headers.get("authorization", "")
    return header.removeprefix("Bearer ").strip() or str(arguments.get("token") or "")


def _check_token(workspace: Workspace, method: Method, token: str) -> None:
    if method.caller == "anyone":
        return
    if not token:
        raise SlackError("not_authed")
    kinds = {workspace.installed.bot_token: "bot", workspace.installed.app_token: "app"}
    kind = kinds.get(token)
    if kind is None:
        raise SlackError("invalid_auth")
    if kind != method.caller and method.name != "auth.test":
        raise SlackError("not_allowed_token_type")
