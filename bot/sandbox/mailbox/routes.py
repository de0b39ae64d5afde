"""Routes of the sandbox's server: the mailbox to read, and the addresses at which pages and webhooks arrive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.templating import Jinja2Templates

from bot.sandbox.mailbox.letters import Letter, Mailbox

TEMPLATES = Jinja2Templates(directory=Path(__file__).parent)
CAUGHT = "/caught"
"""Below it are `pagerduty`, `teams` and `webhook`."""
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'"
BODY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""A letter is shown as a mail program does it: no scripts, nothing loaded from elsewhere."""


def mailbox_routes(mailbox: Mailbox) -> list[BaseRoute]:
    """GET /mailbox, /mailbox.json, /mailbox/{id} and its body; POST below /caught."""

    async def show(request: Request) -> Response:
        return _page(request, "mailbox.html", {"letters": list(reversed(mailbox.letters()))})

    async def show_json(_: Request) -> Response:
        return JSONResponse({"letters": [letter.describe() for letter in mailbox.letters()]})

    async def show_letter(request: Request) -> Response:
        return _page(request, "letter.html", {"letter": _find(mailbox, request)})

    async def show_body(request: Request) -> Response:
        return HTMLResponse(_find(mailbox, request).html, headers={"Content-Security-Policy": BODY_POLICY})

    async def catch_event(request: Request) -> Response:
        return _catch_event(mailbox, await request.json())

    async def catch_card(request: Request) -> Response:
        card = (await request.json())["attachments"][0]["content"]["body"]
        mailbox.put("card", "Microsoft Teams", card[0]["text"], "\n\n".join(_lines(card[1:])))
        return Response(status_code=202)

    async def catch_webhook(request: Request) -> Response:
        body = await request.json()
        subject = f"{body['event']} {body.get('stage', '')} #{body['incident']}"
        headers = {name: value for name, value in request.headers.items() if "holdfast" in name or "idem" in name}
        mailbox.put("webhook", "webhook", subject, json.dumps(body, indent=2, ensure_ascii=False), headers=headers)
        return JSONResponse({"taken": True})

    return [
        Route("/mailbox", show),
        Route("/mailbox.json", show_json),
        Route("/mailbox/{number:int}", show_letter),
        Route("/mailbox/{number:int}/body", show_body),
        Route(f"{CAUGHT}/pagerduty/v2/enqueue", catch_event, methods=["POST"]),
        Route(f"{CAUGHT}/teams", catch_card, methods=["POST"]),
        Route(f"{CAUGHT}/webhook", catch_webhook, methods=["POST"]),
    ]


def _catch_event(mailbox: Mailbox, event: dict[str, Any]) -> Response:
    """A pager rings, or stops."""
    payload = event.get("payload") or {}
    subject = payload.get("summary") or event["dedup_key"]
    text = (payload.get("custom_details") or {}).get("details", "What rang under this key is closed.")
    thread = str(event["dedup_key"])
    facts = {"action": str(event["event_action"]), "dedup_key": thread, "severity": payload.get("severity", "-")}
    mailbox.put("page", "whoever is on call", f"{event['event_action']}: {subject}", text, thread=thread, headers=facts)
    answer = {"status": "success", "message": "Event processed", "dedup_key": thread}
    return JSONResponse(answer, status_code=202)


def _lines(elements: list[dict[str, Any]]) -> list[str]:
    found: list[str] = []
    for element in elements:
        facts = element.get("facts", [])
        found += [f"{fact['title']}: {fact['value']}" for fact in facts] or [str(element.get("text", ""))]
    return found


def _find(mailbox: Mailbox, request: Request) -> Letter:
    letter = mailbox.find(request.path_params["number"])
    if letter is None:
        raise HTTPException(404, "There is no such letter.")
    return letter


def _page(request: Request, name: str, facts: dict[str, Any]) -> Response:
    headers = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-store"}
    return TEMPLATES.TemplateResponse(request, name, facts, headers=headers)
