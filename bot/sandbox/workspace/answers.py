"""What an app answers through an acknowledgement or a response_url: a message, a replacement, a removal."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.sandbox.workspace import messages
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.limits.completion import complete_blocks
from bot.sandbox.workspace.limits.surfaces import check_attachments, check_message_blocks
from bot.sandbox.workspace.state import Channel
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.workspace import ResponseUrl, Workspace

MOST_USES = 5


async def handle_response_url(request: Request) -> Response:
    """`/response/…`: five uses in thirty minutes (docs.slack.dev, "Handling user interaction")."""
    workspace: Workspace = request.app.state.workspace
    if workspace.faults.outage:
        return PlainTextResponse("upstream connect error", status_code=503)
    try:
        url = _take(workspace, request.path_params["path"])
        answer(workspace, url, _decode(await request.body()))
    except SlackError as refused:
        status = 404 if refused.code in ("expired_url", "used_url") else 400
        return JSONResponse(refused.envelope(), status)
    return PlainTextResponse("ok")


def answer(workspace: Workspace, url: ResponseUrl, body: Json) -> None:
    """Do what the body says; nothing when it is empty. SlackError as with chat.postMessage."""
    channel = workspace.state.channels[url.channel]
    if body.get("delete_original"):
        _remove_original(workspace, channel, url)
        return
    content = _content(workspace, body)
    if not content:
        return
    if body.get("replace_original") and url.message_ts:
        _replace_original(workspace, channel, url, content)
        return
    text, author = content.pop("text", ""), messages.app_author(workspace)
    thread_ts = body.get("thread_ts")
    if body.get("response_type") == "in_channel":
        messages.post(workspace, channel, author, text, thread_ts=thread_ts, **content)
    else:
        messages.whisper(workspace, channel, url.user, author, text, thread_ts=thread_ts, **content)


def _take(workspace: Workspace, path: str) -> ResponseUrl:
    url = workspace.response_urls.get(path)
    if url is None or workspace.clock() - url.issued_at > workspace.timing.response_url_s:
        raise SlackError("expired_url")
    if url.uses >= MOST_USES:
        raise SlackError("used_url")
    url.uses += 1
    return url


def _decode(raw: bytes) -> Json:
    try:
        body = json.loads(raw)
    except ValueError:
        raise SlackError("invalid_payload") from None
    if not isinstance(body, dict):
        raise SlackError("invalid_payload")
    return body


def _content(workspace: Workspace, body: Json) -> Json:
    content: Json = {"text": body["text"]} if body.get("text") else {}
    if body.get("blocks"):
        check_message_blocks(body["blocks"])
        content["blocks"] = complete_blocks(body["blocks"], workspace.ids.block_id)
    if body.get("attachments"):
        check_attachments(body["attachments"])
        content["attachments"] = body["attachments"]
    return content


def _replace_original(workspace: Workspace, channel: Channel, url: ResponseUrl, content: Json) -> None:
    changes = {"text": "", "blocks": None, "attachments": None, **content}
    if url.is_ephemeral:
        messages.replace_whisper(workspace, channel, url.message_ts or "", changes)
    else:
        messages.change(workspace, channel, url.message_ts or "", changes, None)


def _remove_original(workspace: Workspace, channel: Channel, url: ResponseUrl) -> None:
    ts = url.message_ts or ""
    if url.is_ephemeral:
        messages.remove_whisper(workspace, channel, ts)
    elif ts in channel.messages:
        messages.delete(workspace, channel, ts)
