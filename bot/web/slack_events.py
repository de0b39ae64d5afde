"""`POST /slack/events`: what Slack says over HTTP, where no app token is given."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from slack_bolt import App, BoltResponse
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.web.body import BodyEndedEarly, BodyTooLarge, read_body

AT_ONCE = 32
"""Requests that are answered side by side, as many as over Socket Mode."""

UNREADABLE = (ValueError, AttributeError)
"""What bolt raises, before it looks at the signature, where a body is no text, no JSON, or none of an object."""


def slack_routes(bolt: App) -> list[Route]:
    """Each request has a thread: bolt's own handler lets nobody else in before it has an answer."""
    threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="slack-events")

    async def take(request: Request) -> Response:
        try:
            asked = to_bolt_request(request, await read_body(request))
        except BodyTooLarge as error:
            return JSONResponse({"error": str(error)}, status_code=413)
        except (BodyEndedEarly, *UNREADABLE):
            return JSONResponse({"error": "This is nothing that Slack says."}, status_code=400)
        answer: BoltResponse = await asyncio.get_running_loop().run_in_executor(threads, bolt.dispatch, asked)
        return to_starlette_response(answer)

    return [Route("/slack/events", take, methods=["POST"])]
