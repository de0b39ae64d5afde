"""Routes that serve the page: one template and its assets, straight from the package's files."""

import os
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from starlette.types import Scope

HERE = Path(__file__).parent
TEMPLATES = Jinja2Templates(directory=HERE)
CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob: http: https:",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)


class FreshFiles(StaticFiles):
    """Static files that a browser asks about each time, so that an upgrade is never half seen."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The file, or 304 where the browser holds the same bytes already."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        if self.is_not_modified(response.headers, Headers(scope=scope)):
            response.status_code = 304
        return response


def show_page(request: Request) -> Response:
    """The page itself; everything in it is fetched from `/client/*` by its scripts."""
    headers = {"Content-Security-Policy": CONTENT_POLICY, "Cache-Control": "no-cache"}
    return TEMPLATES.TemplateResponse(request, "page.html", {"person": first_person(request)}, headers=headers)


def first_person(request: Request) -> str:
    """Whom a visitor is at first: the first person of the workspace that serves the page."""
    users = request.app.state.workspace.state.users.values()
    return next(str(user.id) for user in users if not user.is_bot)


def page_routes() -> list[BaseRoute]:
    """Routes for the workspace's application: GET `/` and the files below `/assets/`."""
    return [
        Route("/", show_page, methods=["GET"], name="page"),
        Mount("/assets", FreshFiles(directory=HERE / "assets"), name="assets"),
    ]
