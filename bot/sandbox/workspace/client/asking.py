"""One request of the page: who acts, on what; and refusals as {ok: false, error}."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.state import Channel
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.workspace import Workspace


@dataclass(frozen=True)
class Asking:
    """A request of a person's page; `body` is its JSON, form or query."""

    workspace: Workspace
    body: Mapping[str, Any]

    @property
    def user(self) -> str:
        """The acting person; SlackError user_not_found."""
        user = self.workspace.state.user(str(self.body.get("user", "")))
        if user.is_bot:
            raise SlackError("user_not_found")
        return user.id

    def text(self, name: str) -> str:
        """A text, "" when absent."""
        return str(self.body.get(name) or "")

    def structure(self, name: str) -> Json:
        """An object, {} when absent."""
        value = self.body.get(name)
        return value if isinstance(value, dict) else {}

    @property
    def channel(self) -> Channel:
        """The channel, if the person may see it; SlackError channel_not_found."""
        return self.workspace.state.channel(self.text("channel"), self.user)

    @property
    def joined_channel(self) -> Channel:
        """A channel that the person is in and may write to; not_in_channel, is_archived."""
        channel = self.channel
        if channel.is_archived:
            raise SlackError("is_archived")
        if self.user not in channel.members:
            raise SlackError("not_in_channel")
        return channel


Answer = Callable[[Asking], Awaitable[Json]]
Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(answer: Answer) -> Endpoint:
    """An HTTP endpoint of a function that answers in JSON; what it raises as SlackError is the refusal."""

    @functools.wraps(answer)
    async def serve(request: Request) -> Response:
        workspace: Workspace = request.app.state.workspace
        try:
            answered = await answer(Asking(workspace, await _body(request)))
        except SlackError as refused:
            answered = refused.envelope()
        return JSONResponse({"ok": True, **answered})

    return serve


async def _body(request: Request) -> Mapping[str, Any]:
    if request.method == "GET":
        return request.query_params
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("multipart/form-data"):
        return await request.form()
    if not content_type.startswith("application/json"):
        # Other sites' scripts may send other types to this machine without asking the browser first.
        raise SlackError("invalid_post_type")
    try:
        body = await request.json()
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return body
