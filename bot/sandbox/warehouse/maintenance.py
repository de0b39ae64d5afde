"""Maintenance mode, as a web server before the application has it: as long as a page is there, it is the answer."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

RETRY_AFTER_S = 120
OPEN = ("/health",)


class Maintenance:
    """Answers everything but the health with status 503 and the page; as nginx does it by `if (-f …)`."""

    def __init__(self, application: ASGIApp, path: Path | None) -> None:
        self._application, self._path = application, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = self._read_page() if scope["type"] == "http" and scope["path"] not in OPEN else None
        if page is None:
            await self._application(scope, receive, send)
            return
        headers = {"Retry-After": str(RETRY_AFTER_S), "Cache-Control": "no-store"}
        await Response(page, 503, headers, "text/html; charset=utf-8")(scope, receive, send)

    def _read_page(self) -> bytes | None:
        try:
            return self._path.read_bytes() if self._path else None
        except FileNotFoundError:
            return None
