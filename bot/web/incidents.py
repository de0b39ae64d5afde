"""`/incidents` and `/incidents/{number}`: to look at, with a link of one's own; nothing can be changed here."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.incidents.reading import Reading
from bot.incidents.web_access import ENTRANCE, PAGES, Pass
from bot.outcome import Refused
from bot.services import Services
from bot.settings import templates_dir
from bot.web.incident_page import read_chart, read_page
from bot.web.incident_pages import FOLDER, IncidentPages

log = logging.getLogger(__name__)

COOKIE = "holdfast"
ASSETS = {"style.css": "text/css", "page.js": "text/javascript"}
RECENT = 50
LONGEST_NUMBER = 9
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
Show = Callable[[Pass, Request], Response]


def incident_routes(services: Services) -> list[Route]:
    """Nothing where the pages are off."""
    return IncidentSite(services).routes() if services.web_access.is_on else []


class IncidentSite:
    def __init__(self, services: Services) -> None:
        self.services, self.access = services, services.web_access
        folder = templates_dir()
        self.pages = IncidentPages(folder, services.policy, self.access)
        self.assets = {name: (folder / FOLDER / name).read_bytes() for name in ASSETS}

    def routes(self) -> list[Route]:
        return [
            Route(ENTRANCE, self.enter),
            *(Route(f"{PAGES}/{name}", self._give(name)) for name in ASSETS),
            Route(PAGES, self._for_visitors(self.show_list)),
            Route(f"{PAGES}/{{number}}/charts/{{chart}}", self._for_visitors(self.show_chart)),
            Route(f"{PAGES}/{{rest:path}}", self._for_visitors(self.show_incident)),
        ]

    async def enter(self, request: Request) -> Response:
        """Take the link for a visit, and lead on to an address without it: history and referrers keep that one."""
        leave = self.access.read_link(request.query_params.get("token", ""))
        if leave is None:
            return self._page(self.pages.show_stranger(), 401)
        onward = f"{self.access.root}{PAGES}" + (f"/{leave.incident}" if leave.incident else "")
        response = RedirectResponse(onward, 303, HEADERS)
        response.set_cookie(
            COOKIE, self.access.sign_visit(leave), httponly=True, samesite="lax", secure=self.access.is_secure,
            path=f"{self.access.root}{PAGES}", expires=leave.until,
        )  # fmt: skip
        return response

    def show_list(self, leave: Pass, _request: Request) -> Response:
        """The open incidents, and the recent ones that are over."""
        reading = Reading(self.services.database, leave.person.key)
        open_ones = reading.list_open()
        recent = [one for one in reading.list_recent(RECENT) if not one.is_open]
        return self._page(self.pages.show_list(leave, open_ones, recent, self.access.clock()))

    def show_incident(self, leave: Pass, request: Request) -> Response:
        """404 where there is none, or none that this person may know of: the two look the same."""
        now = self.access.clock()
        try:
            page = read_page(self.services, _read_number(request.path_params["rest"]), leave.person.key, now)
        except Refused:
            return self._page(self.pages.show_missing(leave), 404)
        return self._page(self.pages.show_incident(leave, page, now))

    def show_chart(self, leave: Pass, request: Request) -> Response:
        """A picture on the page of an incident, for whoever may see that."""
        incident, chart = (_read_number(request.path_params[name]) for name in ("number", "chart"))
        try:
            picture = read_chart(self.services, incident, chart, leave.person.key)
        except Refused:
            return self._page(self.pages.show_missing(leave), 404)
        return Response(picture, media_type="image/png", headers=HEADERS)

    def _for_visitors(self, show: Show) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            leave = self.access.read_visit(request.cookies.get(COOKIE, ""))
            if leave is None:
                return self._page(self.pages.show_stranger(), 401)
            try:
                return await run_in_threadpool(show, leave, request)
            except sa.exc.SQLAlchemyError:
                log.exception("an incident page could not be read")
                return self._page(self.pages.show_trouble(), 503)

        return answer

    def _give(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(_request: Request) -> Response:
            headers = {**HEADERS, "Cache-Control": "no-cache"}
            return Response(self.assets[name], media_type=ASSETS[name], headers=headers)

        return answer

    def _page(self, html: str, status: int = 200) -> Response:
        return HTMLResponse(html, status, HEADERS)


def _read_number(text: str) -> int:
    """0, which no incident has, for what is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else 0
